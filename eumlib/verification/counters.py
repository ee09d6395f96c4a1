"""Counters: where the pairs of a comparison are counted, what they are given, what they find.

A comparison of few pairs needs none. Of more, `StripeCounter` uses the cores of this machine, or
those of a cluster, and `eumlib.verification.DeviceCounter` a GPU, whose scores are a few steps
(2⁻²³) aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from eumlib._common.spreading import Spread, over_threads

if TYPE_CHECKING:
    from eumlib.verification.comparison import Comparison

NO_RANK = 0
NO_MATE = np.int32(np.iinfo(np.int32).min)  # below every score


class Side(NamedTuple):
    """Views in the order in which they are compared, by team and by person.

    Attributes:
        vectors: ``(n, d)`` float32.
        person: ``(n,)`` int32, ascending.
        picture: ``(n,)`` int32.
        team: ``(n,)`` int32, ascending.
        rows: ``(n,)``, where the comparison has each.
    """

    vectors: np.ndarray
    person: np.ndarray
    picture: np.ndarray
    team: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Sides:
    """Both sides of a comparison; one object twice where each pair counts once.

    Attributes:
        left: the references.
        right: the probes.
    """

    left: Side
    right: Side

    @classmethod
    def of(cls, comparison: Comparison, team_of: np.ndarray | None = None) -> Sides:
        """Order the views of a comparison.

        Args:
            comparison: of everyone with everyone.
            team_of: ``(people,)``, the team of each person; without it, all are one team.
        """
        if team_of is None:
            team_of = np.zeros(comparison.people, np.int32)
        place = np.empty(len(team_of), np.int32)  # of each person, those of a team in a row
        place[np.argsort(team_of, kind="stable")] = np.arange(len(team_of))
        sides = [
            _ordered(side.vectors, place[person], picture, team_of[person])
            for side, person, picture in zip(
                (comparison.references, comparison.probes),
                comparison.person_of,
                comparison.picture_of,
                strict=True,
            )
        ]
        return cls(sides[0], sides[0] if comparison.symmetric else sides[1])

    @property
    def symmetric(self) -> bool:
        """Whether both sides are one and the same."""
        return self.left is self.right

    @property
    def teams(self) -> int:
        """How many teams there are, G."""
        return 1 + max(int(side.team[-1]) for side in (self.left, self.right))

    def tiles(self, stripe: range, height: int, width: int) -> Iterator[tuple[range, range]]:
        """Rows and columns of the tiles of some rows of `left` that hold a pair."""
        columns = len(self.right.person)
        for start in range(stripe.start, stripe.stop, height):
            rows = range(start, min(start + height, stripe.stop))
            for first in range(start if self.symmetric else 0, columns, width):
                yield rows, range(first, min(first + width, columns))

    def may_have_mates(self, rows: range, columns: range) -> bool:
        """Whether a tile may hold a mated pair, by the people at its edges."""
        left, right = self.left.person, self.right.person
        return left[rows[0]] <= right[columns[-1]] and right[columns[0]] <= left[rows[-1]]


def _ordered(
    vectors: np.ndarray, person: np.ndarray, picture: np.ndarray, team: np.ndarray
) -> Side:
    rows = np.argsort(person, kind="stable")
    return Side(vectors[rows], person[rows], picture[rows], team[rows].astype(np.int32), rows)


class Tally(NamedTuple):
    """Pairs by team and by how many thresholds they pass, and ranks.

    Attributes:
        mated: ``(G, T + 1)`` int64, mated pairs of a team that pass 0, 1, … thresholds.
        non_mated: ``(G, G, T + 1)`` int32, the same of non-mated pairs between teams.
        ranks: ``(p,)`` int64, of the probes in the order of the comparison.
    """

    mated: np.ndarray
    non_mated: np.ndarray
    ranks: np.ndarray

    @classmethod
    def of(
        cls,
        sides: Sides,
        mated: np.ndarray,
        non_mated: np.ndarray,
        best: np.ndarray,
        ahead: np.ndarray,
    ) -> Tally:
        """From what was counted, each pair once.

        Args:
            sides: in order of teams.
            mated: ``(G, T + 1)``.
            non_mated: ``(G, G, T + 1)``.
            best: ``(p,)``, the best mated score of each of `right`, or `NO_MATE`.
            ahead: ``(p,)``, how many other people score at least as high.
        """
        if sides.symmetric:
            mated = 2 * mated
            non_mated = non_mated + non_mated.transpose(1, 0, 2)
        ranks = np.empty(len(best), np.int64)
        ranks[sides.right.rows] = np.where(best > NO_MATE, 1 + ahead, NO_RANK)
        return cls(mated, non_mated, ranks)


class PairCounter(Protocol):
    """A place to count all pairs of a comparison."""

    def count_scores(self, sides: Sides) -> np.ndarray:
        """``(2, 2 · STEPS + 1)`` int64: mated and non-mated pairs of each score, from −1 to 1."""

    def tally(self, sides: Sides, edges: np.ndarray) -> Tally:
        """Count by teams; where both sides are one, either of a pair is reference and probe.

        Args:
            sides: in order of teams.
            edges: ``(T,)`` int64, thresholds in steps, ascending.
        """


@dataclass(frozen=True)
class StripeCounter:
    """Counts in compiled loops, stripe by stripe.

    Args:
        spread: where stripes are counted, such as what `eumlib.verification.over_cluster` gives.
    """

    spread: Spread

    def count_scores(self, sides: Sides) -> np.ndarray:
        """As in `PairCounter`."""
        from eumlib.verification import counting  # compiled code, which a few pairs do without

        return counting.count_scores(sides, self.spread)

    def tally(self, sides: Sides, edges: np.ndarray) -> Tally:
        """As in `PairCounter`."""
        from eumlib.verification import counting

        return counting.tally(sides, edges, self.spread)


ON_ALL_CORES = StripeCounter(over_threads)  # of this machine
