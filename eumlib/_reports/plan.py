"""Walk through the notebooks in order, running those that have to run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from eumlib._common.errors import EumlibError
from eumlib._reports.notebooks import Literal, Notebook, NotebookError
from eumlib._reports.parameters import parameters_of
from eumlib._reports.redaction import redactor
from eumlib._reports.resuming import (
    read_record,
    reason_to_run,
    sources_of,
    write_record,
)
from eumlib._reports.runs import DONE, FAILED, NOT_RUN, NOTEBOOK_SECONDS, Run, run_notebook

TOTAL_SECONDS = 12 * 3600


class BusyFolderError(EumlibError, RuntimeError):
    """Another report is being written into the same folder."""


@dataclass(frozen=True)
class Step:
    """A notebook on the way.

    Attributes:
        notebook: the notebook.
        sources: what its run would be made of.
        reason: why it has to run; None if its last run is kept.
        last: its last run into this folder, if there is one.
    """

    notebook: Notebook
    sources: Mapping[str, object]
    reason: str | None
    last: Run | None

    @property
    def seconds(self) -> float:
        """What it will take: as long as last time, or what the notebook says."""
        if self.reason is None:
            return 0
        known = self.last is not None and self.last.status == DONE
        return self.last.seconds if known else 60 * self.notebook.minutes

    def describe(self) -> str:
        """Its name, and why it runs or does not."""
        if self.reason is None:
            return f"{self.notebook.name}: kept, nothing it is made of has changed"
        return f"{self.notebook.name}, about {_minutes(self.seconds)}: {self.reason}"


@dataclass(frozen=True)
class Limits:
    """The longest times.

    Attributes:
        notebook: seconds for each notebook; None for `NOTEBOOK_SECONDS`, or twice the minutes that
            it states where that is longer.
        total: seconds for all of them together.
    """

    notebook: float | None = None
    total: float = TOTAL_SECONDS

    def seconds_for(self, notebook: Notebook) -> float:
        """How long this notebook may take."""
        if self.notebook is not None:
            return self.notebook
        return max(NOTEBOOK_SECONDS, 2 * 60 * notebook.minutes)


USUAL_LIMITS = Limits()


@contextmanager
def only_report_in(folder: Path) -> Iterator[None]:
    """Keep other reports out of the folder while the block runs; the end of the process frees it.

    Raises:
        BusyFolderError: another report is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout:
        raise BusyFolderError(
            f"another report is being written into {folder}: wait until it has ended, or give "
            f"another folder with --out"
        ) from None


def plan(
    notebooks: Sequence[Notebook],
    given: Mapping[str, Literal],
    folder: Path,
    force: bool = False,
) -> list[Step]:
    """What has to run and what can be kept; nothing is run.

    Args:
        notebooks: in their order.
        given: parameters, checked.
        folder: of the executed notebooks.
        force: run all of them, whatever there is.
    """
    steps = []
    for notebook in notebooks:
        sources, last = sources_of(notebook, given), read_record(folder, notebook.name)
        reason = reason_to_run(last, sources, folder / f"{notebook.name}.ipynb")
        steps.append(Step(notebook, sources, "forced" if force else reason, last))
    return steps


def walk(
    steps: Sequence[Step],
    given: Mapping[str, Literal],
    folder: Path,
    limits: Limits = USUAL_LIMITS,
    keep_going: bool = False,
) -> Iterator[Run]:
    """Run what has to run, printing progress; give each notebook's run as soon as it is there.

    Args:
        steps: of `plan`.
        given: parameters, as given to `plan`.
        folder: of the executed notebooks and of the records of their runs.
        limits: times after which a notebook's kernel is ended.
        keep_going: go on after a notebook that failed, instead of leaving the rest out.
    """
    start, spent, expected = time.monotonic(), 0.0, 0.0
    stopped = False
    for position, step in enumerate(steps):
        name = step.notebook.name
        left = start + limits.total - time.monotonic()
        seconds = min(limits.seconds_for(step.notebook), left)
        if step.reason is None:
            print(f"{position + 1}/{len(steps)} {step.describe()}", flush=True)
            yield step.last
        elif stopped or seconds <= 0:
            yield _not_run(step, given)
        else:
            pace = spent / expected if expected else 1
            rest = pace * sum(later.seconds for later in steps[position:])
            place = f"{position + 1}/{len(steps)}"
            print(f"{place} {step.describe()}; {_minutes(rest)} to the end", flush=True)
            executed = folder / f"{name}.ipynb"
            run = run_notebook(step.notebook, given, executed, seconds, step.sources)
            write_record(run, folder)
            print(f"    {run.status} in {run.seconds:.0f} s", flush=True)
            if run.status == DONE:
                spent, expected = spent + run.seconds, expected + step.seconds
            stopped = run.status == FAILED and not keep_going
            yield run


def _not_run(step: Step, given: Mapping[str, Literal]) -> Run:
    parameters = parameters_of(step.notebook, given)
    parameters = redactor(parameters)(parameters)
    return Run(step.notebook.name, step.notebook.title, NOT_RUN, 0, parameters)


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"


def require_success(runs: Sequence[Run], folder: Path) -> None:
    """Raise NotebookError, with notebooks, cells and where to look, unless all runs are done."""
    failed = [run for run in runs if run.status == FAILED]
    left_out = [run.notebook for run in runs if run.status == NOT_RUN]
    lines = [
        f"{run.notebook}, {run.error}\n"
        f"  The notebook as far as it came: {folder / run.notebook}.ipynb"
        for run in failed
    ]
    if left_out:
        lines.append(f"not run: {', '.join(left_out)}; the same command goes on from there")
    if lines:
        raise NotebookError("\n".join(lines))
