"""My Eyes Are Up Here: a triplet loss that also pulls by the squared error.

Neto et al., "My Eyes Are Up Here: Promoting Focus on Uncovered Regions in Masked Face Recognition",
arXiv 2108.00996. Their network is trained whole; here the same loss trains an EUM, so that it can
be laid beside the triplet loss and SRT. What they claim of *where* a network looks is not tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from eumlib.embeddings import EmbeddingTable
from eumlib.unmasking import Recipe, TripletDistances, TripletLoss, Unmasker, train_unmasker


class TripletAndSquaredErrorLoss(nn.Module):
    """L = triplet(d1, d2) + λ μ(d1), where d1 = ‖a − p‖² is the squared error, summed over numbers.

    Where the triplet loss is content, because the negative is far enough, the second term goes on
    pulling the anchor to its positive.

    >>> distances = TripletDistances(*torch.tensor([[0.5], [1.9], [2.0]]))
    >>> TripletAndSquaredErrorLoss(weight=2.0)(distances)
    tensor(1.)

    Args:
        weight: λ ≥ 0; the default was chosen on validation people.
        margin: of the triplet loss.

    Source: the abstract of arXiv 2108.00996, which gives the two terms and no weight. Taught in
    notebook 12.
    """

    name = "my_eyes"

    def __init__(self, weight: float = 10.0, margin: float = 1.0) -> None:
        super().__init__()
        self.weight, self.triplet = weight, TripletLoss(margin)

    def forward(self, distances: TripletDistances) -> torch.Tensor:
        """The loss, a tensor without shape, ≥ 0."""
        return self.triplet(distances) + self.weight * distances.d1.mean()

    def extra_repr(self) -> str:
        """What stands between the brackets when the loss is printed."""
        return f"weight={self.weight}"


def train_my_eyes(
    training: Sequence[EmbeddingTable],
    validation: Sequence[EmbeddingTable],
    recipe: Recipe,
    device: str = "cpu",
) -> Unmasker:
    """As `eumlib.unmasking.train_unmasker`, by this loss in place of the recipe's."""
    recipe = replace(recipe, loss=TripletAndSquaredErrorLoss())
    return train_unmasker(training, validation, recipe, device).unmasker
