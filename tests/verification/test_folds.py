import numpy as np
import pytest
from builders import drawn_table

from eumlib.faces import Pair
from eumlib.verification import ComparedViews, ScoreError, folded_accuracy


def folded_pairs(folds, of_a_kind, people=20, seed=0):
    random = np.random.default_rng(seed)
    pairs = []
    for _ in range(folds):
        for mated in (True, False):
            for _ in range(of_a_kind):
                one, other = random.choice(people, 2, replace=False)
                second = one if mated else other
                pairs.append(Pair(f"p{one}/0", f"p{second}/{1 + random.integers(3)}", mated=mated))
    return pairs


def slow_accuracy(listed, pairs, folds):
    """Every threshold tried on the other folds, pair by pair."""
    size = len(pairs) // folds
    rows = [(row.pair // size, row.score, pairs[row.pair].mated) for row in listed.itertuples()]
    accuracies = []
    for held_out in range(folds):
        others = [(s, m) for f, s, m in rows if f != held_out]
        tried = [*sorted({s for s, _ in others}), np.inf]
        best = max(tried, key=lambda t: (sum((s >= t) == m for s, m in others), -t))
        tested = [(s >= best) == m for f, s, m in rows if f == held_out]
        accuracies.append(sum(tested) / len(tested))
    return np.mean(accuracies), np.std(accuracies, ddof=1) / np.sqrt(folds)


@pytest.mark.parametrize("noise", [0.8, 3.0])
def test_accuracy_agrees_with_a_slow_search_over_all_thresholds(noise):
    pairs = folded_pairs(folds=5, of_a_kind=8)
    table = drawn_table(people=20, pictures=4, noise=noise)
    comparison = ComparedViews.of_table(table, pairs).compare("UMR-MP")
    accuracy = folded_accuracy(comparison, 5)
    listed = comparison.listed.assign(score=comparison.listed["steps"])
    assert accuracy[:2] == pytest.approx(slow_accuracy(listed, pairs, 5))
    assert accuracy.folds == 5


def test_a_fold_without_pairs_is_refused():
    pairs = folded_pairs(folds=1, of_a_kind=1)
    comparison = ComparedViews.of_table(drawn_table(people=20, pictures=4), pairs).compare("UMR-MP")
    with pytest.raises(ScoreError, match="of 3 has no pairs"):
        folded_accuracy(comparison, 3)
