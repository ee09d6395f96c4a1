"""The triplet loss and the self-restrained triplet loss, on squared Euclidean distances.

Source: Boutros et al. (arXiv 2103.01716) and the authors' public code; where the printed equation
and the code could differ, the code is followed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class TripletDistances(NamedTuple):
    """The three distances of N triplets, each ``(N,)`` in [0, 4].

    Attributes:
        d1: anchor to positive; training pulls it down.
        d2: anchor to negative.
        d3: positive to its negative: how far apart the recogniser itself sets two people.
    """

    d1: torch.Tensor
    d2: torch.Tensor
    d3: torch.Tensor


def triplet_distances(
    anchor: torch.Tensor,
    positive: torch.Tensor,
    negative: torch.Tensor,
    negative_of_positive: torch.Tensor | None = None,
) -> TripletDistances:
    """Squared Euclidean distances between the unit-length versions of the three embeddings.

    d(x, y) = ‖x − y‖² = 2 (1 − cos(x, y)): 0 for the same direction, 2 for right angles, 4 for
    opposite ones.

    Args:
        anchor: ``(N, d)`` float; need not be of unit length.
        positive: as anchor.
        negative: as anchor.
        negative_of_positive: as anchor; what d3 is measured to. By default the negative itself,
            which is fair if it was drawn. A negative that was chosen because it is near the anchor
            is not: d2 would be small by choice, and d3 has to be as small by the same choice.

    >>> x = torch.tensor([[2.0, 0.0]])
    >>> triplet_distances(x, x, torch.tensor([[0.0, 1.0]])).d2
    tensor([2.])

    Raises:
        ValueError: shapes that differ or are not ``(N, d)``.

    Taught in notebook 05.
    """
    parts = [anchor, positive, negative]
    if negative_of_positive is not None and negative_of_positive is not negative:
        parts.append(negative_of_positive)
    shapes = [tuple(part.shape) for part in parts]
    if anchor.ndim != 2 or len(set(shapes)) != 1:
        raise ValueError(f"anchor, positive and negative must be (N, d) alike, not {shapes}")
    a, p, n, *rest = (functional.normalize(part, dim=1) for part in parts)
    far = rest[0] if rest else n
    # from the cosine: half the arithmetic of squared differences, forward and backward
    return TripletDistances(
        d1=2 - 2 * (a * p).sum(dim=1),
        d2=2 - 2 * (a * n).sum(dim=1),
        d3=2 - 2 * (p * far).sum(dim=1),
    )


def restraint_holds(distances: TripletDistances) -> torch.Tensor:
    """Whether the batch is restrained, μ(d2) ≥ μ(d3): a boolean tensor without shape.

    The anchors then lie, on average, at least as far from the negatives as the positives do, which
    is as far as the recogniser itself sets two people apart.

    Taught in notebook 06.
    """
    return distances.d2.mean() >= distances.d3.mean()


class TripletLoss(nn.Module):
    """L = (1/N) Σ max(d1 − d2 + m, 0): pull the positive nearer than the negative by a margin m.

    >>> TripletLoss()(TripletDistances(*torch.tensor([[0.8], [0.4], [2.0]])))
    tensor(1.4000)

    Taught in notebook 05.
    """

    name = "triplet"

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, distances: TripletDistances) -> torch.Tensor:
        """The loss, a tensor without shape, ≥ 0."""
        return functional.relu(distances.d1 - distances.d2 + self.margin).mean()

    def extra_repr(self) -> str:
        """What stands between the brackets when the loss is printed."""
        return f"margin={self.margin}"


class SelfRestrainedTripletLoss(nn.Module):
    """The triplet loss that stops pushing once the batch is as far apart as the recogniser sets it.

    One condition for the whole batch, with μ the mean over its N triplets:

    - μ(d2) ≥ μ(d3), restrained: L = (1/N) Σ max(d1 + m − μ(d3), 0); the negatives enter as a
      constant, so only the pull from anchor to positive is left;
    - otherwise: L = (1/N) Σ max(d1 + m − d2, 0), the triplet loss.

    >>> SelfRestrainedTripletLoss()(TripletDistances(*torch.tensor([[0.4], [3.2], [2.0]])))
    tensor(0.4000)

    Source: arXiv 2103.01716 and the authors' code, m = 2. Taught in notebook 06.
    """

    name = "srt"

    def __init__(self, margin: float = 2.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, distances: TripletDistances) -> torch.Tensor:
        """The loss, a tensor without shape, ≥ 0."""
        push = distances.d3.mean() if restraint_holds(distances) else distances.d2
        return functional.relu(distances.d1 + self.margin - push).mean()

    def extra_repr(self) -> str:
        """What stands between the brackets when the loss is printed."""
        return f"margin={self.margin}"
