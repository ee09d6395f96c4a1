"""Which stranger a triplet shows: the one that was drawn, or one chosen from the batch.

A choice sees what the EUM makes of the anchors now, so it changes as training goes on. All of them
choose among unmasked views of other people.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from eumlib.triplets import Triplets

ChooseNegatives = Callable[[torch.Tensor, Triplets], torch.Tensor]
"""Gives ``(N, d)`` negatives for the EUM's output ``(N, d)`` and the triplets that went into it."""


def drawn_negatives(_output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """The negatives as the sampler drew them, uniformly from all other people: the paper's way."""
    return triplets.negative


@torch.no_grad()
def hardest_negatives(output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """For each anchor the nearest positive of another person in the batch.

    Where the batch shows one person alone, the drawn negative is kept. Taught in notebook 10.
    """
    return _nearest(_cosines_to_strangers(output, triplets), triplets)


@torch.no_grad()
def semi_hard_negatives(output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """For each anchor the nearest stranger in the batch that is farther away than its positive.

    The strangers are the positives of other people in the batch. Where none is farther than the
    positive, the drawn negative is kept.

    Source: Schroff et al., FaceNet (arXiv 1503.03832), section 3.2. Taught in notebook 10.
    """
    to_positive = functional.cosine_similarity(output, triplets.positive)
    cosines = _cosines_to_strangers(output, triplets)
    return _nearest(cosines.masked_fill(cosines >= to_positive[:, None], -torch.inf), triplets)


def _cosines_to_strangers(output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """``(N, N)``: each anchor with each positive of the batch, −∞ where it is the same person."""
    cosines = functional.normalize(output, dim=1) @ functional.normalize(triplets.positive, dim=1).T
    same = triplets.person[:, None] == triplets.person[None, :]
    return cosines.masked_fill(same, -torch.inf)


def _nearest(cosines: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    best, place = cosines.max(dim=1)
    found = best[:, None] > -torch.inf
    return torch.where(found, triplets.positive[place], triplets.negative)
