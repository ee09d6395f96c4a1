import re

import pytest

from eumlib.provenance import source_state


def test_it_names_a_commit_and_says_whether_there_are_changes():
    state = source_state()
    if state["commit"] is None:
        pytest.skip("not a git checkout")
    assert re.fullmatch("[0-9a-f]{40}", state["commit"])
    assert isinstance(state["uncommitted_changes"], bool)


def test_without_git_nothing_is_made_up(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert source_state() == {"commit": None, "uncommitted_changes": False}
