import numpy as np
import pytest
from builders import drawn_table
from sklearn.metrics import roc_curve

from eumlib.acquisition import MASKED, UNMASKED
from eumlib.embeddings import unit_length
from eumlib.pairs import Pair
from eumlib.verification import (
    ErrorCurve,
    FaceViews,
    PairScores,
    ScoreError,
    Thresholds,
    bootstrap_rates,
    error_rates,
    score_listed_pairs,
    score_pairs,
    unmasked_thresholds,
)


def pairs_of(mated, non_mated, people=2):
    return PairScores(
        np.asarray(mated, dtype=float),
        np.asarray(non_mated, dtype=float),
        np.zeros(len(mated), dtype=int),
        np.tile([0, 1], (len(non_mated), 1)),
        people,
    )


def drawn_pairs(seed, ties):
    random = np.random.default_rng(seed)
    mated, non_mated = random.normal(0.6, 0.2, 300), random.normal(0.2, 0.2, 2000)
    if ties:
        mated, non_mated = mated.round(1), non_mated.round(1)
    return pairs_of(mated.clip(-1, 1), non_mated.clip(-1, 1))


def slow_rates(mated, non_mated, threshold):
    fmr = sum(score >= threshold for score in non_mated) / len(non_mated)
    fnmr = sum(score < threshold for score in mated) / len(mated)
    return fmr, fnmr


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_is_fmr_and_fnmr_by_their_definition(ties):
    scores = drawn_pairs(0, ties)
    curve = ErrorCurve(scores)
    for place in np.linspace(0, len(curve.thresholds) - 1, 40).astype(int):
        slow = slow_rates(scores.mated, scores.non_mated, curve.thresholds[place])
        assert (curve.fmr[place], curve.fnmr[place]) == pytest.approx(slow)
    assert set(curve.thresholds) == {*scores.mated, *scores.non_mated, np.inf}


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_agrees_with_scikit_learn(ties):
    scores = drawn_pairs(1, ties)
    truth = np.r_[np.ones(len(scores.mated)), np.zeros(len(scores.non_mated))]
    everything = np.r_[scores.mated, scores.non_mated]
    fmr, tpr, thresholds = roc_curve(truth, everything, drop_intermediate=False)
    curve = ErrorCurve(scores)
    np.testing.assert_allclose(curve.thresholds[::-1], thresholds)
    np.testing.assert_allclose(curve.fmr[::-1], fmr)
    np.testing.assert_allclose(1 - curve.fnmr[::-1], tpr)


@pytest.mark.parametrize("ties", [False, True])
def test_error_rates_agree_with_a_slow_search_over_all_thresholds(ties):
    scores = drawn_pairs(2, ties)
    rates = error_rates(scores)
    thresholds = [*sorted({*scores.mated, *scores.non_mated}), np.inf]
    table = [(t, *slow_rates(scores.mated, scores.non_mated, t)) for t in thresholds]
    _, fmr, fnmr = min(table, key=lambda row: abs(row[1] - row[2]))
    assert rates.eer == pytest.approx((fmr + fnmr) / 2)
    for target, value, threshold in (
        (0.01, rates.fmr100, rates.threshold100),
        (0.001, rates.fmr1000, rates.threshold1000),
    ):
        allowed = [row for row in table if row[1] <= target]
        assert value == pytest.approx(min(row[2] for row in allowed))
        assert threshold == min(row[0] for row in allowed)
    assert rates.g_mean == pytest.approx(np.mean(scores.mated))
    assert rates.i_mean == pytest.approx(np.mean(scores.non_mated))
    spread = np.var(scores.mated) + np.var(scores.non_mated)
    assert rates.fdr == pytest.approx((rates.g_mean - rates.i_mean) ** 2 / spread)


def test_perfect_and_useless_scores():
    perfect = error_rates(pairs_of([0.9, 0.8], [0.1, 0.2]))
    assert (perfect.eer, perfect.fmr100, perfect.fmr1000) == (0, 0, 0)
    swapped = error_rates(pairs_of([0.1, 0.2], [0.8, 0.9]))
    assert swapped.eer == 1
    same = np.linspace(-1, 1, 101)
    assert error_rates(pairs_of(same, same)).eer == pytest.approx(0.5, abs=0.01)


def test_a_target_that_the_pairs_cannot_resolve_lets_no_stranger_in():
    rates = error_rates(pairs_of([0.5, 0.9], [0.1, 0.6, 0.7]))
    assert rates.fmr1000 == 0.5  # the threshold must lie above 0.7
    assert rates.threshold1000 == 0.9


@pytest.mark.parametrize("threshold", [-2, 0.3, 0.4123, 2])
def test_rates_at_a_deployed_threshold_agree_with_the_definition(threshold):
    scores = drawn_pairs(3, ties=True)
    rates = error_rates(scores, Thresholds(threshold, threshold))
    slow = slow_rates(scores.mated, scores.non_mated, threshold)
    assert (rates.fmr_at_100, rates.fnmr_at_100) == pytest.approx(slow)
    assert (rates.fmr_at_1000, rates.fnmr_at_1000) == pytest.approx(slow)


def test_the_unmasked_settings_own_threshold_gives_its_own_rates():
    scores = drawn_pairs(4, ties=False)
    rates = error_rates(scores)
    again = error_rates(scores, unmasked_thresholds(rates))
    assert again.fnmr_at_100 == rates.fmr100
    assert again.fnmr_at_1000 == rates.fmr1000


def views_of(table):
    return FaceViews(
        table.vectors, table.rows["identity"].to_numpy(), table.rows["image_id"].to_numpy()
    )


