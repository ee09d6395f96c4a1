"""Damaged files and killed commands, a few of those that ``make fuzz`` makes."""

from pathlib import Path

import numpy as np
import pytest

from eumlib._common.files import home

ROOT = Path(__file__).parent.parent


@pytest.fixture
def attacks(monkeypatch):
    """The script, imported as it finds its neighbours when it is run."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import attacks

    return attacks


def test_damaged_files_are_refused_in_a_line_or_read_right(attacks):
    outcomes, bad = attacks.fuzz(files=60, seed=1)
    assert bad == []
    assert outcomes["tried"].tolist() == [60] * 4
    assert (outcomes[list(attacks.OUTCOMES)].sum(axis=1) == 60).all()


def test_damage_that_is_read_without_a_word_is_noticed(attacks, tmp_path):
    """The test that would find nothing if nothing could be found."""
    careless = attacks.Kind(
        "careless", {"a.bin": bytes(64)}, lambda path: np.frombuffer(path.read_bytes(), np.uint8),
        np.array_equal,
    )  # fmt: skip
    flipped = bytes([1]) + bytes(63)
    assert attacks.outcome_of(careless, "a.bin", flipped, tmp_path)[0] == attacks.WRONG
    assert attacks.outcome_of(careless, "a.bin", bytes(64), tmp_path)[0] == attacks.RIGHT


def test_a_killed_command_ends_as_an_undisturbed_one_and_leaves_nothing(attacks, tmp_path):
    people = attacks.people_in(tmp_path / "people")
    table = tmp_path / "table.parquet"
    attacks.run_command(["embed", "--faces", str(people), "--out", str(table)], home(), None)
    embed, *_ = attacks.commands(people, table)  # the others take minutes
    found = attacks.kill_often(embed, kills=2, seed=0, shared_home=home())
    assert (found["identical"], found["leftovers"]) == ("yes", 0), found
