"""Parameters of a report: from profiles, files and the command line, checked before a run."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from eumlib._common.errors import EumlibError
from eumlib._reports.notebooks import Literal, Notebook


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
    "full": Profile(
        "012", {"face_set": "lfw_test", "people": 2000, "resamples": 1000, "trainings": 5}
    ),
}


class ParameterError(EumlibError, ValueError):
    """A parameter that no notebook has, or a value of another type."""


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


def read_parameters(path: Path) -> dict[str, Literal]:
    """The parameters in a YAML file with a line ``name: value`` for each.

    Raises:
        ParameterError: no such file, or not such lines.
    """
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(read, dict):
        raise ParameterError(f"{path} must hold lines of the form name: value")
    return read


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
            close = difflib.get_close_matches(str(name), names, n=1)
            hint = (
                f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(names))}"
            )
            raise ParameterError(f"no notebook has a parameter {name!r}; {hint}")
        for notebook in notebooks:
            if name in notebook.parameters:
                _check_type(name, value, notebook.parameters[name].default)


def _check_type(name: str, value: Literal, default: Literal) -> None:
    wanted = type(default)
    if type(value) is not wanted and not (wanted is float and type(value) is int):
        raise ParameterError(
            f"parameter {name!r} takes {wanted.__name__}, such as {default!r}, and not {value!r} "
            f"({type(value).__name__})"
        )


def parameters_of(notebook: Notebook, given: Mapping[str, Literal]) -> dict[str, Literal]:
    """All parameters that the notebook runs with: those given that it has, and its defaults."""
    return {name: given.get(name, own.default) for name, own in notebook.parameters.items()}
