"""Losses that tell training people apart, whose direction of each person begins near that person.

In as few steps as here, such a loss would not find its directions from noise; at the person itself
the slope of ArcFace's angle would be infinite.
"""

from __future__ import annotations

import torch
from pytorch_metric_learning.losses.large_margin_softmax_loss import LargeMarginSoftmaxLoss
from torch.nn import functional

NOISE = 0.7  # length of what is added to a direction of length 1


def begin_near_people(
    loss: LargeMarginSoftmaxLoss,
    vectors: torch.Tensor,
    person: torch.Tensor,
    random: torch.Generator,
) -> None:
    """Set the directions ``loss.W`` to the people's means, each turned a little.

    Args:
        loss: of pytorch-metric-learning, for as many people.
        vectors: ``(n, d)`` of unit length.
        person: ``(n,)`` integers from 0, who vector i is.
        random: of the turns.
    """
    dim, people = loss.W.shape
    sums = torch.zeros(people, dim).index_add_(0, person, vectors)
    noise = torch.randn(people, dim, generator=random) / dim**0.5
    with torch.no_grad():
        loss.W.copy_((functional.normalize(sums, dim=1) + NOISE * noise).T)
