"""Run the notebooks in order, with checked parameters, and say what happened."""

from __future__ import annotations

import ast
import difflib
import json
import os
import platform
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import torch
from IPython.display import display
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from eumlib.files import NOTEBOOK_FOLDER, write_text
from eumlib.progress import QUIET_VARIABLE
from eumlib.provenance import source_state
from eumlib.widgets import STATIC_VARIABLE

Literal = bool | int | float | str
RESULTS_MIME = "application/vnd.eumlib.results+json"
CELL_TIMEOUT_SECONDS = 1800
START_TIMEOUT_SECONDS = 180
PACKAGES = ("eumlib", "numpy", "torch", "dlib-bin", "pandas", "plotly", "umap-learn", "papermill")


class ParameterError(ValueError):
    """A parameter that no notebook has, or a value of another type."""


class NotebookError(RuntimeError):
    """A notebook that failed; the message names it and the cell."""


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell: its default value and its comment."""

    default: Literal
    help: str


@dataclass(frozen=True)
class Notebook:
    """A numbered notebook, ``NN_verb_object.ipynb``, and what its cells say about it."""

    path: Path
    title: str
    minutes: float
    parameters: Mapping[str, Parameter]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


@dataclass
class Run:
    """What became of one notebook."""

    notebook: str
    title: str
    status: str
    seconds: float
    parameters: Mapping[str, Literal]
    error: str | None = None
    results: dict[str, list[dict]] = field(default_factory=dict)


def discover(folder: Path = NOTEBOOK_FOLDER) -> list[Notebook]:
    """Every notebook of the folder, in the order of their numbers.

    Raises:
        ValueError: no notebooks there, or one without title, minutes or parameters cell.
    """
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise ValueError(f"no notebooks in {folder}; they are called NN_verb_object.ipynb")
    return [read_notebook(path) for path in paths]


def core(notebooks: Iterable[Notebook]) -> list[Notebook]:
    """The core notebooks, those whose tens digit is 0."""
    return [notebook for notebook in notebooks if notebook.name.startswith("0")]


def select(notebooks: Sequence[Notebook], wanted: Sequence[str]) -> list[Notebook]:
    """The notebooks whose names begin with one of `wanted`, in their order.

    Raises:
        NotebookError: nothing begins so.
    """
    for start in wanted:
        if not any(notebook.name.startswith(start) for notebook in notebooks):
            names = ", ".join(notebook.name for notebook in notebooks)
            raise NotebookError(f"no notebook begins with {start!r}; there are {names}")
    return [notebook for notebook in notebooks if notebook.name.startswith(tuple(wanted))]


def read_notebook(path: Path) -> Notebook:
    """What a notebook says about itself: title, minutes, and the lines of its parameters cell."""
    cells = nbformat.read(path, as_version=4).cells
    opening = cells[0].source
    title = re.search(r"^# (.+)$", opening, re.MULTILINE)
    minutes = re.search(r"([\d.]+) minutes?", opening)
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if not title or not minutes or len(tagged) != 1:
        raise ValueError(
            f"{path.name} must open with a title (# …) and its minutes (… minutes), and have one "
            f"cell tagged parameters"
        )
    return Notebook(
        path, title[1], float(minutes[1]), _read_parameters(tagged[0].source, path.name)
    )


def _read_parameters(source: str, name: str) -> dict[str, Parameter]:
    parameters = {}
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        try:
            value = ast.literal_eval(statement.value)
            parameter = statement.targets[0].id
        except (ValueError, AttributeError):
            raise ValueError(
                f"{name}: the parameters cell holds lines of the form name = literal  # help, and "
                f"not: {ast.unparse(statement)}"
            ) from None
        _, _, comment = lines[statement.lineno - 1].partition("#")
        parameters[parameter] = Parameter(value, comment.strip())
    return parameters


def check_parameters(notebooks: Sequence[Notebook], given: Mapping[str, Literal]) -> None:
    """Raise ParameterError unless some notebook has each parameter, with a value of that type."""
    known: dict[str, Parameter] = {}
    for notebook in notebooks:
        known.update(notebook.parameters)
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(known))}"
            )
            raise ParameterError(f"no notebook has a parameter {name!r}; {hint}")
        wanted = type(known[name].default)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ParameterError(
                f"parameter {name!r} takes {wanted.__name__}, such as "
                f"{known[name].default!r}, and not {value!r} ({type(value).__name__})"
            )


def parse_assignment(text: str) -> tuple[str, Literal]:
    """``NAME=VALUE`` as a name and a Python value; what is not a literal is text.

    >>> parse_assignment("people=12"), parse_assignment("face_set=my/faces")
    (('people', 12), ('face_set', 'my/faces'))

    Raises:
        ParameterError: there is no ``=`` in it.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ParameterError(f"a parameter is given as NAME=VALUE, not {text!r}")
    try:
        return name.strip(), ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name.strip(), value