@pytest.mark.parametrize("symmetric", [True, False])
def test_pairs_and_scores_agree_with_a_slow_loop(symmetric):
    table = drawn_table(people=4, pictures=3)
    bare, masked = table.of_view(UNMASKED), table.of_view(MASKED)
    references = views_of(bare)
    probes = references if symmetric else views_of(masked)
    scores = score_pairs(references, probes)
    names = references.identities
    mated, non_mated = [], []
    for i in range(len(names)):
        for j in range(len(names)):
            if i == j or (symmetric and j < i):
                continue
            score = float(np.dot(references.vectors[i], probes.vectors[j]))
            (mated if names[i] == names[j] else non_mated).append(score)
    np.testing.assert_allclose(sorted(scores.mated), sorted(mated), atol=1e-6)
    np.testing.assert_allclose(sorted(scores.non_mated), sorted(non_mated), atol=1e-6)
    assert scores.people == 4


def shuffled_views(seed, views):
    """Views of nine pictures of three people; some pictures are missing, some there twice."""
    random = np.random.default_rng(seed)
    pictures = random.integers(0, 9, views)
    vectors = unit_length(random.standard_normal((views, 4)))
    return FaceViews(vectors, pictures // 3, np.array([f"picture {p}" for p in pictures]))


@pytest.mark.parametrize("seed", range(3))
def test_several_views_of_a_picture_are_compared_with_other_pictures_only(seed):
    references, probes = shuffled_views(seed, 8), shuffled_views(seed + 10, 11)
    scores = score_pairs(references, probes)
    expected = {True: [], False: []}
    for i in range(8):
        for j in range(11):
            if references.pictures[i] != probes.pictures[j]:
                mated = references.identities[i] == probes.identities[j]
                expected[mated].append(float(references.vectors[i] @ probes.vectors[j]))
    np.testing.assert_allclose(scores.mated, expected[True], atol=1e-6)
    np.testing.assert_allclose(scores.non_mated, expected[False], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_listed_pairs_agree_with_a_slow_search(seed):
    references, probes = shuffled_views(seed, 12), shuffled_views(seed + 10, 12)
    random = np.random.default_rng(seed)
    drawn = [random.choice(9, 2, replace=False) for _ in range(40)]
    pairs = [Pair(f"picture {a}", f"picture {b}", mated=a // 3 == b // 3) for a, b in drawn]
    scores = score_listed_pairs(references, probes, pairs)
    expected = {True: [], False: []}
    for pair in pairs:
        for i in np.flatnonzero(references.pictures == pair.reference):
            for j in np.flatnonzero(probes.pictures == pair.probe):
                expected[pair.mated].append(float(references.vectors[i] @ probes.vectors[j]))
    np.testing.assert_allclose(sorted(scores.mated), sorted(expected[True]), atol=1e-6)
    np.testing.assert_allclose(sorted(scores.non_mated), sorted(expected[False]), atol=1e-6)


def test_views_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"lengths \(2, 3, 2\)"):
        FaceViews(np.ones((2, 4)), np.arange(3), np.arange(2))


def test_scores_stay_between_minus_one_and_one():
    vectors = np.ones((4, 3), np.float32) / np.sqrt(np.float32(3))
    views = FaceViews(vectors, np.array(["a", "a", "b", "b"]), np.arange(4))
    scores = score_pairs(views, views)
    assert scores.mated.max() <= 1


def test_the_bootstrap_draws_people_and_weighs_their_pairs():
    table = drawn_table(people=8, pictures=3).of_view(UNMASKED)
    views = views_of(table)
    scores = score_pairs(views, views)
    draws = bootstrap_rates(scores, None, resamples=4, seed=9)
    random = np.random.default_rng(9)
    for rates in draws:
        times = np.bincount(random.integers(0, 8, 8), minlength=8)
        mated, non_mated = [], []
        for score, person in zip(scores.mated, scores.mated_person, strict=True):
            mated += [score] * times[person]
        for score, (one, other) in zip(scores.non_mated, scores.non_mated_people, strict=True):
            non_mated += [score] * (times[one] * times[other])
        slow = error_rates(pairs_of(mated, non_mated))
        assert rates.eer == pytest.approx(slow.eer)
        assert rates.fmr100 == pytest.approx(slow.fmr100)
        assert rates.fdr == pytest.approx(slow.fdr)


def test_intervals_get_narrower_with_more_people():
    widths = []
    for people in (8, 60):
        table = drawn_table(people=people, pictures=3, noise=1.5).of_view(UNMASKED)
        views = views_of(table)
        scores = score_pairs(views, views)
        eers = [rates.eer for rates in bootstrap_rates(scores, None, 100, seed=0)]
        widths.append(np.ptp(np.percentile(eers, [2.5, 97.5])))
    assert widths[1] < widths[0] / 1.5


def test_two_people_give_as_many_resamples_as_asked_for():
    table = drawn_table(people=2, pictures=2).of_view(UNMASKED)
    views = views_of(table)
    scores = score_pairs(views, views)
    assert len(bootstrap_rates(scores, None, resamples=7, seed=0)) == 7


def test_bad_scores_are_refused():
    with pytest.raises(ScoreError, match="no mated pairs"):
        pairs_of([], [0.1])
    with pytest.raises(ScoreError, match="no non-mated pairs"):
        pairs_of([0.1], [])
    with pytest.raises(ScoreError, match="1 mated scores are not finite; the first is 1"):
        pairs_of([0.1, np.nan], [0.1])
