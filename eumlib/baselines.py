"""What an EUM has to beat: doing nothing, and one linear map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from sklearn.linear_model import Ridge
from torch import nn

from eumlib.embeddings import EmbeddingTable
from eumlib.mated import mated_vectors
from eumlib.unmasking import EmbeddingUnmaskingModel

RIDGE = 1e-4


class DoingNothing(EmbeddingUnmaskingModel):
    """What every EUM has to beat: the masked embedding as it is."""

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings


class LinearUnmaskingModel(EmbeddingUnmaskingModel):
    """A baseline: one linear map, fitted to masked and unmasked embeddings by least squares."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.layers = nn.Linear(dim, dim)

    @classmethod
    def fitted(cls, tables: Sequence[EmbeddingTable]) -> LinearUnmaskingModel:
        """The ridge solution for the pictures of the tables, with the penalty `RIDGE`."""
        masked, unmasked, _ = mated_vectors(*tables)
        fit = Ridge(RIDGE * len(masked)).fit(masked, unmasked)
        model = cls(masked.shape[1])
        with torch.no_grad():
            model.layers.weight.copy_(torch.from_numpy(fit.coef_))
            model.layers.bias.copy_(torch.from_numpy(fit.intercept_))
        return model.eval()
