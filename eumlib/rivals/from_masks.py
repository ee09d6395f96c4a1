"""FROM: a gate over the last feature maps, told by the earlier ones where the occlusion lies.

Qiu et al., "End2End Occluded Face Recognition by Masking Corrupted Features", TPAMI 2021, arXiv
2108.09468. A decoder looks at maps of several depths, closes a sigmoid gate over what is corrupted
in the last ones, and has to tell, from the gate alone, which of 226 patterns the occlusion has.
Here MobileFaceNet stands in for LResNet50E-IR, and painted masks for all other occlusions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from pytorch_metric_learning.losses import CosFaceLoss
from torch import nn
from torch.nn import functional

from eumlib.embeddings import MobileFaceNet
from eumlib.embeddings.mobilefacenet import EARLY
from eumlib.rivals.classes import begin_near_people
from eumlib.rivals.lessons import Lesson, MapPairs, PairBatch, unit
from eumlib.rivals.networks import NetworkRival

GRID = 5
CHANGED = 40  # a pixel belongs to the occlusion if a channel of it changed by so much, of 255
COVERED = 0.25  # of a cell, for it to be occluded
WIDTH = 64  # channels of the pyramid
STAGES = (EARLY, EARLY + 1, 15)  # bottlenecks before each map that the decoder sees
STEEPNESS = 10.0  # of the gate: in so few steps it would stay open at 1


def rectangles(size: int = GRID) -> Iterator[np.ndarray]:
    """No occlusion, and then every upright rectangle of a grid: (size (size + 1) / 2)² + 1.

    Yields:
        ``(size, size)`` bool, where the occlusion is.
    """
    yield np.zeros((size, size), bool)
    for top in range(size):
        for bottom in range(top + 1, size + 1):
            for left in range(size):
                for right in range(left + 1, size + 1):
                    pattern = np.zeros((size, size), bool)
                    pattern[top:bottom, left:right] = True
                    yield pattern


PATTERNS = torch.from_numpy(np.stack(list(rectangles())).reshape(-1, GRID * GRID))


def occlusion(masked: torch.Tensor, bare: torch.Tensor) -> torch.Tensor:
    """Which pixels a mask changed.

    Where the masked face was aligned by landmarks of its own, edges of the face that moved by a
    pixel change, too; blurring the change keeps most of them out.

    Args:
        masked, bare: chips ``(n, s, s, 3)`` RGB uint8.

    Returns:
        ``(n, s, s)`` bool.
    """
    change = (masked.float() - bare.float()).permute(0, 3, 1, 2)
    return functional.avg_pool2d(change, 5, stride=1, padding=2).abs().amax(1) > CHANGED


def pattern_of(occluded: torch.Tensor) -> torch.Tensor:
    """The number of the pattern that overlaps most, by intersection over union, with an occlusion.

    Args:
        occluded: ``(n, s, s)`` bool.

    Returns:
        ``(n,)`` integers in [0, 226), places in `PATTERNS`; 0 where no cell is occluded.
    """
    share = functional.adaptive_avg_pool2d(occluded[:, None].float(), GRID).flatten(1)
    cells = (share > COVERED).float()
    patterns = PATTERNS.float()
    both = cells @ patterns.T
    either = cells.sum(1, keepdim=True) + patterns.sum(1) - both
    overlap = both / either.clamp(min=1)
    overlap[:, 0] = (cells.sum(1) == 0).float()
    return overlap.argmax(1)


class GatedMaps(NetworkRival):
    """MobileFaceNet with a gate on its last maps; the decoder and the pooling behind it learn."""

    architecture = "from"

    def __init__(self) -> None:
        super().__init__()
        channels = MobileFaceNet.late_shape[0]
        self.lateral = nn.ModuleList(nn.Conv2d(128, WIDTH, 1) for _ in STAGES)
        self.decoder = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1),
            nn.PReLU(WIDTH),
            nn.BatchNorm2d(WIDTH),
            nn.Conv2d(WIDTH, channels, 3, padding=1),
        )
        nn.init.zeros_(self.decoder[-1].weight)
        nn.init.zeros_(self.decoder[-1].bias)
        self.recogniser.head[2:].requires_grad_(True)

    def gate_and_maps(self, early: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Early maps to the gate, in (0, 1), and the last maps, each ``(n, 512, 7, 7)``."""
        stages, maps = [], early
        with torch.no_grad():
            for start, stop in zip(STAGES, (*STAGES[1:], None), strict=True):
                stages.append(maps)
                if stop:
                    maps = self.recogniser.bottlenecks[start:stop](maps)
            late = self.recogniser.head[:2](maps)
        wide = [lateral(stage) for lateral, stage in zip(self.lateral, stages, strict=True)]
        seen = wide.pop()
        while wide:  # from the deepest to the earliest, each enlarged to the size of the next
            seen = wide[-1] + functional.interpolate(seen, wide.pop().shape[2:])
        return torch.sigmoid(STEEPNESS * self.decoder(seen)), late

    def from_early(self, early: torch.Tensor) -> torch.Tensor:
        """As `eumlib.rivals.networks.NetworkRival.from_early`."""
        gate, late = self.gate_and_maps(early)
        return self.recogniser.pooled(gate * late)


