"""The Embedding Unmasking Model (EUM): masked embedding in, unmasked embedding out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from eumlib.centring import Centring
from eumlib.embeddings import EmbeddingTable, unit_length
from eumlib.weights import WeightsError, read_weights, write_weights


class ModelError(ValueError):
    """A model file that cannot be used, or not with these embeddings."""


class EmbeddingUnmaskingModel(nn.Module):
    """The paper's EUM: (linear, batch norm, LeakyReLU 0.2) × 3, linear, batch norm; always d → d.

    There is no activation and no normalisation of length at the end, and no residual connection.
    It has 67,072 trainable parameters for d = 128 and 1,054,720 for d = 512.

    >>> sum(p.numel() for p in EmbeddingUnmaskingModel(128).parameters())
    67072

    Source: Boutros et al., arXiv 2103.01716. Taught in notebook 07.
    """

    architecture = "EUM"

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(dim, dim), nn.BatchNorm1d(dim))

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

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return self.layers(embeddings)


class ResidualUnmaskingModel(EmbeddingUnmaskingModel):
    """The EUM with a skip connection: it learns what to add to the masked embedding.

    A named departure from the paper. The gain of the last batch norm starts at 0, so training
    starts at doing nothing. It has as many parameters as the EUM.

    Taught in notebooks 07 and 10.
    """

    architecture = "residual EUM"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        nn.init.zeros_(self.layers[-1].weight)

    def _transform(self, embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings + self.layers(embeddings)


def unmask(model: EmbeddingUnmaskingModel, embeddings: np.ndarray) -> np.ndarray:
    """Pass masked embeddings through the EUM, in evaluation mode, and scale them to unit length.

    Args:
        model: the EUM; it is left in evaluation mode.
        embeddings: ``(n, d)`` float32.

    Returns:
        ``(n, d)`` float32 of unit length.

    Raises:
        ModelError: embeddings of another dimension than the model's.
    """
    if embeddings.shape[1] != model.dim:
        raise ModelError(
            f"the model unmasks embeddings of dimension {model.dim}, and these have "
            f"{embeddings.shape[1]}: it was trained for another recogniser"
        )
    device = next(model.parameters()).device
    with torch.inference_mode():
        unmasked = model.eval()(torch.from_numpy(embeddings).to(device))
    return unit_length(unmasked.cpu().numpy())


ARCHITECTURES = {
    model.architecture: model for model in (EmbeddingUnmaskingModel, ResidualUnmaskingModel)
}


@dataclass(frozen=True)
class Unmasker:
    """A trained EUM and the embeddings that it is for.

    Attributes:
        model: the EUM.
        backbone: name of the recogniser whose embeddings it was trained on, before centring.
        centring: what the embeddings go through first, references and probes alike; or None.
    """

    model: EmbeddingUnmaskingModel
    backbone: str
    centring: Centring | None = None

    @property
    def space_key(self) -> bytes:
        """The same for unmaskers whose embeddings may be compared with each other."""
        return self.centring.mean.tobytes() if self.centring else b""

    def space_of(self, table: EmbeddingTable) -> EmbeddingTable:
        """The table as this EUM wants it: centred, if it was trained so.

        Raises:
            ModelError: embeddings of another recogniser than it was trained for.
        """
        for name in table.rows["backbone"].unique():
            if name != self.backbone:
                raise ModelError(
                    f"the model unmasks embeddings of {self.backbone}, and these are of {name}: "
                    f"train one for that recogniser, or embed the faces with {self.backbone}"
                )
        return self.centring.apply(table) if self.centring else table

    def save(self, path: Path | str) -> None:
        """Write the weights, and what they are for, as safetensors, atomically."""
        weights = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        if self.centring:
            weights["centring.mean"] = torch.from_numpy(self.centring.mean)
        note = {
            "architecture": self.model.architecture,
            "dim": str(self.model.dim),
            "backbone": self.backbone,
        }
        write_weights(path, weights, note)

    @classmethod
    def load(cls, path: Path | str) -> Unmasker:
        """Read an unmasker that `save` wrote, its model in evaluation mode.

        Raises:
            ModelError: no such file, or it does not hold an unmasker.
        """
        try:
            weights, note = read_weights(path)
            mean = weights.pop("centring.mean", None)
            model = ARCHITECTURES[note["architecture"]](int(note["dim"]))
            model.load_state_dict(
                {name.removeprefix("model."): value for name, value in weights.items()}
            )
        except WeightsError as error:
            raise ModelError(
                f"{error}; make a model with: python -m eumlib train --out {path}"
            ) from error
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(f"{path} does not hold an unmasking model: {error}") from error
        return cls(model.eval(), note["backbone"], None if mean is None else Centring(mean.numpy()))
