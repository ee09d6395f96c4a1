"""The manifest of a report: what was run, from what, where, and what came of it."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from eumlib._common.errors import EumlibError, in_a_line, shortened
from eumlib._common.files import sha256_of, write_text
from eumlib._common.provenance import machine_state, package_versions, source_state
from eumlib._common.texts import read_json
from eumlib._reports.notebooks import Literal
from eumlib._reports.plan import Step
from eumlib._reports.redaction import redactor
from eumlib._reports.runs import DONE, FAILED, Run, now

MANIFEST = "manifest.json"
_BOUND = 2**63


RUNNING, STOPPED = "running", "stopped"


class ManifestError(EumlibError, ValueError):
    """A folder without the manifest of a report."""


def begin(steps: Sequence[Step], given: Mapping[str, Literal], profile: str) -> dict:
    """The manifest before the first notebook has run.

    Returns:
        ``started``, ``finished``, ``status``, ``profile``, ``parameters`` as given, ``commit``,
        ``uncommitted_changes``, what `machine_state` says, ``packages``, ``seeds`` by notebook,
        ``inputs`` and ``outputs`` with their SHA-256, and ``runs``.
    """
    seeds = {
        step.notebook.name: step.sources["parameters"]["seed"]
        for step in steps
        if "seed" in step.sources["parameters"]
    }
    return {
        "started": now(),
        "finished": None,
        "status": RUNNING,
        "profile": profile,
        "parameters": redactor(given)(dict(given)),
        "seeds": seeds,
        **source_state(),
        **machine_state(),
        "packages": package_versions(),
        "inputs": _inputs(steps),
        "outputs": {},
        "runs": [],
    }


def _inputs(steps: Sequence[Step]) -> dict[str, str]:
    inputs = {}
    for step in steps:
        sources = step.sources
        inputs |= {f"notebooks/{step.notebook.path.name}": sources["notebook"]}
        inputs |= {f"folder of {name}": value for name, value in sources["folders"].items()}
        inputs |= {"eumlib": sources["package"]}
        inputs |= {f"data/{name}": value for name, value in sources["data"].items()}
    return dict(sorted(inputs.items()))


def stopped(manifest: Mapping[str, object]) -> dict:
    """The manifest of a report that was interrupted."""
    return {**manifest, "finished": now(), "status": STOPPED}


def with_runs(manifest: Mapping[str, object], runs: Sequence[Run]) -> dict:
    """The manifest with the runs that there are so far."""
    rows = [asdict(run) for run in runs]
    for row in rows:
        del row["sources"]  # they stand among the inputs
    return {**manifest, "runs": rows}


def finish(manifest: Mapping[str, object], outputs: Mapping[str, Path]) -> dict:
    """The manifest with its end, its status, and the files that were written by name."""
    states = {run["status"] for run in manifest["runs"]}
    return {
        **manifest,
        "finished": now(),
        "status": DONE if states <= {DONE} else FAILED,
        "outputs": {name: sha256_of(path) for name, path in outputs.items()},
    }


def write_manifest(manifest: Mapping[str, object], folder: Path) -> None:
    """Write it as JSON into the report's folder, atomically."""
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> dict:
    """The manifest in a report's folder.

    Raises:
        ManifestError: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        return checked(read_json(path))
    except (OSError, ValueError) as error:
        why = in_a_line(error) if isinstance(error, OSError) else shortened(str(error), 200)
        raise ManifestError(
            f"{path} is not there or cannot be read ({why}); `python -m eumlib report --out "
            f"{folder}` makes it"
        ) from None


def checked(manifest: object) -> dict:
    """The manifest, if it has the shape of one; its tables can be read as tables.

    Raises:
        ManifestError: it has not; the message says where.
    """
    if not isinstance(manifest, dict) or not isinstance(manifest.get("runs"), list):
        raise ManifestError("it holds no runs of notebooks")
    for run in manifest["runs"]:
        if not isinstance(run, dict) or not {"notebook", "status", "results"} <= set(run):
            raise ManifestError("a run in it has no notebook, status or results")
        if not isinstance(run.setdefault("parameters", {}), dict):
            raise ManifestError(f"the parameters of {run['notebook']} have no names")
        if not isinstance(run["results"], dict):
            raise ManifestError(f"the results of {run['notebook']} have no names")
        for name, rows in run["results"].items():
            _check_table(name, rows)
    return manifest


def _check_table(name: str, rows: object) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ManifestError(f"its table {shortened(name)} is no list of rows")
    columns = {column for row in rows for column in row}
    for measured in (column for column in columns if f"{column}_low" in columns):
        for row in rows:
            for column in (measured, f"{measured}_low", f"{measured}_high"):
                if not _is_number(row.get(column)):
                    raise ManifestError(
                        f"its table {shortened(name)} has {reprlib.repr(row[column])} where the "
                        f"number {shortened(column)} belongs"
                    )


def _is_number(value: object) -> bool:
    """Of those that a table of numbers can hold, which 10 to the power of 400 is not."""
    if isinstance(value, int):
        return abs(value) < _BOUND
    return value is None or isinstance(value, float)


HEADLINE_RESULTS = "headline"


def headline_results(manifest: dict) -> pd.DataFrame | None:
    """The table that a notebook published as ``headline``, or None where none did."""
    for run in manifest["runs"]:
        if HEADLINE_RESULTS in run["results"]:
            return pd.DataFrame(run["results"][HEADLINE_RESULTS])
    return None
