"""LFW's protocol: the accuracy of a threshold that was chosen on the other folds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eumlib.verification.comparison import Comparison, ScoreError
from eumlib.verification.steps import STEP


class FoldedAccuracy(NamedTuple):
    """Accuracy, the share of pairs that are rightly accepted or refused; by chance 0.5.

    Attributes:
        mean: over the folds, in [0, 1].
        standard_error: of the mean: the folds' standard deviation over the root of their number.
        folds: how many.
    """

    mean: float
    standard_error: float
    folds: int


def folded_accuracy(comparison: Comparison, folds: int) -> FoldedAccuracy:
    """Accuracy on each fold, at the threshold that is most accurate on all others.

    Of thresholds that are equally accurate the lowest is taken. A pair that was not acquired is in
    no fold.

    Args:
        comparison: of listed pairs, fold after fold, as many in each.
        folds: 2 or more.

    Raises:
        ScoreError: a fold without pairs.

    Source: Huang et al., Labeled Faces in the Wild (UMass Amherst 07-49), view 2.
    """
    listed = comparison.listed
    fold = listed["pair"].to_numpy() * folds // len(comparison.pairs)
    scores, mated = listed["steps"].to_numpy() * STEP, listed["mated"].to_numpy()
    accuracies = []
    for held_out in range(folds):
        tested = fold == held_out
        if not tested.any() or tested.all():
            raise ScoreError(f"fold {held_out + 1} of {folds} has no pairs, or all: too few pairs")
        threshold = _most_accurate(scores[~tested], mated[~tested])
        accuracies.append(((scores[tested] >= threshold) == mated[tested]).mean())
    error = np.std(accuracies, ddof=1) / np.sqrt(folds)
    return FoldedAccuracy(float(np.mean(accuracies)), float(error), folds)


def _most_accurate(scores: np.ndarray, mated: np.ndarray) -> float:
    thresholds, place = np.unique(scores, return_inverse=True)
    gain = np.bincount(place, np.where(mated, 1, -1))
    right = gain[::-1].cumsum()[::-1]  # accepted mated minus accepted non-mated pairs
    return float(np.append(thresholds, np.inf)[np.append(right, 0).argmax()])
