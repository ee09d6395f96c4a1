from dataclasses import replace

import numpy as np
import pytest
from builders import drawn_table

from eumlib.rivals import TRAINERS, UNMASKERS, Gate
from eumlib.unmasking import WORKBOOK, NoOp, Unmasker, decidability

RECIPE = replace(WORKBOOK, epochs=3, steps_an_epoch=4, batch_size=64, seed=1)
TABLE = drawn_table(people=210, mask=1.5)
VALIDATION = TABLE.first_people(10)
TRAINING = TABLE.where(~TABLE.rows["identity"].isin(VALIDATION.rows["identity"]))


@pytest.mark.parametrize("name", UNMASKERS)
def test_a_rival_is_an_unmasker_that_its_seed_decides(name, tmp_path):
    first, again, other = (
        UNMASKERS[name]([TRAINING], [VALIDATION], replace(RECIPE, seed=seed), "cpu")
        for seed in (1, 1, 2)
    )
    first.save(tmp_path / "rival.safetensors")
    given = VALIDATION.of_view("masked").vectors
    answers = [
        unmasker.unmask(given, "drawn_recogniser")
        for unmasker in (first, again, other, Unmasker.load(tmp_path / "rival.safetensors"))
    ]
    assert (answers[0] == answers[1]).all()
    assert not np.allclose(answers[0], answers[2], atol=1e-4)
    np.testing.assert_allclose(answers[0], answers[3], atol=1e-6)


@pytest.mark.parametrize("name", UNMASKERS)
def test_a_rival_learns(name):
    """A mask that moves everyone by the same vector is easily taken off."""
    recipe = replace(RECIPE, steps_an_epoch=100)
    rival = UNMASKERS[name]([TRAINING], [VALIDATION], recipe, "cpu")
    tells_apart = decidability(VALIDATION)
    assert tells_apart(rival.model) > tells_apart(NoOp(16)) + 0.1


def test_the_gate_is_trained_by_name():
    gate = TRAINERS["ccl"]([TRAINING], [VALIDATION], RECIPE, "cpu")
    assert isinstance(gate, Gate)
    assert gate.backbone == "drawn_recogniser"
