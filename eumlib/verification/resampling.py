"""How sure error rates are: a bootstrap over people, in teams.

Pairs that share a person are not independent, so people are drawn with replacement, and a pair
counts as often as its people were drawn. More than `TEAMS` people are dealt into so many teams at
random, and a team is drawn as one: teams are as independent of each other as people are, and a
table of teams against teams does not grow with the number of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from eumlib.verification.comparison import Comparison
from eumlib.verification.identification import ranks_in
from eumlib.verification.rates import ErrorCurve, OperatingThresholds, ScoreCounts, separation
from eumlib.verification.steps import STEP
from eumlib.verification.tally import NO_RANK

TEAMS = 256
FMR_GRID = np.concatenate([np.geomspace(1e-5, 0.5, 180), np.linspace(0.52, 1, 25)])
FNMR_GRID = np.linspace(0, 1, 60)


@dataclass(frozen=True)
class TeamTables:
    """What every pair of teams contributes.

    Attributes:
        thresholds: ``(T,)`` float64, ascending.
        mated: ``(G, T + 1)``, mated pairs of a team that pass 0, 1, … thresholds.
        non_mated: ``(G, G, T + 1)``, the same of non-mated pairs between teams.
        mated_means: ``(2, T + 1)``, the mean of the mated scores that pass 0, 1, … thresholds, and
            of their squares.
        non_mated_means: the same of the non-mated scores.
        ranks: ``(p,)``, of each probe, as `eumlib.verification.ranks_of` gives them; 0 where pairs
            are listed.
        team_of_probe: ``(p,)``.
    """

    thresholds: np.ndarray
    mated: np.ndarray
    non_mated: np.ndarray
    mated_means: np.ndarray
    non_mated_means: np.ndarray
    ranks: np.ndarray
    team_of_probe: np.ndarray

    @classmethod
    def of(
        cls, comparison: Comparison, counts: ScoreCounts, operating: OperatingThresholds, seed: int
    ) -> TeamTables:
        """Go through the pairs of a comparison.

        Args:
            comparison: of one setting.
            counts: its scores; thresholds are laid out along their FMR and FNMR.
            operating: thresholds at which rates are wanted besides.
            seed: deals people into teams; the same people are dealt alike, whatever their scores.
        """
        curve = ErrorCurve(counts)
        places = [np.searchsorted(-curve.fmr, -FMR_GRID), np.searchsorted(curve.fnmr, FNMR_GRID)]
        along = curve.thresholds[np.concatenate(places)]
        thresholds = np.unique(np.r_[along, operating.at_100, operating.at_1000])
        thresholds = thresholds[np.isfinite(thresholds)]
        teams = _teams(comparison.people, seed)
        steps = np.ceil(thresholds / STEP).astype(np.int64)
        if comparison.few:
            mated, non_mated, ranks = _at_once(comparison, steps, teams)
        else:
            mated, non_mated, ranks = comparison.counter.tally(comparison.sides(teams), steps)
        return cls(
            thresholds,
            mated,
            non_mated,
            *(_means(counts.scores, kind, thresholds) for kind in (counts.mated, counts.non_mated)),
            ranks,
            teams[comparison.person_of[1]],
        )

    def draw(self, resamples: int, seed: int) -> np.ndarray:
        """How often each team is drawn: ``(resamples, G)`` float64, rows summing to G.

        A draw without mated or without non-mated pairs is drawn again.

        Raises:
            ValueError: too few people for any draw to have both.
        """
        random, teams = np.random.default_rng(seed), len(self.mated)
        mated, non_mated = self.mated.sum(axis=1), self.non_mated.sum(axis=2)
        kept: list[np.ndarray] = []
        for _ in range(100):
            drawn = random.multinomial(teams, np.full(teams, 1 / teams), size=resamples)
            drawn = drawn.astype(np.float64)
            good = (drawn @ mated > 0) & (((drawn @ non_mated) * drawn).sum(axis=1) > 0)
            kept.extend(drawn[good])
            if len(kept) >= resamples:
                return np.array(kept[:resamples])
        raise ValueError(
            "hardly any draw of people has both mated and non-mated pairs: resample more people"
        )


def _at_once(
    comparison: Comparison, steps: np.ndarray, team_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tables of `TeamTables` and the ranks, of so few pairs that all are in memory."""
    if comparison.pairs is None:
        everyone = (np.arange(len(side)) for side in (comparison.references, comparison.probes))
        block = comparison.block(*everyone)
        ranks = ranks_in(block)
    else:
        block = comparison.all_pairs()
        ranks = np.full(len(comparison.probes), NO_RANK, np.int64)
    teams, size = int(team_of.max()) + 1, len(steps) + 1
    left, right = (
        team_of[person[rows]]
        for person, rows in zip(comparison.person_of, (block.reference, block.probe), strict=True)
    )
    passed = np.searchsorted(steps, block.steps, side="right")
    mated = (left * size + passed)[block.compared & block.mated]
    non_mated = ((left * teams + right) * size + passed)[block.compared & ~block.mated]
    return _counted(mated, teams, size), _counted(non_mated, teams, teams, size), ranks


