"""Parameters of a report: from profiles, files and the command line, checked before a run."""

from __future__ import annotations

import ast
import difflib
import math
import os
import reprlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from eumlib._common.errors import EumlibError, shortened
from eumlib._common.texts import TextFileError, read_text
from eumlib._reports.notebooks import Literal, Notebook
from eumlib.faces import FACE_SETS

FILE_BYTES = 100_000  # a file of parameters is a few lines
_MOST = 10_000_000  # of anything that is counted; more is a slip of the finger
_SEEDS = 2**32  # as NumPy takes them
_FACES = ("face_set", "training_set")  # what names faces


@dataclass(frozen=True)
class Profile:
    """What a report runs, if nothing else is said.

    Attributes:
        tens: the first digits of the notebooks: 0 for the core, 1 for optional, 2 for heavy ones.
        parameters: what differs from the notebooks' own.
    """

    tens: str
    parameters: Mapping[str, Literal]


PROFILES: Mapping[str, Profile] = {
    "quick": Profile("0", {}),
    "optional": Profile("01", {}),
    "full": Profile(
        "012", {"face_set": "lfw_test", "people": 2000, "resamples": 1000, "trainings": 5}
    ),
}


class ParameterError(EumlibError, ValueError):
    """A parameter that no notebook has, or a value that it cannot take."""


def names_of_texts(notebooks: Sequence[Notebook]) -> set[str]:
    """The parameters whose values are text: there ``2024`` and ``None`` are names of folders."""
    return {
        name
        for notebook in notebooks
        for name, own in notebook.parameters.items()
        if isinstance(own.default, str)
    }


def parse_assignment(text: str, texts: Collection[str] = ()) -> tuple[str, Literal]:
    """``NAME=VALUE`` as a name and a Python value; what is not a literal is text.

    >>> parse_assignment("people=12"), parse_assignment("face_set=my/faces")
    (('people', 12), ('face_set', 'my/faces'))
    >>> parse_assignment("face_set=2024", texts={"face_set"})
    ('face_set', '2024')

    Args:
        text: as it was typed.
        texts: names of parameters whose values are text.

    Raises:
        ParameterError: there is no ``=`` in it.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise ParameterError(f"a parameter is given as NAME=VALUE, not {reprlib.repr(text)}")
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last of brackets alone
        return name, value
    return name, value if name in texts and not isinstance(literal, str) else literal


def read_parameters(path: Path, texts: Collection[str] = ()) -> dict[str, Literal]:
    """The parameters in a YAML file with a line ``name: value`` for each.

    Nothing but names and plain values is made of what the file holds, however deep it is or often
    it refers to itself.

    Args:
        path: of the file.
        texts: names of parameters whose values are text.

    Raises:
        ParameterError: not such lines, or a name that is given twice.
        TextFileError: not a file of text of a few lines.
        OSError: no such file, or one that cannot be read.
    """
    try:
        return _read_lines(read_text(path, FILE_BYTES), texts)
    except ParameterError as error:
        raise ParameterError(f"{path}, {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, TextFileError):
            raise
        raise ParameterError(
            f"{path} cannot be read as YAML, lines of the form name: value: "
            f"{shortened(str(error), 200)}"
        ) from None


def _read_lines(text: str, texts: Collection[str]) -> dict[str, Literal]:
    loader = yaml.SafeLoader(text)
    lines = loader.get_single_node()
    if not isinstance(lines, yaml.MappingNode):
        raise ParameterError("line 1: the file must hold lines of the form name: value")
    given = {}
    for name, value in lines.value:
        line = f"line {name.start_mark.line + 1}"
        if not isinstance(name, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise ParameterError(f"{line}: it must be of the form name: value, of one value")
        if name.value in given:
            raise ParameterError(f"{line}: {shortened(name.value)} is given twice")
        read = loader.construct_object(value)
        text_wanted = name.value in texts and read is not None
        given[name.value] = value.value if text_wanted else read
    return given


def check_parameters(
    notebooks: Sequence[Notebook],
    given: Mapping[str, Literal],
    others: Sequence[Notebook] = (),
) -> None:
    """Raise ParameterError unless some notebook has each parameter, with a value of that type.

    Args:
        notebooks: that will run.
        given: parameters by name.
        others: notebooks that could run; one that has the parameter is named in the error.
    """
    names = {name for notebook in notebooks for name in notebook.parameters}
    for name, value in given.items():
        having = [other.name[:2] for other in others if name in other.parameters]
        if name not in names and having:
            raise ParameterError(
                f"none of the notebooks to run has a parameter {name!r}, but {', '.join(having)}: "
                f"name them with --only, or choose another --profile"
            )
        if name not in names:
            close = difflib.get_close_matches(str(name)[:100], names, n=1)
            hint = (
                f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(names))}"
            )
            raise ParameterError(f"no notebook has a parameter {reprlib.repr(name)}; {hint}")
        for notebook in notebooks:
            if name in notebook.parameters:
                _check_type(name, value, notebook.parameters[name].default)


def _check_type(name: str, value: Literal, default: Literal) -> None:
    wanted = type(default)
    if type(value) is not wanted and not (wanted is float and type(value) is int):
        raise ParameterError(
            f"parameter {name!r} takes {wanted.__name__}, such as {default!r}, and not "
            f"{reprlib.repr(value)} ({type(value).__name__})"
        )


def check_values(given: Mapping[str, Literal]) -> None:
    """Raise ParameterError for a value that no notebook could run with, before any of them runs.

    Args:
        given: parameters by name, of the types that `check_parameters` asks for.
    """
    for name, value in given.items():
        if name in _FACES and not (
            value in FACE_SETS or os.path.isdir(os.path.expanduser(value.strip("\0")))
        ):
            raise ParameterError(
                f"parameter {name!r}: there is no folder {shortened(value)}, and no face set of "
                f"that name ({', '.join(FACE_SETS)})"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ParameterError(f"parameter {name!r} takes a finite number, and not {value}")
        if type(value) is int:
            least, most = (0, _SEEDS - 1) if name == "seed" else (1, _MOST)
            if not least <= value <= most:
                raise ParameterError(
                    f"parameter {name!r} takes {least:,} to {most:,}, and not {reprlib.repr(value)}"
                )


def parameters_of(notebook: Notebook, given: Mapping[str, Literal]) -> dict[str, Literal]:
    """All parameters that the notebook runs with: those given that it has, and its defaults."""
    return {name: given.get(name, own.default) for name, own in notebook.parameters.items()}
