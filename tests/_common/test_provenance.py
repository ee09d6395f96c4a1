import re
from importlib.metadata import version

import pytest

from eumlib._common.provenance import machine_state, needed_packages, package_versions, source_state


def test_it_names_a_commit_and_says_whether_there_are_changes():
    state = source_state()
    if state["commit"] is None:
        pytest.skip("not a git checkout")
    assert re.fullmatch("[0-9a-f]{40}", state["commit"])
    assert isinstance(state["uncommitted_changes"], bool)


def test_without_git_nothing_is_made_up(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert source_state() == {"commit": None, "uncommitted_changes": False}


def test_versions_are_those_that_are_installed():
    versions = package_versions()
    assert set(versions) == {"eumlib", *needed_packages()}
    assert versions["torch"] == version("torch")


def test_the_machine_is_described_without_its_name(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "quentinas-laptop")
    state = machine_state()
    assert set(state) == {"python", "system", "cpu", "cores", "threads", "gpu", "device"}
    assert all(value not in (None, "") for value in state.values())
    assert "quentinas-laptop" not in str(state)
