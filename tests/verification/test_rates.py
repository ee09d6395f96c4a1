import numpy as np
import pytest
from builders import drawn_table, views_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from eumlib.embeddings import MASKED, UNMASKED
from eumlib.verification import (
    Comparison,
    ErrorCurve,
    FaceViews,
    OperatingThresholds,
    ScoreCounts,
    ScoreError,
    error_rates,
    resolves,
    thresholds_of,
)
from eumlib.verification import comparison as module
from eumlib.verification.steps import STEP, STEPS


def drawn_scores(seed, ties):
    random = np.random.default_rng(seed)
    mated, non_mated = random.normal(0.6, 0.2, 300), random.normal(0.2, 0.2, 2000)
    if ties:
        mated, non_mated = mated.round(1), non_mated.round(1)
    return mated.clip(-1, 1), non_mated.clip(-1, 1)


def slow_rates(mated, non_mated, threshold):
    fmr = sum(score >= threshold for score in non_mated) / len(non_mated)
    fnmr = sum(score < threshold for score in mated) / len(mated)
    return fmr, fnmr


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_is_fmr_and_fnmr_by_their_definition(ties):
    mated, non_mated = drawn_scores(0, ties)
    curve = ErrorCurve(ScoreCounts.of(mated, non_mated))
    for place in np.linspace(0, len(curve.thresholds) - 1, 40).astype(int):
        slow = slow_rates(mated, non_mated, curve.thresholds[place])
        assert (curve.fmr[place], curve.fnmr[place]) == pytest.approx(slow)
    assert set(curve.thresholds) == {*mated, *non_mated, np.inf}


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_agrees_with_scikit_learn(ties):
    mated, non_mated = drawn_scores(1, ties)
    truth = np.r_[np.ones(len(mated)), np.zeros(len(non_mated))]
    everything = np.r_[mated, non_mated]
    fmr, tpr, thresholds = roc_curve(truth, everything, drop_intermediate=False)
    curve = ErrorCurve(ScoreCounts.of(mated, non_mated))
    np.testing.assert_allclose(curve.thresholds[::-1], thresholds)
    np.testing.assert_allclose(curve.fmr[::-1], fmr)
    np.testing.assert_allclose(1 - curve.fnmr[::-1], tpr)
    assert curve.area == pytest.approx(roc_auc_score(truth, everything))
    for fmr, fnmr, threshold in zip(*det_curve(truth, everything), strict=True):
        point = curve.at(threshold)
        assert (point.fmr, point.fnmr) == pytest.approx((fmr, fnmr))


@pytest.mark.parametrize("few", [0, 2**22])
@pytest.mark.parametrize("symmetric", [True, False])
def test_counting_a_comparison_is_counting_its_scores(symmetric, few, monkeypatch):
    monkeypatch.setattr(module, "FEW", few)
    table = drawn_table(people=5, pictures=3)
    references, masked = (views_of(table.of_view(view)) for view in (UNMASKED, MASKED))
    comparison = Comparison(references, references if symmetric else masked)
    counts = ScoreCounts.of_comparison(comparison)
    mated, non_mated, *_ = comparison.scores()
    expected = ScoreCounts.of(mated, non_mated)
    for name in ("scores", "mated", "non_mated"):
        np.testing.assert_array_equal(getattr(counts, name), getattr(expected, name))


@pytest.mark.parametrize("ties", [False, True])
def test_error_rates_agree_with_a_slow_search_over_all_thresholds(ties):
    mated, non_mated = drawn_scores(2, ties)
    counts = ScoreCounts.of(mated, non_mated)
    rates, own = error_rates(counts), thresholds_of(counts)
    table = [(t, *slow_rates(mated, non_mated, t)) for t in [*sorted({*mated, *non_mated}), np.inf]]
    _, fmr, fnmr = min(table, key=lambda row: abs(row[1] - row[2]))
    assert rates.eer == pytest.approx((fmr + fnmr) / 2)
    for target, value, threshold in (
        (0.01, rates.fmr100, own.at_100), (0.001, rates.fmr1000, own.at_1000)
    ):  # fmt: skip
        allowed = [row for row in table if row[1] <= target]
        assert value == pytest.approx(min(row[2] for row in allowed))
        assert threshold == min(row[0] for row in allowed)
    assert rates.g_mean == pytest.approx(np.mean(mated))
    assert rates.i_mean == pytest.approx(np.mean(non_mated))
    gap, spread = rates.g_mean - rates.i_mean, np.var(mated) + np.var(non_mated)
    assert rates.fdr == pytest.approx(gap**2 / spread)
    assert rates.d_prime == pytest.approx(gap / np.sqrt(spread / 2))
    higher = np.mean([(m > non_mated).mean() + (m == non_mated).mean() / 2 for m in mated])
    assert rates.auc == pytest.approx(higher)


def test_any_false_match_rate_can_be_asked_for():
    mated, non_mated = drawn_scores(5, ties=True)
    curve = ErrorCurve(ScoreCounts.of(mated, non_mated))
    for target in (0.5, 0.05, 1 / 3000):
        point = curve.at_fmr(target)
        assert point.fmr <= target
        assert (point.fmr, point.fnmr) == slow_rates(mated, non_mated, point.threshold)
        lower = [t for t in curve.thresholds if t < point.threshold]
        assert slow_rates(mated, non_mated, lower[-1])[0] > target


