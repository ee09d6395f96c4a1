import numpy as np
import pytest
from builders import drawn_table

from eumlib.study import Judge, relative_change
from eumlib.study.judging import JUDGED_RATES
from eumlib.unmasking import EmbeddingUnmaskingModel, NoOp, Unmasker
from eumlib.verification import evaluate

TABLE = drawn_table(people=30, pictures=4, noise=1.2, mask=1.0)


def unmasker(model=None):
    return Unmasker(model or EmbeddingUnmaskingModel(16), "drawn_recogniser")


@pytest.fixture
def judge():
    return Judge(TABLE, resamples=50, seed=0)


def test_rates_are_those_of_an_evaluation(judge):
    given = unmasker()
    results = evaluate(TABLE, {"m": given}, resamples=5)
    row = results[(results["setting"] == "UMR-MP") & (results["unmasking"] == "m")].iloc[0]
    measured = judge.measure(given).values
    for name in JUDGED_RATES:
        assert measured[name] == pytest.approx(row[name], abs=1e-12), name


def test_several_seeds_give_their_mean(judge):
    one, other = unmasker(), unmasker()
    both = judge.measure(one, other)
    alone = [judge.measure(single) for single in (one, other)]
    for name in JUDGED_RATES:
        assert both.values[name] == pytest.approx(np.mean([a.values[name] for a in alone]))
        np.testing.assert_allclose(both.draws[name], np.mean([a.draws[name] for a in alone], 0))


def test_a_row_holds_values_their_intervals_and_the_change_against_another_system(judge):
    plain, model = judge.measure(unmasker(NoOp(16))), judge.measure(unmasker())
    row = model.row(plain)
    for name in JUDGED_RATES:
        assert row[name] == model.values[name]
        assert row[f"{name}_low"] <= row[f"{name}_high"]
    assert row["eer_low"] < row["eer"] < row["eer_high"]
    assert row["eer_change"] == pytest.approx(row["eer"] / plain.values["eer"] - 1)
    unchanged = plain.row(plain)
    assert unchanged["eer_change"] == pytest.approx(0)
    assert unchanged["eer_change_low"] == pytest.approx(0)


def test_a_change_from_nothing_is_finite():
    assert relative_change(0.5, 0.25) == pytest.approx(1)
    assert np.isfinite(relative_change(np.array([0.0, 0.1]), np.zeros(2))).all()


def test_counts_tell_the_size_of_the_test(judge):
    assert judge.counts == {
        "face_set": "drawn", "people": 30, "pictures": 120, "masked_views": 120,
    }  # fmt: skip
