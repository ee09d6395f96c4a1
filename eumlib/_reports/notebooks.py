"""The notebooks: what each says about itself, and what it hands to the report that runs it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from eumlib._common.errors import EumlibError
from eumlib._common.files import NOTEBOOK_FOLDER

Literal = bool | int | float | str


class NotebookError(EumlibError, RuntimeError):
    """A notebook that failed, or that is not there; the message names it."""


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


def discover(folder: Path = NOTEBOOK_FOLDER) -> list[Notebook]:
    """Every notebook of the folder, in the order of their numbers.

    Raises:
        NotebookError: no notebooks there, as where the package is installed without its checkout.
        ValueError: one without title, minutes or parameters cell.
    """
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        raise NotebookError(
            f"no notebooks NN_verb_object.ipynb in {folder}: they are in the project's checkout. "
            "Clone it, and install it there: pip install --editable ."
        )
    return [read_notebook(path) for path in paths]


def of_tens(notebooks: Iterable[Notebook], tens: str) -> list[Notebook]:
    """The notebooks whose tens digit is among `tens`: 0 core, 1 optional, 2 heavy."""
    return [notebook for notebook in notebooks if notebook.name[0] in tens]


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


def starting_with(notebooks: Sequence[Notebook], first: str) -> list[Notebook]:
    """The notebooks from the one whose name begins with `first` to the last.

    Raises:
        NotebookError: nothing begins so.
    """
    start = select(notebooks, [first])[0]
    return list(notebooks[notebooks.index(start) :])


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
