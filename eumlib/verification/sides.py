"""Both sides of a comparison in order: by team, and in it by person, so that mates are near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


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

    @classmethod
    def ordered(
        cls, vectors: np.ndarray, person: np.ndarray, picture: np.ndarray, team: np.ndarray
    ) -> Side:
        """By person; people are numbered so that those of a team follow each other."""
        rows = np.argsort(person, kind="stable")
        return cls(vectors[rows], person[rows], picture[rows], team[rows].astype(np.int32), rows)


@dataclass(frozen=True, eq=False)
class Sides:
    """Both sides of a comparison; one object twice where each pair counts once.

    Attributes:
        left: the references.
        right: the probes.
    """

    left: Side
    right: Side

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
