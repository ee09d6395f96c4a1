"""pyproject.toml is the list of dependencies; the two other files agree with it."""

import re
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"dlib-bin": "dlib", "opencv-python-headless": "py-opencv", "torch": "pytorch"}


def numbers(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


@pytest.fixture(scope="module")
def table():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def project(table):
    """The lowest version of every package, those of all extras included."""
    extras = chain.from_iterable(table["optional-dependencies"].values())
    listed = [line for line in extras if not line.startswith("eumlib[")]
    return dict(line.split(">=") for line in table["dependencies"] + listed)


@pytest.fixture(scope="module")
def constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def conda():
    text = (ROOT / "environment.yml").read_text()
    return dict(re.findall(r"^ +- ([a-z0-9-]+)==?([\d.]+)$", text, re.MULTILINE))


def test_the_tests_run_with_every_extra(table):
    extras = table["optional-dependencies"]
    brought = {line for line in extras["test"] if line.startswith("eumlib[")}
    assert brought == {f"eumlib[{name}]" for name in extras if name != "test"}


def test_the_constraints_pin_every_dependency_and_nothing_else(project, constraints):
    assert set(constraints) == set(project)
    for name, lowest in project.items():
        assert numbers(constraints[name]) >= numbers(lowest), name


def test_the_conda_environment_has_the_same_packages_and_versions(constraints, conda):
    expected = {CONDA_NAMES.get(name, name): number for name, number in constraints.items()}
    assert set(conda) - {"python"} == set(expected)
    for name, number in conda.items():
        if name in expected:
            assert numbers(expected[name])[: len(numbers(number))] == numbers(number), name


def test_the_conda_environment_takes_one_channel_only():
    text = (ROOT / "environment.yml").read_text()
    channels = text.partition("channels:")[2].partition("dependencies:")[0]
    assert re.findall(r"- (\S+)", channels) == ["conda-forge", "nodefaults"]


def test_what_is_installed_is_what_was_pinned(constraints):
    found = {name: version(name).partition("+")[0] for name in constraints}
    assert found == constraints
