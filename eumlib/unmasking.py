"""The Embedding Unmasking Model (EUM): masked embedding in, unmasked embedding out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from eumlib.embeddings import unit_length
from eumlib.files import atomic_path


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

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(dim, dim), nn.BatchNorm1d(dim))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """``(n, d)`` float to ``(n, d)`` float; ValueError for another width."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dim:
            raise ValueError(
                f"this EUM takes embeddings (n, {self.dim}), not {tuple(embeddings.shape)}"
            )
        return self.layers(embeddings)


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


def save_model(model: EmbeddingUnmaskingModel, path: Path | str) -> None:
    """Write the weights as safetensors, atomically."""
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, metadata={"model": "EUM", "dim": str(model.dim)})


def load_model(path: Path | str) -> EmbeddingUnmaskingModel:
    """Read an EUM that `save_model` wrote, in evaluation mode.

    Raises:
        ModelError: no such file, or it does not hold an EUM.
    """
    if not Path(path).exists():
        raise ModelError(f"no model {path}; make it with: python -m eumlib train --out {path}")
    try:
        with safe_open(path, framework="pt") as stored:
            note = stored.metadata() or {}
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        model = EmbeddingUnmaskingModel(int(note["dim"]))
        model.load_state_dict(weights)
    except (SafetensorError, KeyError, RuntimeError, OSError) as error:
        raise ModelError(f"{path} does not hold an embedding unmasking model: {error}") from error
    return model.eval()
