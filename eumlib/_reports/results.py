"""Files of results, such as ``data/study.json``, in the shape of a report's manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from eumlib._common.texts import TextFileError, read_json
from eumlib._reports.differences import published
from eumlib._reports.manifest import ManifestError, checked, read_manifest

_PROVENANCE = ("commit", "uncommitted_changes")
_NEEDED = "give the folder of a report, or a file of results like data/study.json"


def read_compared(path: Path) -> dict:
    """The manifest of a report, from its folder, or what stands in for one, from a file of results.

    Raises:
        ManifestError: it is neither.
    """
    if path.is_file() or path.suffix == ".json":
        return read_results(path)
    return read_manifest(path)


def read_results(path: Path) -> dict:
    """A file of results as if one notebook, ``results``, had published all of its tables.

    A table is a list of rows, wherever it stands: ``{"gate": {"errors": [{…}]}}`` holds one that is
    called ``gate errors``. What is neither a table nor the commit counts as a parameter. The
    manifest of a report, which may lie anywhere, comes back as it is.

    Raises:
        ManifestError: no such file, no JSON, or no number with an interval in it.
    """
    if not Path(path).exists():
        raise ManifestError(f"no file {path}; {_NEEDED}")
    try:
        written = read_json(path)
    except TextFileError as error:
        raise ManifestError(f"{error}; {_NEEDED}") from None
    try:
        manifest = checked(written) if "runs" in written else _as_manifest(written)
    except ManifestError as error:
        raise ManifestError(f"{path} cannot be compared: {error}; {_NEEDED}") from None
    if "runs" not in written and not published(manifest):
        raise ManifestError(f"{path} holds no number with an interval, such as eer_low; {_NEEDED}")
    return manifest


def _as_manifest(written: Mapping[str, object]) -> dict:
    tables, parameters = {}, {}
    for name, part in _parts(written):
        (tables if _is_table(part) else parameters)[name] = part
    run = {"notebook": "results", "status": "done", "parameters": parameters, "results": tables}
    made = {name: parameters.pop(name) for name in _PROVENANCE if name in parameters}
    return checked({**made, "runs": [run]})


def _parts(written: Mapping[str, object], within: str = "") -> Iterator[tuple[str, object]]:
    for name, part in written.items():
        if isinstance(part, Mapping):
            yield from _parts(part, f"{within}{name} ")
        else:
            yield f"{within}{name}", part


def _is_table(part: object) -> bool:
    return isinstance(part, list) and all(isinstance(row, Mapping) for row in part)
