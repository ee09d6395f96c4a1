"""Verification: the error rates of mated and non-mated scores.

A pair is accepted if its score s is at least the threshold t:

- FMR(t), false match rate: share of non-mated scores ≥ t;
- FNMR(t), false non-match rate: share of mated scores < t.

Everything is read off the *counts* of the scores: how many mated and non-mated pairs have each
score. They are exact, and need no more memory for more pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eumlib.verification.comparison import Comparison, ScoreError
from eumlib.verification.steps import STEP, STEPS


@dataclass(frozen=True)
class ScoreCounts:
    """How often each score occurs.

    Attributes:
        scores: ``(t,)`` float64, ascending, each at least once; in [−1, 1].
        mated: ``(t,)`` int64, mated pairs of that score.
        non_mated: ``(t,)`` int64, non-mated pairs of that score.

    Raises:
        ScoreError: no mated or no non-mated pairs.
    """

    scores: np.ndarray
    mated: np.ndarray
    non_mated: np.ndarray

    def __post_init__(self) -> None:
        for name in ("mated", "non_mated"):
            if not getattr(self, name).sum():
                raise ScoreError(f"there are no {name.replace('_', '-')} pairs to score")

    @classmethod
    def of(cls, mated: np.ndarray, non_mated: np.ndarray) -> ScoreCounts:
        """The counts of scores that are at hand.

        Raises:
            ScoreError: none of a kind, or scores that are not finite; the message names the first.
        """
        for name, values in (("mated", mated), ("non-mated", non_mated)):
            bad = np.flatnonzero(~np.isfinite(values))
            if len(bad):
                raise ScoreError(f"{len(bad)} {name} scores are not finite; the first is {bad[0]}")
        both = np.concatenate([mated, non_mated]).astype(np.float64)
        scores, place = np.unique(both, return_inverse=True)
        parts = np.split(place, [len(mated)])
        return cls(scores, *(np.bincount(part, minlength=len(scores)) for part in parts))

    @classmethod
    def of_comparison(cls, comparison: Comparison) -> ScoreCounts:
        """Count all pairs of a comparison.

        Raises:
            ScoreError: no mated or no non-mated pairs.

        Taught in notebook 08.
        """
        if comparison.few:
            mated, non_mated, *_ = comparison.scores()
            return cls.of(mated, non_mated)
        counts = comparison.counter.count_scores(comparison.sides())
        seen = np.flatnonzero(counts.any(axis=0))
        return cls((seen - STEPS) * STEP, *counts[:, seen])

    @property
    def medians(self) -> tuple[float, float]:
        """The medians of the mated and of the non-mated scores, the lower of two in the middle."""
        mated, non_mated = (
            float(self.scores[np.searchsorted(np.cumsum(kind), kind.sum() / 2)])
            for kind in (self.mated, self.non_mated)
        )
        return mated, non_mated

    def shares_between(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shares of the mated and of the non-mated pairs between edges ``(e,)``: ``(e − 1,)``."""
        mated, non_mated = (
            np.histogram(self.scores, edges, weights=kind)[0] / kind.sum()
            for kind in (self.mated, self.non_mated)
        )
        return mated, non_mated


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and both errors there, fractions in [0, 1]."""

    threshold: float
    fmr: float
    fnmr: float


class ErrorCurve:
    """FMR and FNMR at every threshold that makes a difference: each distinct score, and one above.

    Attributes:
        thresholds: ``(t + 1,)`` float64, ascending; the last is infinite.
        fmr: ``(t + 1,)`` in [0, 1], falling; the last is 0.
        fnmr: ``(t + 1,)`` in [0, 1], rising.

    Taught in notebook 03.
    """

    def __init__(self, counts: ScoreCounts) -> None:
        self.thresholds = np.append(counts.scores, np.inf)
        below = np.append(0, np.cumsum(counts.mated))
        self.fnmr = below / below[-1]
        below = np.append(0, np.cumsum(counts.non_mated))
        self.fmr = (below[-1] - below) / below[-1]

    def at(self, threshold: float) -> OperatingPoint:
        """The errors at a threshold."""
        return self._point(int(np.searchsorted(self.thresholds, threshold)), threshold)

    def at_fmr(self, target: float) -> OperatingPoint:
        """Where FNMR is lowest among all thresholds with FMR ≤ `target`: at the lowest of them.

        With fewer than 1 / `target` non-mated pairs no FMR but 0 is small enough, and the
        threshold lies above the highest non-mated score: `resolves` tells.
        """
        place = int(np.argmax(self.fmr <= target))  # FMR falls: the first that satisfies
        return self._point(place, float(self.thresholds[place]))

    @property
    def equal(self) -> OperatingPoint:
        """Where FMR and FNMR differ least."""
        place = int(np.argmin(np.abs(self.fmr - self.fnmr)))
        return self._point(place, float(self.thresholds[place]))

    @property
    def area(self) -> float:
        """AUC: the chance that a mated score is higher than a non-mated one; ties count half."""
        return float(np.trapezoid(1 - self.fnmr[::-1], self.fmr[::-1]))

    def _point(self, place: int, threshold: float) -> OperatingPoint:
        return OperatingPoint(threshold, float(self.fmr[place]), float(self.fnmr[place]))


def resolves(counts: ScoreCounts, target: float) -> bool:
    """Whether there are enough non-mated pairs for an FMR that is above 0 and ≤ `target`."""
    return bool(counts.non_mated.sum() * target >= 1)


@dataclass(frozen=True)
class OperatingThresholds:
    """The two operating thresholds of a system: those of its unmasked faces."""

    at_100: float
    at_1000: float


@dataclass(frozen=True)
class ErrorRates:
    """Figures of merit of one setting; rates are fractions in [0, 1].

    Attributes:
        eer: equal error rate: the mean of FMR and FNMR at the threshold where they differ least.
        fmr100: lowest FNMR with FMR ≤ 1 %.
        fmr1000: lowest FNMR with FMR ≤ 0.1 %.
        fmr_at_100: FMR at the operating threshold for FMR ≤ 1 %: that of unmasked faces.
        fnmr_at_100: FNMR at that threshold.
        error_at_100: the mean of the two.
        fmr_at_1000: FMR at the operating threshold for FMR ≤ 0.1 %.
        fnmr_at_1000: FNMR at that threshold.
        error_at_1000: the mean of the two.
        g_mean: mean of the mated (genuine) scores.
        i_mean: mean of the non-mated (impostor) scores.
        fdr: Fisher discriminant ratio, (g_mean − i_mean)² / (σ²_mated + σ²_non-mated), the
            variances of all scores.
        d_prime: (g_mean − i_mean) / √((σ²_mated + σ²_non-mated) / 2).
        auc: the chance that a mated score is higher than a non-mated one; ties count half.

    Source: all but the last two from the paper's evaluation (Boutros et al., arXiv 2103.01716) and
    ISO/IEC 19795-1; d′ by Daugman (IEEE Trans. Circuits and Systems for Video Technology 14, 2004).
    """

    eer: float
    fmr100: float
    fmr1000: float
    fmr_at_100: float
    fnmr_at_100: float
    error_at_100: float
    fmr_at_1000: float
    fnmr_at_1000: float
    error_at_1000: float
    g_mean: float
    i_mean: float
    fdr: float
    d_prime: float
    auc: float


def error_rates(counts: ScoreCounts, operating: OperatingThresholds | None = None) -> ErrorRates:
    """All figures of merit of the scores.

    Args:
        counts: of one setting.
        operating: thresholds found on unmasked faces; without them, these scores' own.

    Taught in notebooks 03 and 08.
    """
    curve = ErrorCurve(counts)
    if operating is None:
        operating = thresholds_of(counts)
    at_100, at_1000 = curve.at(operating.at_100), curve.at(operating.at_1000)
    g_mean, g_variance = _mean_and_variance(counts.scores, counts.mated)
    i_mean, i_variance = _mean_and_variance(counts.scores, counts.non_mated)
    equal = curve.equal
    return ErrorRates(
        eer=(equal.fmr + equal.fnmr) / 2,
        fmr100=curve.at_fmr(0.01).fnmr,
        fmr1000=curve.at_fmr(0.001).fnmr,
        fmr_at_100=at_100.fmr,
        fnmr_at_100=at_100.fnmr,
        error_at_100=(at_100.fmr + at_100.fnmr) / 2,
        fmr_at_1000=at_1000.fmr,
        fnmr_at_1000=at_1000.fnmr,
        error_at_1000=(at_1000.fmr + at_1000.fnmr) / 2,
        g_mean=g_mean,
        i_mean=i_mean,
        **separation(g_mean, i_mean, g_variance + i_variance),
        auc=curve.area,
    )


def thresholds_of(counts: ScoreCounts) -> OperatingThresholds:
    """The thresholds that these scores, of unmasked faces, put into service."""
    curve = ErrorCurve(counts)
    return OperatingThresholds(curve.at_fmr(0.01).threshold, curve.at_fmr(0.001).threshold)


def separation(
    g_mean: float | np.ndarray, i_mean: float | np.ndarray, variances: float | np.ndarray
) -> dict[str, float | np.ndarray]:
    """``fdr`` and ``d_prime`` of the means and the sum of the two variances; ∞ without spread."""
    gap = np.subtract(g_mean, i_mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {"fdr": gap**2 / variances, "d_prime": gap / np.sqrt(np.divide(variances, 2))}


def _mean_and_variance(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    mean = np.average(values, weights=weights)
    return float(mean), float(np.average((values - mean) ** 2, weights=weights))