def versions_line() -> str:
    """One line for the top of a notebook: versions that matter, and the device."""
    device = "GPU" if torch.cuda.is_available() else "CPU"
    numbers = ", ".join(f"{name} {version(name)}" for name in ("eumlib", "torch", "numpy"))
    return f"Python {platform.python_version()}, {numbers}, on the {device}"


def publish(results: pd.DataFrame, name: str) -> None:
    """Hand a table of results from a notebook to the report that runs it.

    In a notebook it shows nothing but a line; the runner finds the table in the cell's output.
    """
    rows = json.loads(results.to_json(orient="records", double_precision=15))
    data = {"text/plain": f"{len(rows)} rows of results: {name}", RESULTS_MIME: {name: rows}}
    display(data, raw=True)


class LessonEngine(NBClientEngine):
    """papermill's engine, for notebooks that fail on purpose.

    papermill takes every error for a failure, also in cells tagged ``raises-exception``. Here such
    a cell keeps the error's text, and one that does *not* raise is the failure.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **options):
        """Execute, then turn the expected errors into text; papermill calls this."""
        super().execute_managed_notebook(nb_man, kernel_name, **options)
        for cell in nb_man.nb.cells:
            if "raises-exception" not in cell.metadata.get("tags", []) or not cell.execution_count:
                continue
            errors = [output for output in cell.outputs if output.output_type == "error"]
            if not errors:
                raise NotebookError(f"cell In [{cell.execution_count}] was to raise, and did not")
            text = f"{errors[0].ename}: {errors[0].evalue}\n"
            cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text=text)]


papermill_engines.register("eumlib", LessonEngine)


def run_notebook(notebook: Notebook, given: Mapping[str, Literal], executed: Path) -> Run:
    """Execute one notebook by papermill into `executed`; parameters it does not have are left out.

    The kernel inherits this process's environment, with widgets replaced by their static twins and
    progress bars off. A failure is in the returned `Run`, with the cell's number and error.
    """
    parameters = {name: value for name, value in given.items() if name in notebook.parameters}
    executed.parent.mkdir(parents=True, exist_ok=True)
    os.environ.update({STATIC_VARIABLE: "1", QUIET_VARIABLE: "1"})
    # Threads that wait must not spin: on a busy machine training would take many times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    start = time.monotonic()
    error = None
    try:
        papermill.execute_notebook(
            str(notebook.path),
            str(executed),
            parameters=parameters,
            kernel_name="python3",
            language="python",
            engine_name="eumlib",
            extra_arguments=["--log-level=40"],  # errors only
            progress_bar=False,
            store_widget_state=False,
            execution_timeout=CELL_TIMEOUT_SECONDS,
            start_timeout=START_TIMEOUT_SECONDS,
        )
    except PapermillExecutionError as failure:
        error = f"cell In [{failure.exec_count}]: {failure.ename}: {failure.evalue}"
    except (CellTimeoutError, DeadKernelError, NotebookError, TimeoutError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    seconds = time.monotonic() - start
    results = _published(executed) if error is None else {}
    status = "failed" if error else "done"
    return Run(notebook.name, notebook.title, status, seconds, parameters, error, results)


def _published(executed: Path) -> dict[str, list[dict]]:
    results: dict[str, list[dict]] = {}
    for cell in nbformat.read(executed, as_version=4).cells:
        for output in cell.get("outputs", []):
            results.update(output.get("data", {}).get(RESULTS_MIME, {}))
    return results


def run_workbook(
    notebooks: Sequence[Notebook], given: Mapping[str, Literal], folder: Path
) -> list[Run]:
    """Run notebooks in order into `folder`, printing progress, up to the first that fails.

    Raises:
        ParameterError: see `check_parameters`; nothing was run.
    """
    check_parameters(notebooks, given)
    runs: list[Run] = []
    for number, notebook in enumerate(notebooks, start=1):
        minutes = f"about {notebook.minutes:g} min"
        print(f"{number}/{len(notebooks)} {notebook.name}, {minutes} …", flush=True)
        runs.append(run_notebook(notebook, given, folder / f"{notebook.name}.ipynb"))
        print(f"    {runs[-1].status} in {runs[-1].seconds:.0f} s", flush=True)
        if runs[-1].error:
            break
    return runs


def require_success(runs: Sequence[Run], folder: Path) -> None:
    """Raise NotebookError, with notebook, cell and where to look, if a run failed."""
    for run in runs:
        if run.error:
            raise NotebookError(
                f"{run.notebook}, {run.error}\n"
                f"  The notebook as far as it came: {folder / run.notebook}.ipynb"
            )


def write_manifest(runs: Sequence[Run], given: Mapping[str, Literal], path: Path) -> dict:
    """Write what ran, where and from which commit, as JSON; return it."""
    manifest = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **source_state(),
        "parameters": dict(given),
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.is_available(),
        "packages": {name: version(name) for name in PACKAGES},
        "runs": [asdict(run) for run in runs],
    }
    write_text(path, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    return manifest
