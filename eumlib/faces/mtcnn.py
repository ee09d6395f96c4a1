"""MTCNN: a cascade of three small networks that finds faces, masked ones too.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
arXiv 1604.02878. A proposal network looks at the picture at many sizes, a refining network at what
it proposed, an output network at what is left; overlapping boxes are thinned out in between. The
weights are those of the wheel facenet_pytorch, trained on WIDER FACE and CelebA by others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import nn

from eumlib._common.fetching import fetch
from eumlib._common.threads import torch_threads

SMALLEST_SHARE = 0.2  # of the picture's short side: faces smaller than that are not looked for
PYRAMID_STEP = 0.709  # each size of the pyramid over the one before: half the area
PROPOSAL_CELL, PROPOSAL_STRIDE = 12, 2  # pixels that the proposal network sees, and moves by


class StageThresholds(NamedTuple):
    """The scores, from 0 to 1, that a box needs to pass each network."""

    proposal: float
    refine: float
    output: float


USUAL_THRESHOLDS = StageThresholds(0.5, 0.6, 0.6)


class FoundFaces(NamedTuple):
    """What a cascade found, best first.

    Attributes:
        boxes: ``(n, 4)`` float64, left, top, right and bottom in pixels.
        scores: ``(n,)`` float64 in [0, 1].
        points: ``(n, 5, 2)`` float64: left eye, right eye, nose, left and right corner of the
            mouth, as the picture shows them.
    """

    boxes: np.ndarray
    scores: np.ndarray
    points: np.ndarray


def _convolutions(*sizes: tuple[int, int, int]) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels, side) for channels_in, channels, side in sizes]


class ProposalNet(nn.Module):
    """RGB in about [−1, 1], ``(n, 3, h, w)``, to face scores and box offsets of every cell."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _convolutions((3, 10, 3), (10, 16, 3), (16, 32, 3))
        self.prelu1, self.prelu2, self.prelu3 = nn.PReLU(10), nn.PReLU(16), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = _convolutions((32, 2, 1), (32, 4, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = _halved(self.prelu1(self.conv1(x)), 2)
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_1(x).softmax(dim=1)[:, 1], self.conv4_2(x)


class RefineNet(nn.Module):
    """RGB crops ``(n, 3, 24, 24)`` to face scores ``(n,)`` and box offsets ``(n, 4)``."""

    side = 24

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _convolutions((3, 28, 3), (28, 48, 3), (48, 64, 2))
        self.prelu1, self.prelu2, self.prelu3 = nn.PReLU(28), nn.PReLU(48), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops ``(n, 3, 24, 24)`` to how sure it is of a face, ``(n,)``, and shifts ``(n, 4)``."""
        x = _halved(self.prelu1(self.conv1(x)), 3)
        x = _halved(self.prelu2(self.conv2(x)), 3)
        x = self.prelu4(self.dense4(_flat(self.prelu3(self.conv3(x)))))
        return self.dense5_1(x).softmax(dim=1)[:, 1], self.dense5_2(x)


class OutputNet(nn.Module):
    """RGB crops ``(n, 3, 48, 48)`` to scores ``(n,)``, offsets ``(n, 4)``, points ``(n, 10)``."""

    side = 48

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.conv4 = _convolutions(
            (3, 32, 3), (32, 64, 3), (64, 64, 3), (64, 128, 2)
        )
        self.prelu1, self.prelu2, self.prelu3, self.prelu4 = (
            nn.PReLU(channels) for channels in (32, 64, 64, 128)
        )
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = (nn.Linear(256, n) for n in (2, 4, 10))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Crops ``(n, 3, 48, 48)`` to certainty ``(n,)``, shifts ``(n, 4)``, points ``(n, 10)``."""
        x = _halved(self.prelu1(self.conv1(x)), 3)
        x = _halved(self.prelu2(self.conv2(x)), 3)
        x = _halved(self.prelu3(self.conv3(x)), 2)
        x = self.prelu5(self.dense5(_flat(self.prelu4(self.conv4(x)))))
        return self.dense6_1(x).softmax(dim=1)[:, 1], self.dense6_2(x), self.dense6_3(x)


def _halved(x: torch.Tensor, window: int) -> torch.Tensor:
    return nn.functional.max_pool2d(x, window, stride=2, ceil_mode=True)


def _flat(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 3, 2, 1).flatten(1)  # the weights were trained with columns first


class Mtcnn:
    """The cascade, on the CPU.

    Taught in notebook 01.
    """

    def __init__(self) -> None:
        self._proposal = _loaded(ProposalNet(), "mtcnn_pnet.pt")
        self._refine = _loaded(RefineNet(), "mtcnn_rnet.pt")
        self._output = _loaded(OutputNet(), "mtcnn_onet.pt")

    @torch_threads(1)  # the networks are small
    @torch.inference_mode()
    def find(
        self, picture: np.ndarray, thresholds: StageThresholds = USUAL_THRESHOLDS
    ) -> FoundFaces:
        """All faces that the cascade finds.

        Args:
            picture: RGB, uint8, ``(height, width, 3)``.
            thresholds: lower ones find more faces, and more that are none.
        """
        boxes = _square(self._proposals(picture, thresholds.proposal))
        if len(boxes):
            score, offset = self._refine(_crops(picture, boxes, RefineNet.side))
            _, boxes, score = _passed(boxes, score, offset, thresholds.refine)
            boxes = _square(boxes[thin_out(boxes, score, 0.7)])
        if not len(boxes):
            return FoundFaces(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))
        score, offset, points = self._output(_crops(picture, boxes, OutputNet.side))
        before = boxes
        kept, boxes, score = _passed(boxes, score, offset, thresholds.output)
        corners, sizes = before[kept, :2], before[kept, 2:] - before[kept, :2]
        shares = points.numpy().astype(np.float64)[kept].reshape(-1, 2, 5).transpose(0, 2, 1)
        points = corners[:, None] + shares * sizes[:, None]
        best = thin_out(boxes, score, 0.7, by_smaller=True)
        return FoundFaces(boxes[best], score[best], points[best])

    def _proposals(self, picture: np.ndarray, threshold: float) -> np.ndarray:
        height, width = picture.shape[:2]
        scale = PROPOSAL_CELL / max(PROPOSAL_CELL, SMALLEST_SHARE * min(height, width))
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        while scale * min(height, width) >= PROPOSAL_CELL:
            size = (round(scale * width), round(scale * height))
            score, offset = self._proposal(
                _normalised(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[None])
            )
            rows, columns = np.nonzero(score[0].numpy() >= threshold)
            if len(rows):
                at_cell = score[0].numpy()[rows, columns].astype(np.float64)
                corner = PROPOSAL_STRIDE * np.stack([columns, rows], axis=1) + 0.5
                cells = np.concatenate([corner, corner + PROPOSAL_CELL], axis=1) / scale
                moved = _moved(cells, offset[0].numpy()[:, rows, columns].T)
                kept = thin_out(cells, at_cell, 0.5)
                boxes.append(moved[kept])
                scores.append(at_cell[kept])
            scale *= PYRAMID_STEP
        found, score = np.concatenate(boxes), np.concatenate(scores)
        return found[thin_out(found, score, 0.7)]


@lru_cache(maxsize=1)
def mtcnn() -> Mtcnn:
    """The one cascade of this process."""
    return Mtcnn()


def thin_out(
    boxes: np.ndarray, scores: np.ndarray, overlap: float, by_smaller: bool = False
) -> np.ndarray:
    """Non-maximum suppression: the best box stays, those that overlap it go, and so on.

    Args:
        boxes: ``(n, 4)``, left, top, right and bottom.
        scores: ``(n,)``.
        overlap: shares above it go: intersection over union, or over the smaller box.
        by_smaller: measure the overlap by the smaller box.

    Returns:
        Row numbers of the boxes that stay, best first.
    """
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.prod(np.maximum(0, high - low), axis=1)
        whole = (
            np.minimum(areas[best], areas[order])
            if by_smaller
            else areas[best] + areas[order] - shared
        )
        order = order[shared <= overlap * whole]
    return np.array(kept, dtype=np.intp)


def _loaded(network: nn.Module, name: str) -> nn.Module:
    network.load_state_dict(torch.load(fetch(name), map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def _normalised(pictures: np.ndarray) -> torch.Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    return (pixels.float() - 127.5) / 128


def _moved(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The boxes with each side moved by a share of the box's size."""
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + sizes * offsets


def _square(boxes: np.ndarray) -> np.ndarray:
    """Squares around the same centres, with the longer side."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def _passed(
    boxes: np.ndarray, score: torch.Tensor, offset: torch.Tensor, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which boxes pass, where they are moved to, and their scores."""
    values = score.numpy().astype(np.float64)
    kept = np.flatnonzero(values >= threshold)
    return kept, _moved(boxes[kept], offset.numpy().astype(np.float64)[kept]), values[kept]


def _crops(picture: np.ndarray, boxes: np.ndarray, side: int) -> torch.Tensor:
    """What each box shows, ``(n, 3, side, side)``; black outside the picture."""
    crops = []
    for left, top, right, bottom in boxes.round().astype(int):
        margin = max(0, -left, -top, right - picture.shape[1], bottom - picture.shape[0])
        padded = (
            cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_CONSTANT) if margin else picture
        )
        crop = padded[top + margin : bottom + margin, left + margin : right + margin]
        crops.append(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA))
    return _normalised(np.stack(crops))
