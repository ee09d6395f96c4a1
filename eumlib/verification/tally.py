"""What counting by teams finds: how many pairs pass each threshold, and who ranks where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eumlib.verification.sides import Sides

NO_RANK = 0
NO_MATE = np.int32(np.iinfo(np.int32).min)  # below every score


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