class GateLesson(Lesson):
    """L = CosFace + λ · cross-entropy of the occlusion's pattern, of masked and of bare faces.

    CosFace is at the scale 30 and with the margin 0.35, and its direction of each person stays near
    the recogniser's mean of that person at first, so that references can stay as they are.

    Args:
        rival: what is trained.
        pairs: whom on.
        weight: λ, 1 as the authors have it.
        seed: of the directions.

    Source: arXiv 2108.09468 and its public code; a third of their training faces were bare, a half
    are here.
    Taught in notebook 15.
    """

    def __init__(
        self, rival: GatedMaps, pairs: MapPairs, weight: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(rival)
        self.weight = weight
        channels, side, _ = MobileFaceNet.late_shape
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.classes = CosFaceLoss(pairs.people, pairs.home.shape[1], margin=0.35, scale=30)
            self.patterns = nn.Sequential(
                nn.Flatten(),
                nn.BatchNorm1d(channels * side * side),
                nn.Dropout(0.5),
                nn.Linear(channels * side * side, len(PATTERNS)),
            )
        begin_near_people(
            self.classes, pairs.home, pairs.person, torch.Generator().manual_seed(seed)
        )

    def loss_of(self, batch: PairBatch) -> torch.Tensor:
        """As `eumlib.rivals.lessons.Lesson.loss_of`."""
        gate, late = self.rival.gate_and_maps(torch.cat([batch.masked, batch.bare]))
        embeddings = self.rival.recogniser.pooled(gate * late)
        occluded = pattern_of(occlusion(batch.masked_chip, batch.bare_chip))
        true = torch.cat([occluded, torch.zeros_like(occluded)])
        told = functional.cross_entropy(self.patterns(gate), true)
        return self.classes(unit(embeddings), batch.person.repeat(2)) + self.weight * told


def share_on_mask(gate: torch.Tensor, bare_gate: torch.Tensor, occluded: torch.Tensor) -> float:
    """Of the quarter of places where a mask closes the gate most, the share on the mask.

    Args:
        gate: ``(n, 512, 7, 7)`` in [0, 1], of masked faces; its mean over channels counts.
        bare_gate: likewise, of the same faces bare.
        occluded: ``(n, s, s)`` bool.

    Returns:
        A share in [0, 1]; `share_covered` is what it would be by chance.
    """
    places = (gate - bare_gate).mean(1).flatten(1)
    closed = places.topk(places.shape[1] // 4, largest=False).indices
    return float(_covered_places(occluded).gather(1, closed).float().mean())


def share_covered(occluded: torch.Tensor) -> float:
    """The share of the last maps' places that occlusions ``(n, s, s)`` cover, by half or more."""
    return float(_covered_places(occluded).float().mean())


def _covered_places(occluded: torch.Tensor) -> torch.Tensor:
    share = functional.adaptive_avg_pool2d(occluded[:, None].float(), MobileFaceNet.late_shape[1:])
    return share.flatten(1) > 0.5
