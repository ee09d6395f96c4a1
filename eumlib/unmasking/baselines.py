"""What an EUM has to beat: the no-op baseline, and one linear map."""

from __future__ import annotations

import torch
from sklearn.linear_model import Ridge
from torch import nn

from eumlib.unmasking.models import UnmaskingModel

RIDGE = 1e-4


class NoOp(UnmaskingModel):
    """What every EUM has to beat: the masked embedding as it is."""

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings


class LinearUnmaskingModel(UnmaskingModel):
    """A baseline: one linear map, fitted to masked and unmasked embeddings by least squares."""

    architecture = "linear map"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.layers = nn.Linear(dim, dim)

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return self.layers(embeddings)

    @classmethod
    def fitted(cls, masked: torch.Tensor, unmasked: torch.Tensor) -> LinearUnmaskingModel:
        """The ridge solution from masked to unmasked ``(n, d)``, with the penalty `RIDGE`."""
        fit = Ridge(RIDGE * len(masked)).fit(masked.numpy(), unmasked.numpy())
        model = cls(masked.shape[1])
        with torch.no_grad():
            model.layers.weight.copy_(torch.from_numpy(fit.coef_))
            model.layers.bias.copy_(torch.from_numpy(fit.intercept_))
        return model.eval()
