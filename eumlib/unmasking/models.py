"""The Embedding Unmasking Model (EUM): masked embedding in, unmasked embedding out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn import functional

from eumlib._common.errors import EumlibError


class ModelError(EumlibError, ValueError):
    """A model file that cannot be used, or not with these embeddings."""


class UnmaskingModel(nn.Module, ABC):
    """Any map of embeddings ``(n, d)`` to ``(n, d)``; subclasses say which in ``_transform``."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """``(n, d)`` float to ``(n, d)`` float; ValueError for another width, or a batch of 1."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dim:
            raise ValueError(
                f"this EUM takes embeddings (n, {self.dim}), not {tuple(embeddings.shape)}"
            )
        if self.training and len(embeddings) < 2:
            raise ValueError(
                "training takes batches of 2 embeddings or more: batch norm needs a spread"
            )
        return self._transform(embeddings)

    @abstractmethod
    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        """``(n, d)`` to ``(n, d)``; `forward` has looked at the shape."""


class EmbeddingUnmaskingModel(UnmaskingModel):
    """The paper's EUM: (linear, batch norm, LeakyReLU 0.2) × 3, linear, batch norm; always d → d.

    There is no activation and no normalisation of length at the end, and no residual connection.
    It has 67,072 trainable parameters for d = 128 and 1,054,720 for d = 512.

    >>> sum(p.numel() for p in EmbeddingUnmaskingModel(128).parameters())
    67072

    Source: Boutros et al., arXiv 2103.01716. Taught in notebook 07.
    """

    architecture = "EUM"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(dim, dim), nn.BatchNorm1d(dim))

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return self.layers(embeddings)


class ResidualUnmaskingModel(EmbeddingUnmaskingModel):
    """The EUM with a skip connection: it learns what to add to the masked embedding.

    A named departure from the paper. The gain of the last batch norm starts at 0, so training
    starts at the no-op baseline. It has as many parameters as the EUM.

    Taught in notebook 17.
    """

    architecture = "residual EUM"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        nn.init.zeros_(self.layers[-1].weight)

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings + self.layers(embeddings)


class CentredUnmaskingModel(UnmaskingModel):
    """A model that sees embeddings from the mean of the faces, and answers from there.

    A named departure. Embeddings of some recognisers lie in a narrow cone: non-mated pairs have
    cosines near 1, and what tells people apart is the small rest. So the mean μ is taken away
    before the inner model, and given back behind it:

    x ↦ μ + r · inner(c) / ‖inner(c)‖, with c = (x − μ) / ‖x − μ‖

    What comes out is an embedding of the recogniser's own space, to be compared with references
    that were not touched. The distance r from the mean sets how high its scores are: nearer to the
    mean, everyone looks more alike.

    Args:
        inner: a model of centred embeddings of unit length.
        mean: ``(d,)`` float32, μ.
        distance: r, above 0.

    Taught in notebook 11.
    """

    def __init__(self, inner: UnmaskingModel, mean: torch.Tensor, distance: float) -> None:
        super().__init__(inner.dim)
        self.inner = inner
        self.register_buffer("mean", mean)
        self.register_buffer("distance", torch.tensor(distance))

    @classmethod
    def around(
        cls, inner: UnmaskingModel, unmasked: torch.Tensor, reach: float
    ) -> CentredUnmaskingModel:
        """Around the mean of unmasked embeddings ``(n, d)`` of training faces.

        The distance is `reach` times the mean distance of those embeddings from their mean.
        """
        mean = unmasked.mean(dim=0)
        return cls(inner, mean, reach * float((unmasked - mean).norm(dim=1).mean()))

    def centre(self, embeddings: torch.Tensor) -> torch.Tensor:
        """c of embeddings ``(n, d)``: seen from the mean, of unit length."""
        return functional.normalize(embeddings - self.mean, dim=1)

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        answers = functional.normalize(self.inner(self.centre(embeddings)), dim=1)
        return self.mean + self.distance * answers
