"""Verification: scores of mated and non-mated pairs, and the error rates read off them.

A *mated* pair shows one person, a *non-mated* pair two (ISO/IEC 2382-37). A pair is accepted if its
score s, the cosine of the two embeddings, is at least the threshold t:

- FMR(t), false match rate: share of non-mated scores ≥ t;
- FNMR(t), false non-match rate: share of mated scores < t.

Pairs that share a person are not independent, so intervals come from a bootstrap over *identities*:
people are drawn with replacement, and a pair counts as often as its people were drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eumlib.pairs import Pair


class ScoreError(ValueError):
    """Scores from which error rates cannot be computed."""


@dataclass(frozen=True)
class PairScores:
    """Scores of all pairs of one setting.

    Attributes:
        mated: ``(m,)`` float64, in [−1, 1].
        non_mated: ``(k,)`` float64, in [−1, 1].
        mated_person: ``(m,)`` integer, the number of the person in the pair.
        non_mated_people: ``(k, 2)`` integer, the numbers of the two people.
        people: how many people there are, numbered from 0.

    Raises:
        ScoreError: no mated pairs, no non-mated pairs, or scores that are not finite.
    """

    mated: np.ndarray
    non_mated: np.ndarray
    mated_person: np.ndarray
    non_mated_people: np.ndarray
    people: int

    def __post_init__(self) -> None:
        for name in ("mated", "non_mated"):
            scores = getattr(self, name)
            if not len(scores):
                raise ScoreError(f"there are no {name.replace('_', '-')} pairs to score")
            if not np.isfinite(scores).all():
                bad = np.flatnonzero(~np.isfinite(scores))
                raise ScoreError(f"{len(bad)} {name} scores are not finite; the first is {bad[0]}")


@dataclass(frozen=True)
class FaceViews:
    """Embeddings of one side of a comparison, all references or all probes.

    Attributes:
        vectors: ``(n, d)`` float32 of unit length.
        identities: ``(n,)``, who it is.
        pictures: ``(n,)``, the id of the picture that view i is of.
    """

    vectors: np.ndarray
    identities: np.ndarray
    pictures: np.ndarray

    def __post_init__(self) -> None:
        lengths = len(self.vectors), len(self.identities), len(self.pictures)
        if len(set(lengths)) > 1:
            raise ValueError(f"vectors, identities and pictures have lengths {lengths}, not one")


def score_pairs(references: FaceViews, probes: FaceViews) -> PairScores:
    """Cosine scores of every reference against every probe of another picture.

    Where references and probes are one and the same object, each pair counts once.

    Raises:
        ScoreError: no mated or no non-mated pairs.

    Taught in notebook 03.
    """
    compared = references.pictures[:, None] != probes.pictures[None, :]
    if references is probes:
        compared = np.triu(compared)
    first, second = np.nonzero(compared)
    scores = (references.vectors @ probes.vectors.T)[first, second]
    left, right = _numbered(references, probes)
    return _told_apart(scores, left[first], right[second])


def score_listed_pairs(
    references: FaceViews, probes: FaceViews, pairs: Sequence[Pair]
) -> PairScores:
    """Cosine scores of the listed pairs, reference against probe, of which there are both views.

    A picture with several views, in several masks, gives a score for each.

    Raises:
        ScoreError: no mated or no non-mated pairs among them.
    """
    listed = pd.DataFrame(
        [(pair.reference, pair.probe) for pair in pairs], columns=["reference", "probe"]
    )
    of_reference, of_probe = (
        pd.DataFrame({name: side.pictures, f"row_{name}": np.arange(len(side.pictures))})
        for name, side in (("reference", references), ("probe", probes))
    )
    found = listed.merge(of_reference, on="reference").merge(of_probe, on="probe")
    first, second = found["row_reference"].to_numpy(np.intp), found["row_probe"].to_numpy(np.intp)
    scores = np.einsum("ij,ij->i", references.vectors[first], probes.vectors[second])
    left, right = _numbered(references, probes)
    return _told_apart(scores, left[first], right[second])


def _numbered(references: FaceViews, probes: FaceViews) -> list[np.ndarray]:
    """A number for the person of each view, the same for one name on both sides."""
    names = np.concatenate([references.identities, probes.identities])
    _, number = np.unique(names, return_inverse=True)
    return np.split(number, [len(references.identities)])


def _told_apart(scores: np.ndarray, left: np.ndarray, right: np.ndarray) -> PairScores:
    """The scores, mated and non-mated, of pairs of these people, who are numbered anew."""
    compared = np.bincount(np.concatenate([left, right])) > 0
    anew = np.cumsum(compared) - 1
    left, right = anew[left], anew[right]
    scores, mated = scores.astype(np.float64).clip(-1, 1), left == right
    return PairScores(
        mated=scores[mated],
        non_mated=scores[~mated],
        mated_person=left[mated],
        non_mated_people=np.stack([left[~mated], right[~mated]], axis=1),
        people=int(compared.sum()),
    )


class ErrorCurve:
    """FMR and FNMR at every threshold that makes a difference: each distinct score, and one above.

    The scores are sorted once; the bootstrap then only counts pairs differently.

    Attributes:
        thresholds: ``(t,)`` float64, ascending; the last is infinite.
        fmr: ``(t,)`` in [0, 1], falling.
        fnmr: ``(t,)`` in [0, 1], rising.
    """

    def __init__(self, scores: PairScores) -> None:
        self._scores = scores
        everything = np.concatenate([scores.mated, scores.non_mated])
        distinct, place = np.unique(everything, return_inverse=True)
        self.thresholds = np.append(distinct, np.inf)
        self._mated_place, self._non_mated_place = np.split(place, [len(scores.mated)])
        self.fmr, self.fnmr = self.weighted(
            np.ones_like(scores.mated), np.ones_like(scores.non_mated)
        )

    def weighted(
        self, mated_weight: np.ndarray, non_mated_weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """FMR and FNMR at `thresholds` when pairs count with these weights."""
        size = len(self.thresholds)
        mated = np.bincount(self._mated_place, mated_weight, minlength=size)
        non_mated = np.bincount(self._non_mated_place, non_mated_weight, minlength=size)
        fnmr = (np.cumsum(mated) - mated) / mated.sum()
        fmr = np.cumsum(non_mated[::-1])[::-1] / non_mated.sum()
        return fmr, fnmr


@dataclass(frozen=True)
class ErrorRates:
    """Figures of merit of one setting; rates are fractions in [0, 1].

    Attributes:
        eer: equal error rate: the mean of FMR and FNMR at the threshold where they differ least.
        fmr100: lowest FNMR with FMR ≤ 1 %.
        fmr1000: lowest FNMR with FMR ≤ 0.1 %.
        threshold100: the lowest threshold with FMR ≤ 1 %, at which fmr100 is read.
        threshold1000: the same for FMR ≤ 0.1 %.
        g_mean: mean of the mated (genuine) scores.
        i_mean: mean of the non-mated (impostor) scores.
        fdr: Fisher discriminant ratio, (g_mean − i_mean)² / (σ²_mated + σ²_non-mated).
        fmr_at_100: FMR at the threshold100 of unmasked against unmasked faces.
        fnmr_at_100: FNMR at that threshold.
        fmr_at_1000: FMR at the threshold1000 of unmasked against unmasked faces.
        fnmr_at_1000: FNMR at that threshold.
    """

    eer: float
    fmr100: float
    fmr1000: float
    threshold100: float
    threshold1000: float
    g_mean: float
    i_mean: float
    fdr: float
    fmr_at_100: float
    fnmr_at_100: float
    fmr_at_1000: float
    fnmr_at_1000: float


@dataclass(frozen=True)
class Thresholds:
    """The two thresholds of a system in service: those of its unmasked faces."""

    at_100: float
    at_1000: float


def error_rates(scores: PairScores, deployed: Thresholds | None = None) -> ErrorRates:
    """All figures of merit of the scores.

    Args:
        scores: of one setting.
        deployed: thresholds found on unmasked faces; without them, these scores' own.

    Taught in notebooks 03 and 08.
    """
    curve = ErrorCurve(scores)
    weights = np.ones_like(scores.mated), np.ones_like(scores.non_mated)
    return _rates(scores, curve, *weights, deployed)


def unmasked_thresholds(rates: ErrorRates) -> Thresholds:
    """The thresholds that the unmasked setting puts into service."""
    return Thresholds(rates.threshold100, rates.threshold1000)


def bootstrap_rates(
    scores: PairScores, deployed: Thresholds | None, resamples: int, seed: int
) -> list[ErrorRates]:
    """`error_rates` of resampled people.

    The same `seed` and the same number of people give the same resamples, whatever the scores: so
    the difference between two systems can be taken resample by resample.

    Args:
        scores: of one setting.
        deployed: as in `error_rates`; they stay fixed.
        resamples: how many times people are drawn.
        seed: of the draw.

    Taught in notebook 08.
    """
    random = np.random.default_rng(seed)
    curve = ErrorCurve(scores)
    left, right = scores.non_mated_people.T
    rates = []
    while len(rates) < resamples:
        times = np.bincount(
            random.integers(0, scores.people, scores.people), minlength=scores.people
        )
        mated_weight = times[scores.mated_person].astype(np.float64)
        non_mated_weight = (times[left] * times[right]).astype(np.float64)
        if mated_weight.any() and non_mated_weight.any():  # else drawn again
            rates.append(_rates(scores, curve, mated_weight, non_mated_weight, deployed))
    return rates


def _rates(
    scores: PairScores,
    curve: ErrorCurve,
    mated_weight: np.ndarray,
    non_mated_weight: np.ndarray,
    deployed: Thresholds | None,
) -> ErrorRates:
    fmr, fnmr = curve.weighted(mated_weight, non_mated_weight)
    equal = int(np.argmin(np.abs(fmr - fnmr)))
    # FMR falls and FNMR rises with the threshold: the lowest FNMR is at the first that satisfies.
    at_100, at_1000 = (int(np.argmax(fmr <= target)) for target in (0.01, 0.001))
    if deployed is None:
        fixed_100, fixed_1000 = at_100, at_1000
    else:
        fixed_100, fixed_1000 = (
            int(np.searchsorted(curve.thresholds, threshold))
            for threshold in (deployed.at_100, deployed.at_1000)
        )
    g_mean, g_variance = _mean_and_variance(scores.mated, mated_weight)
    i_mean, i_variance = _mean_and_variance(scores.non_mated, non_mated_weight)
    spread = g_variance + i_variance
    return ErrorRates(
        eer=float(fmr[equal] + fnmr[equal]) / 2,
        fmr100=float(fnmr[at_100]),
        fmr1000=float(fnmr[at_1000]),
        threshold100=float(curve.thresholds[at_100]),
        threshold1000=float(curve.thresholds[at_1000]),
        g_mean=g_mean,
        i_mean=i_mean,
        fdr=(g_mean - i_mean) ** 2 / spread if spread > 0 else float("inf"),
        fmr_at_100=float(fmr[fixed_100]),
        fnmr_at_100=float(fnmr[fixed_100]),
        fmr_at_1000=float(fmr[fixed_1000]),
        fnmr_at_1000=float(fnmr[fixed_1000]),
    )


def _mean_and_variance(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    mean = np.average(values, weights=weights)
    return float(mean), float(np.average((values - mean) ** 2, weights=weights))
