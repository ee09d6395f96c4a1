"""Whether a notebook has to run: what it is made of, against what its last good run was made of."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import nbformat

from eumlib._common.files import DATA_FOLDER, PACKAGE_FOLDER, sha256_of, write_text
from eumlib._common.provenance import package_versions
from eumlib._common.settings import LFW_VARIABLE
from eumlib._common.texts import read_json
from eumlib._reports.notebooks import Literal, Notebook
from eumlib._reports.parameters import parameters_of
from eumlib._reports.redaction import redactor
from eumlib._reports.runs import DONE, Run

# Written from a finished report, and read by none of the notebooks.
_NO_INPUTS = {"README.md", "results.json"}


def sources_of(notebook: Notebook, given: Mapping[str, Literal]) -> dict[str, object]:
    """What a run of the notebook would be made of; a run made of the same need not be repeated.

    Returns:
        ``notebook``, ``package``: SHA-256 of the source without outputs, and of the package's
        files; ``parameters``; ``data``: SHA-256 of every file of ``data/``; ``folders``: of the
        listings of folders that parameters or ``EUMLIB_LFW`` name; ``versions``: of Python and
        the packages.
    """
    parameters = parameters_of(notebook, given)
    places = {name: value for name, value in parameters.items() if isinstance(value, str) and value}
    if os.environ.get(LFW_VARIABLE) and {"lfw", "lfw_test"} & set(places.values()):
        places[LFW_VARIABLE] = os.environ[LFW_VARIABLE]
    return {
        "notebook": _notebook_sha256(notebook.path),
        "parameters": redactor(parameters)(parameters),
        "package": _sha256_of_texts(f"{n} {h}" for n, h in _files(PACKAGE_FOLDER).items()),
        "data": {name: h for name, h in _files(DATA_FOLDER).items() if name not in _NO_INPUTS},
        "folders": {
            name: _listing_sha256(Path(value).expanduser())
            for name, value in places.items()
            if Path(value).expanduser().exists()
        },
        "versions": {"Python": platform.python_version(), **package_versions()},
    }


def reason_to_run(last: Run | None, sources: Mapping[str, object], executed: Path) -> str | None:
    """Why the notebook has to run, in a few words; None if its last run can be kept.

    Args:
        last: its last run into this folder, of `read_record`.
        sources: of `sources_of`, now.
        executed: the notebook that the last run wrote.
    """
    if last is None:
        return "it has not run here yet"
    if last.status != DONE:
        return f"its last run {last.status}"
    for name, value in sources.items():
        if last.sources.get(name) != value:
            return f"{name} changed{_details(last.sources.get(name), value)}"
    if not executed.exists() or sha256_of(executed) != last.output_sha256:
        return "its output is gone or was changed"
    return None


def _details(before: object, after: object) -> str:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
    return f": {', '.join(names)}"


def record_path(folder: Path, name: str) -> Path:
    """Where the record of a notebook's last run lies, in the folder of the executed notebooks."""
    return folder / f"{name}.json"


def write_record(run: Run, folder: Path) -> None:
    """Note what became of a notebook, atomically."""
    text = json.dumps(asdict(run), indent=1, ensure_ascii=False) + "\n"
    write_text(record_path(folder, run.notebook), text)


def read_record(folder: Path, name: str) -> Run | None:
    """The last run of a notebook into this folder, marked as kept; None if there is none."""
    try:
        noted = read_json(record_path(folder, name))
        return replace(Run(**noted), kept=True)
    except (OSError, ValueError, TypeError):  # none, or of another version of this package
        return None


def _notebook_sha256(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return _sha256_of_texts(
        json.dumps([cell.cell_type, cell.source, cell.metadata.get("tags", [])]) for cell in cells
    )


def _files(folder: Path) -> dict[str, str]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}


def _listing_sha256(path: Path) -> str:
    """Of names, sizes and times: the pictures themselves would take too long to read."""
    paths = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(p.relative_to(path).as_posix(), p.stat()) for p in paths if p.is_file()]
    return _sha256_of_texts(f"{name} {s.st_size} {s.st_mtime_ns}" for name, s in stats)


def _sha256_of_texts(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
