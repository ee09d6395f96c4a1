"""Run one notebook through papermill, within its time, and say what became of it."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from eumlib._common.files import scratch_folder, sha256_of, write_text
from eumlib._common.settings import QUIET_VARIABLE, STATIC_VARIABLE
from eumlib._reports.notebooks import Literal, Notebook, NotebookError
from eumlib._reports.parameters import parameters_of
from eumlib._reports.redaction import redactor
from eumlib.course.notebook import RESULTS_MIME

START_SECONDS = 180
# In a terminal the cells are counted while they run, although bars in the notebook are off.
CELLS_BAR = {"disable": False, "leave": False, "desc": "    cells"}
NOTEBOOK_SECONDS = 3600
DONE, FAILED, NOT_RUN = "done", "failed", "not run"


@dataclass(frozen=True)
class Run:
    """What became of one notebook.

    Attributes:
        notebook: its name.
        title: its title.
        status: ``done``, ``failed`` or ``not run``.
        seconds: that it took.
        parameters: all that it ran with, its defaults included.
        error: the cell and what it said, where it failed.
        results: the tables that it published, by name.
        started, finished: when, in UTC.
        sources: what it was made of, see `eumlib._reports.resuming.sources_of`.
        output_sha256: of the executed notebook.
        kept: whether it was made by an earlier report into the same folder.
    """

    notebook: str
    title: str
    status: str
    seconds: float
    parameters: Mapping[str, Literal]
    error: str | None = None
    results: Mapping[str, list[dict]] = field(default_factory=dict)
    started: str | None = None
    finished: str | None = None
    sources: Mapping[str, object] = field(default_factory=dict)
    output_sha256: str | None = None
    kept: bool = False


class LessonEngine(NBClientEngine):
    """papermill's engine, for notebooks that fail on purpose.

    papermill takes every error for a failure, also in cells tagged ``raises-exception``. Here such
    a cell keeps the error's text, and one that does *not* raise is the failure.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, scratch, **options):
        """Execute, then turn the expected errors into text; papermill calls this."""
        config = Config(KernelManager=_connection(scratch))
        super().execute_managed_notebook(nb_man, kernel_name, config=config, **options)
        for cell in nb_man.nb.cells:
            if "raises-exception" not in cell.metadata.get("tags", []) or not cell.execution_count:
                continue
            errors = [output for output in cell.outputs if output.output_type == "error"]
            if not errors:
                raise NotebookError(f"cell In [{cell.execution_count}] was to raise, and did not")
            text = f"{errors[0].ename}: {errors[0].evalue}\n"
            cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text=text)]


papermill_engines.register("eumlib", LessonEngine)

_SOCKET_NAME = 100  # bytes that every system takes; macOS takes four more


def _connection(scratch: Path) -> dict[str, str]:
    """How to speak with a kernel: by sockets in the folder, where the system has them.

    A port can be taken by another program between its choice and the kernel's start. The file that
    says how lies in the folder, too: the system's own stays behind where this process is killed.
    """
    place = {"connection_file": str(scratch / "kernel.json")}
    short = len(os.fsencode(scratch / "kernel-ipc-9")) <= _SOCKET_NAME
    if hasattr(socket, "AF_UNIX") and short:
        return place | {"transport": "ipc"}
    return place


class Allowance:
    """The seconds that a notebook may take; nbclient asks for the rest of them before each cell."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.cells = 0
        self._end = time.monotonic() + seconds

    def __call__(self, cell: nbformat.NotebookNode) -> int:
        self.cells += 1
        return max(1, round(self._end - time.monotonic()))


def run_notebook(
    notebook: Notebook,
    given: Mapping[str, Literal],
    executed: Path,
    seconds: float = NOTEBOOK_SECONDS,
    sources: Mapping[str, object] | None = None,
) -> Run:
    """Execute one notebook by papermill into `executed`; parameters it does not have are left out.

    The kernel inherits this process's environment, with widgets replaced by their static twins and
    progress bars off. Paths of this machine are taken out of what is written.

    Args:
        notebook: to run.
        given: parameters, checked.
        executed: the notebook to write, with outputs.
        seconds: that it may take; then its kernel is ended, and the run has failed.
        sources: noted in the run that is returned.

    Returns:
        The run; a failure is in it, with the cell's number and error. Until it is over, what an
        earlier run has written is left as it is.

    Raises:
        OSError: what is executed cannot be written.
    """
    # Figures come as data, wherever the user likes them to be shown.
    renderer = {"PLOTLY_RENDERER": "plotly_mimetype"}
    os.environ.update({STATIC_VARIABLE: "1", QUIET_VARIABLE: "1", **renderer})
    # Threads that wait must not spin: on a busy machine training would take many times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parameters = parameters_of(notebook, given)
    redact = redactor(parameters)
    started, start = now(), time.monotonic()
    with scratch_folder() as folder:  # papermill writes paths of this machine
        running = folder / executed.name
        error = _execute(notebook, given, running, Allowance(seconds))
        book = redact(nbformat.read(running, as_version=4)) if running.exists() else None
    if book is not None:
        book.metadata.pop("papermill", None)
        write_text(executed, nbformat.writes(book))
    else:
        executed.unlink(missing_ok=True)
    return Run(
        notebook.name,
        notebook.title,
        FAILED if error else DONE,
        time.monotonic() - start,
        redact(parameters),
        redact(error),
        {} if error else _published(book),
        started,
        now(),
        sources or {},
        sha256_of(executed) if book is not None else None,
    )


def _execute(
    notebook: Notebook, given: Mapping[str, Literal], executed: Path, allowance: Callable
) -> str | None:
    try:
        papermill.execute_notebook(
            str(notebook.path),
            str(executed),
            parameters={name: given[name] for name in notebook.parameters if name in given},
            kernel_name="python3",
            language="python",
            engine_name="eumlib",
            scratch=executed.parent,
            extra_arguments=["--log-level=50"],  # not that it was interrupted at its end
            progress_bar=CELLS_BAR if sys.stderr.isatty() else False,
            store_widget_state=False,
            timeout_func=allowance,
            start_timeout=START_SECONDS,
        )
    except PapermillExecutionError as failure:
        return f"cell In [{failure.exec_count}]: {failure.ename}: {failure.evalue}"
    except CellTimeoutError:
        return (
            f"cell In [{allowance.cells}]: the notebook took longer than the "
            f"{allowance.seconds / 60:.3g} minutes it had (--notebook-minutes, --total-minutes), "
            "and its kernel was ended"
        )
    except DeadKernelError:
        return f"cell In [{allowance.cells}]: the kernel died; was there enough memory?"
    except NotebookError as failure:
        return str(failure)
    except OSError:  # of the disk of this process, not of the notebook
        raise
    except Exception as failure:  # nbclient stumbles over some widgets: this notebook's failure
        return f"cell In [{allowance.cells}]: {type(failure).__name__}: {failure}"
    return None


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _published(executed: nbformat.NotebookNode) -> dict[str, list[dict]]:
    results: dict[str, list[dict]] = {}
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            results.update(output.get("data", {}).get(RESULTS_MIME, {}))
    return results