def test_perfect_and_useless_scores():
    perfect = error_rates(ScoreCounts.of(np.array([0.9, 0.8]), np.array([0.1, 0.2])))
    assert (perfect.eer, perfect.fmr100, perfect.fmr1000, perfect.auc) == (0, 0, 0, 1)
    swapped = error_rates(ScoreCounts.of(np.array([0.1, 0.2]), np.array([0.8, 0.9])))
    assert (swapped.eer, swapped.auc) == (1, 0)
    same = np.linspace(-1, 1, 101)
    useless = error_rates(ScoreCounts.of(same, same))
    assert useless.eer == pytest.approx(0.5, abs=0.01)
    assert (useless.auc, useless.d_prime) == pytest.approx((0.5, 0))
    level = error_rates(ScoreCounts.of(np.array([0.5]), np.array([0.2])))
    assert level.fdr == level.d_prime == np.inf


def test_a_target_that_the_pairs_cannot_resolve_lets_no_stranger_in_and_is_told():
    counts = ScoreCounts.of(np.array([0.5, 0.9]), np.array([0.1, 0.6, 0.7]))
    assert error_rates(counts).fmr1000 == 0.5  # the threshold must lie above 0.7
    assert thresholds_of(counts).at_1000 == 0.9
    assert not resolves(counts, 0.001)
    assert resolves(counts, 0.34)
    highest = ScoreCounts.of(np.array([0.5]), np.array([0.7]))
    assert error_rates(highest).fmr1000 == 1
    assert thresholds_of(highest).at_1000 == np.inf


@pytest.mark.parametrize("threshold", [-2, 0.3, 0.4123, 2])
def test_rates_at_an_operating_threshold_agree_with_the_definition(threshold):
    mated, non_mated = drawn_scores(3, ties=True)
    rates = error_rates(ScoreCounts.of(mated, non_mated), OperatingThresholds(threshold, threshold))
    slow = slow_rates(mated, non_mated, threshold)
    assert (rates.fmr_at_100, rates.fnmr_at_100) == pytest.approx(slow)
    assert (rates.fmr_at_1000, rates.fnmr_at_1000) == pytest.approx(slow)
    assert rates.error_at_100 == rates.error_at_1000 == pytest.approx(sum(slow) / 2)


def test_shares_and_medians_are_those_of_the_scores():
    mated, non_mated = drawn_scores(4, ties=False)
    counts = ScoreCounts.of(mated, non_mated)
    edges = np.linspace(-1, 1, 31)
    for shares, scores in zip(counts.shares_between(edges), (mated, non_mated), strict=True):
        np.testing.assert_allclose(shares, np.histogram(scores, edges)[0] / len(scores))
    below = [np.sort(scores)[len(scores) // 2 - 1] for scores in (mated, non_mated)]
    assert list(counts.medians) == below


def test_bad_scores_are_refused():
    some, none = np.array([0.1]), np.array([])
    with pytest.raises(ScoreError, match="no mated pairs"):
        ScoreCounts.of(none, some)
    with pytest.raises(ScoreError, match="no non-mated pairs"):
        ScoreCounts.of(some, none)
    with pytest.raises(ScoreError, match="1 mated scores are not finite; the first is 1"):
        ScoreCounts.of(np.array([0.1, np.nan]), some)
    alone = FaceViews(np.eye(3, dtype=np.float32), np.zeros(3, int), np.arange(3))
    with pytest.raises(ScoreError, match="no non-mated pairs"):
        ScoreCounts.of_comparison(Comparison(alone, alone))


def test_rates_agree_with_pyeer_where_it_is_installed():
    pyeer = pytest.importorskip("pyeer.eer_stats", reason="pip install pyeer brings it")
    mated, non_mated = drawn_scores(6, ties=False)
    _, fmr, fnmr = pyeer.calculate_roc(mated, non_mated)[:3]
    rates = error_rates(ScoreCounts.of(mated, non_mated))
    assert rates.fmr100 == pytest.approx(pyeer.get_fmr_op(fmr, fnmr, 0.01)[1])
    assert rates.fmr1000 == pytest.approx(pyeer.get_fmr_op(fmr, fnmr, 0.001)[1])
    low, high = pyeer.get_eer_values(fmr, fnmr)[1:3]
    assert low - 1 / len(mated) <= rates.eer <= high + 1 / len(mated)
    assert rates.auc == pytest.approx(pyeer.calculate_roc_auc(fmr, fnmr), abs=1e-6)


steps = st.integers(-STEPS, STEPS).map(lambda step: step * STEP)
some_scores = st.lists(st.one_of(steps, st.sampled_from([-1.0, 0.0, 0.5, 1.0])), min_size=1)


@given(mated=some_scores, non_mated=some_scores, threshold=st.one_of(steps, st.just(np.inf)))
def test_whatever_the_scores_the_curve_counts_them(mated, non_mated, threshold):
    counts = ScoreCounts.of(np.array(mated), np.array(non_mated))
    curve = ErrorCurve(counts)
    point = curve.at(threshold)
    assert (point.fmr, point.fnmr) == pytest.approx(slow_rates(mated, non_mated, threshold))
    assert (np.diff(curve.fmr) <= 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()
    rates = error_rates(counts)
    assert 0 <= rates.eer <= 1
    assert 0 <= rates.fmr100 <= rates.fmr1000 <= 1
    for target in (0.01, 0.001):
        assert curve.at_fmr(target).fmr <= target
