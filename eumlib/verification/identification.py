"""Identification: at which rank a probe's person is found among all references.

A probe is put before all references of other pictures, several of a person if there are. Its rank
is 1 plus the number of other people's references that score at least as high as the best of its
person. Closed-set: a probe without another picture of its person among the references has no rank.
"""

from __future__ import annotations

import numpy as np

from eumlib.verification.comparison import Block, Comparison
from eumlib.verification.steps import STEPS
from eumlib.verification.tally import NO_RANK


def ranks_in(block: Block) -> np.ndarray:
    """``(p,)`` int64: the ranks of probes in a block ``(r, p)`` with *all* references."""
    none = -2 * STEPS
    mated, strange = block.compared & block.mated, block.compared & ~block.mated
    own = np.where(mated, block.steps, none).max(axis=0, initial=none)
    ahead = (strange & (block.steps >= own)).sum(axis=0)
    return np.where(own > none, 1 + ahead, NO_RANK)


def ranks_of(comparison: Comparison) -> np.ndarray:
    """``(p,)`` int64: the rank of each probe of a comparison without a list of pairs; or `NO_RANK`.

    Taught in notebook 08.
    """
    if comparison.few:
        sides = comparison.references, comparison.probes
        return ranks_in(comparison.block(*(np.arange(len(side)) for side in sides)))
    return comparison.counter.tally(comparison.sides(), np.empty(0, np.int64)).ranks


def found_by(ranks: np.ndarray, rank: int) -> float:
    """The share of the probes with a rank that are found at `rank` or better; by chance near 0.

    Over all ranks it is the CMC, the cumulative match characteristic.
    """
    ranked = ranks[ranks > NO_RANK]
    return float((ranked <= rank).mean()) if len(ranked) else float("nan")
