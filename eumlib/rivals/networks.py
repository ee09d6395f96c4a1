"""Rivals that reach into the network: MobileFaceNet, changed behind its twelfth bottleneck.

Each leaves twelve of fifteen bottlenecks as they are and works on the early maps that these give
(`eumlib.embeddings.FeatureMaps`), so it can be trained on two cores; what the authors changed
further in front, if anything, cannot be tested so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn

from eumlib._common.tensors import write_tensors
from eumlib.embeddings import (
    MOBILEFACENET,
    FeatureMaps,
    MobileFaceNet,
    TorchBackbone,
    default_backbone,
    unit_length,
)

MAPS_A_BATCH = 64


class NetworkRival(nn.Module):
    """A recogniser made of MobileFaceNet. Subclasses say how embeddings come of early maps.

    Attributes:
        architecture: kept in the files of weights.
        recogniser: a MobileFaceNet, a copy of the workbook's. Frozen, but for what a subclass
            trains of it.
    """

    architecture: str

    def __init__(self) -> None:
        super().__init__()
        self.recogniser = MobileFaceNet().requires_grad_(False)

    @classmethod
    def of(cls, recogniser: MobileFaceNet, seed: int = 0) -> Self:
        """The rival before its training: the recogniser, and around it new weights of this seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            rival = cls()
        rival.recogniser.load_state_dict(recogniser.state_dict())
        return rival

    def from_early(self, early: torch.Tensor) -> torch.Tensor:
        """Early maps ``(n, 128, 14, 14)`` float to embeddings ``(n, 192)``, not normalised."""
        raise NotImplementedError

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """As `MobileFaceNet.forward`."""
        return self.from_early(self.recogniser.early_maps(pixels))

    def backbone(self) -> TorchBackbone:
        """The rival as a recogniser, for `eumlib.embeddings.Extraction` and its like."""
        made = TorchBackbone(self.architecture, self, scale=128.0, batch_size=16)
        # EUMs go by the name, and one that was trained for a rival is not for its next training.
        made.name = f"{MOBILEFACENET}+{self.architecture}-{made.fingerprint[:6]}"
        return made

    def save(self, path: Path | str) -> None:
        """Write the weights, and what they are, as safetensors, atomically."""
        write_tensors(path, self.state_dict(), {"architecture": self.architecture})


def embed_maps(rival: NetworkRival, maps: FeatureMaps, numbers: np.ndarray) -> np.ndarray:
    """The embeddings that a rival gives of some rows of feature maps.

    Args:
        rival: it is left in evaluation mode.
        maps: of the workbook's recogniser.
        numbers: ``(n,)`` integers, which rows.

    Returns:
        ``(n, 192)`` float32 of unit length.

    Raises:
        BackboneError: maps of another recogniser.
    """
    maps.check_recogniser(default_backbone())
    device = next(rival.parameters()).device
    parts = [np.empty((0, rival.recogniser.dim), np.float32)]
    rival.eval()
    with torch.inference_mode():
        for start in range(0, len(numbers), MAPS_A_BATCH):
            early = torch.from_numpy(maps.maps[numbers[start : start + MAPS_A_BATCH]])
            maps.let_go()
            parts.append(rival.from_early(early.to(device).float()).cpu().numpy())
    return unit_length(np.concatenate(parts))


class Unchanged(NetworkRival):
    """The recogniser as it is: the teacher of the others."""

    architecture = "unchanged"

    def from_early(self, early: torch.Tensor) -> torch.Tensor:
        """As `NetworkRival.from_early`."""
        return self.recogniser.pooled(self.recogniser.late_maps(early))
