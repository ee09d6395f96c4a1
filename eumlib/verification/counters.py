"""Counters: where the pairs of a comparison are counted, what they are given, what they find.

A comparison of few pairs needs none. Of more, `StripeCounter` uses the cores of this machine, or
those of a cluster, and `eumlib.verification.DeviceCounter` a GPU, whose scores are a few steps
(2⁻²³) aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from eumlib._common.spreading import Spread, over_threads
from eumlib.verification.sides import Sides
from eumlib.verification.tally import Tally


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