def _counted(place: np.ndarray, *shape: int) -> np.ndarray:
    return np.bincount(place, minlength=int(np.prod(shape))).reshape(shape).astype(np.int32)


def _means(scores: np.ndarray, counts: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """``(2, T + 1)``: mean score and mean square of the pairs that pass 0, 1, … thresholds."""
    passed = np.searchsorted(thresholds, scores, side="right")
    size = len(thresholds) + 1
    pairs = np.maximum(np.bincount(passed, counts, minlength=size), 1)
    sums = [np.bincount(passed, counts * scores**power, minlength=size) for power in (1, 2)]
    return np.array(sums) / pairs


def _teams(people: int, seed: int) -> np.ndarray:
    """The team of each person; everyone is a team of his or her own as long as there are enough."""
    if people <= TEAMS:
        return np.arange(people)
    return np.random.default_rng(seed).permutation(people) % TEAMS


@dataclass(frozen=True)
class ResampledRates:
    """FMR and FNMR of B resamples at T thresholds, and what else is read off the resamples.

    Attributes:
        tables: of the comparison.
        times: ``(B, G)``, how often each team was drawn.
    """

    tables: TeamTables
    times: np.ndarray

    @cached_property
    def fmr(self) -> np.ndarray:
        """``(B, T)`` in [0, 1], falling along a row."""
        return _accepted(self._non_mated)

    @cached_property
    def fnmr(self) -> np.ndarray:
        """``(B, T)`` in [0, 1], rising along a row."""
        return 1 - _accepted(self._mated)

    @cached_property
    def _mated(self) -> np.ndarray:
        """``(B, T + 1)``: mated pairs that pass 0, 1, … thresholds, as often as drawn."""
        return self.times @ self.tables.mated

    @cached_property
    def _non_mated(self) -> np.ndarray:
        """``(B, T + 1)``: a pair counts as often as both its teams were drawn."""
        tables, size = self.tables.non_mated, self.tables.non_mated.shape[2]
        counted = np.empty((len(self.times), size))
        with threadpool_limits(1, "blas"):  # so small are the products that threads only wait
            for place in range(size):
                counted[:, place] = ((self.times @ tables[:, :, place]) * self.times).sum(axis=1)
        return counted

    @property
    def eer(self) -> np.ndarray:
        """``(B,)``: where FMR and FNMR meet, interpolated between two thresholds."""
        gap = self.fmr - self.fnmr
        after = np.where((gap <= 0).any(axis=1), (gap <= 0).argmax(axis=1), gap.shape[1] - 1)
        after = after.clip(min=1)
        rows = np.arange(len(gap))
        before, behind = gap[rows, after - 1], gap[rows, after]
        share = (before / np.maximum(before - behind, 1e-300)).clip(0, 1)
        return (
            _between(self.fmr, rows, after, share) / 2 + _between(self.fnmr, rows, after, share) / 2
        )

    def fnmr_at_fmr(self, target: float) -> np.ndarray:
        """``(B,)``: FNMR where FMR falls to a target, interpolated between two thresholds.

        1 where no score is high enough: then the threshold is above all of them.
        """
        met = self.fmr <= target
        after = met.argmax(axis=1).clip(min=1)
        rows = np.arange(len(self.fmr))
        above, below = self.fmr[rows, after - 1], self.fmr[rows, after]
        share = ((above - target) / np.maximum(above - below, 1e-300)).clip(0, 1)
        return np.where(met.any(axis=1), _between(self.fnmr, rows, after, share), 1.0)

    def at(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """FMR and FNMR, ``(B,)`` each, at one of the thresholds, or at ∞."""
        if np.isinf(threshold):
            return np.zeros(len(self.times)), np.ones(len(self.times))
        (place,) = np.flatnonzero(self.tables.thresholds == threshold)
        return self.fmr[:, place], self.fnmr[:, place]

    def found_by(self, rank: int) -> np.ndarray:
        """``(B,)``: the share of probes whose person is found at this rank or better."""
        ranks, team = self.tables.ranks, self.tables.team_of_probe
        size = self.times.shape[1]
        asked = self.times @ np.bincount(team[ranks > 0], minlength=size)
        found = (ranks > 0) & (ranks <= rank)
        with np.errstate(invalid="ignore"):
            return self.times @ np.bincount(team[found], minlength=size) / asked

    def metrics(self, operating: OperatingThresholds) -> pd.DataFrame:
        """One row per resample, the columns those of `eumlib.verification.ErrorRates`."""
        fmr_at_100, fnmr_at_100 = self.at(operating.at_100)
        fmr_at_1000, fnmr_at_1000 = self.at(operating.at_1000)
        g_mean, g_variance = _moments(self._mated, self.tables.mated_means)
        i_mean, i_variance = _moments(self._non_mated, self.tables.non_mated_means)
        ends = np.ones((len(self.times), 1)), np.zeros((len(self.times), 1))
        accepted, passed = (
            np.concatenate([ends[0], rates, ends[1]], axis=1) for rates in (self.fmr, 1 - self.fnmr)
        )
        return pd.DataFrame(
            {
                "eer": self.eer,
                "fmr100": self.fnmr_at_fmr(0.01),
                "fmr1000": self.fnmr_at_fmr(0.001),
                "fmr_at_100": fmr_at_100,
                "fnmr_at_100": fnmr_at_100,
                "error_at_100": (fmr_at_100 + fnmr_at_100) / 2,
                "fmr_at_1000": fmr_at_1000,
                "fnmr_at_1000": fnmr_at_1000,
                "error_at_1000": (fmr_at_1000 + fnmr_at_1000) / 2,
                "g_mean": g_mean,
                "i_mean": i_mean,
                **separation(g_mean, i_mean, g_variance + i_variance),
                "auc": -np.trapezoid(passed, accepted, axis=1),
            }
        )


def _moments(counted: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance, ``(B,)`` each, as if pairs between two thresholds had their mean score."""
    mean, square = (counted @ row / counted.sum(axis=1) for row in means)
    return mean, np.maximum(square - mean**2, 0)


def _accepted(weights: np.ndarray) -> np.ndarray:
    """``(B, T)``: the share of the weight that is accepted at each threshold."""
    return np.cumsum(weights[:, :0:-1], axis=1)[:, ::-1] / weights.sum(axis=1, keepdims=True)


def _between(
    values: np.ndarray, rows: np.ndarray, after: np.ndarray, share: np.ndarray
) -> np.ndarray:
    return values[rows, after - 1] * (1 - share) + values[rows, after] * share
