import numpy as np
import pytest
from builders import drawn_table

from eumlib.evaluation import ComparedViews
from eumlib.resampling import draw_people, resampled_rates
from eumlib.verification import error_rates


@pytest.fixture(scope="module")
def scores():
    return ComparedViews.of_table(drawn_table(people=40, pictures=5, noise=1.2)).scores("UMR-MP")


def slow_rates(scores, times, threshold):
    """FMR and FNMR at a threshold, pair by pair."""
    passed = total = 0
    for score, (left, right) in zip(scores.non_mated, scores.non_mated_people, strict=True):
        weight = times[left] * times[right]
        passed, total = passed + weight * (score >= threshold), total + weight
    missed = np.average(scores.mated < threshold, weights=times[scores.mated_person])
    return passed / total, missed


def test_rates_agree_with_a_slow_loop_over_pairs(scores):
    times = draw_people(scores.people, 3, seed=1)
    rates = resampled_rates(scores, times, extra_thresholds=[0.5])
    for place in (0, 40, 120, len(rates.thresholds) - 1):
        for b in range(3):
            fmr, fnmr = slow_rates(scores, times[b], rates.thresholds[place])
            assert rates.fmr[b, place] == pytest.approx(fmr)
            assert rates.fnmr[b, place] == pytest.approx(fnmr)
    fmr, fnmr = rates.at(0.5)
    assert (fmr[0], fnmr[0]) == pytest.approx(slow_rates(scores, times[0], 0.5))


def test_a_resample_of_everyone_once_has_the_rates_of_the_scores(scores):
    rates = resampled_rates(scores, np.ones((1, scores.people)))
    exact = error_rates(scores)
    assert rates.eer.item() == pytest.approx(exact.eer, abs=2e-3)
    assert rates.fnmr_at(0.01).item() == pytest.approx(exact.fmr100, abs=0.01)
    assert rates.fnmr_at(0.001).item() == pytest.approx(exact.fmr1000, abs=0.02)


def test_people_are_drawn_with_replacement_and_the_seed_repeats_them():
    times = draw_people(30, 50, seed=4)
    assert (times.sum(axis=1) == 30).all()
    assert times.max() > 1
    assert times.min() == 0
    np.testing.assert_array_equal(times, draw_people(30, 50, seed=4))
    assert (times != draw_people(30, 50, seed=5)).any()


def test_a_resample_without_pairs_is_refused(scores):
    alone = np.zeros((1, scores.people))
    alone[0, 0] = scores.people
    with pytest.raises(ValueError, match="drew no pairs"):
        resampled_rates(scores, alone)
