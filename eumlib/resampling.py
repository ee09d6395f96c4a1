"""Error rates of resampled people, on a grid of thresholds.

Pairs that share a person are not independent, so people are drawn with replacement, and a pair
counts as often as its people were drawn. Instead of every pair, all resamples look at a table of
people against people at each threshold: the cost hardly grows with the number of pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eumlib.verification import PairScores

GRID_RATES = np.geomspace(1e-5, 0.7, 220)  # false match rates between which rates are interpolated


@dataclass(frozen=True)
class ResampledRates:
    """FMR and FNMR of B resamples at T thresholds.

    Attributes:
        thresholds: ``(T,)``, ascending.
        fmr: ``(B, T)`` in [0, 1], falling along a row.
        fnmr: ``(B, T)`` in [0, 1], rising along a row.
    """

    thresholds: np.ndarray
    fmr: np.ndarray
    fnmr: np.ndarray

    @property
    def eer(self) -> np.ndarray:
        """``(B,)``: where FMR and FNMR meet, interpolated between two thresholds."""
        gap = self.fmr - self.fnmr
        after = (gap <= 0).argmax(axis=1).clip(min=1)
        rows = np.arange(len(gap))
        share = gap[rows, after - 1] / (gap[rows, after - 1] - gap[rows, after])
        return _between(self.fnmr, rows, after, share.clip(0, 1))

    def fnmr_at(self, fmr: float) -> np.ndarray:
        """``(B,)``: FNMR where FMR falls to a target, interpolated between two thresholds."""
        after = (self.fmr <= fmr).argmax(axis=1).clip(min=1)
        rows = np.arange(len(self.fmr))
        above, below = self.fmr[rows, after - 1], self.fmr[rows, after]
        share = (above - fmr) / np.maximum(above - below, 1e-12)
        return _between(self.fnmr, rows, after, share.clip(0, 1))

    def at(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """FMR and FNMR, ``(B,)`` each, at one of the thresholds."""
        (place,) = np.flatnonzero(self.thresholds == threshold)
        return self.fmr[:, place], self.fnmr[:, place]


def draw_people(people: int, resamples: int, seed: int) -> np.ndarray:
    """How often each person is drawn: ``(resamples, people)`` float64, rows summing to `people`."""
    random = np.random.default_rng(seed)
    return random.multinomial(people, np.full(people, 1 / people), size=resamples).astype(float)


def resampled_rates(
    scores: PairScores, times: np.ndarray, extra_thresholds: Sequence[float] = ()
) -> ResampledRates:
    """FMR and FNMR of resampled people at thresholds that cover the non-mated scores' upper part.

    Args:
        scores: of one setting.
        times: ``(B, people)``, of `draw_people`; a row of ones gives the scores' own rates.
        extra_thresholds: at which rates are wanted besides.

    Raises:
        ValueError: a resample without mated or without non-mated pairs.
    """
    quantiles = np.quantile(scores.non_mated, 1 - GRID_RATES)
    thresholds = np.unique(np.concatenate([quantiles, extra_thresholds]))
    mated = _weights_by_place(
        np.searchsorted(thresholds, scores.mated, side="right"),
        times[:, scores.mated_person],
        len(thresholds),
    )
    fnmr = 1 - _accepted(mated)
    non_mated = np.zeros((len(times), len(thresholds) + 1))
    place = np.searchsorted(thresholds, scores.non_mated, side="right")
    left, right = scores.non_mated_people.T
    pair = (left * scores.people + right)[np.argsort(place, kind="stable")]
    ends = np.cumsum(np.bincount(place, minlength=len(thresholds) + 1))
    for number, (start, end) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
        counts = np.bincount(pair[start:end], minlength=scores.people**2)
        among = counts.reshape(scores.people, scores.people).astype(float)
        non_mated[:, number] = ((times @ among) * times).sum(axis=1)
    return ResampledRates(thresholds, _accepted(non_mated), fnmr)


def _weights_by_place(place: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
    """``(B, size + 1)``: the weights of the pairs that pass 0, 1, 2, … thresholds."""
    return np.stack([np.bincount(place, row, minlength=size + 1) for row in weights])


def _accepted(weights: np.ndarray) -> np.ndarray:
    """``(B, T)``: the share of the weight that is accepted at each threshold."""
    total = weights.sum(axis=1, keepdims=True)
    if not total.all():
        raise ValueError("a resample drew no pairs: resample more people")
    return np.cumsum(weights[:, :0:-1], axis=1)[:, ::-1] / total


def _between(
    values: np.ndarray, rows: np.ndarray, after: np.ndarray, share: np.ndarray
) -> np.ndarray:
    return values[rows, after - 1] * (1 - share) + values[rows, after] * share
