"""MEER: part identity from mask, and draw the face without the mask.

Wang et al., "Seeing through the Mask: Multi-task Generative Mask Decoupling Face Recognition",
2023, arXiv 2311.11512. Only its abstract could be read: a module decouples mask and identity, a
generator that is trained along restores the bare face, and the restored face refines the recogniser
by a loss that preserves identity. The layers and weights are of this workbook; MobileFaceNet stands
in for their network.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from pytorch_metric_learning.losses import CosFaceLoss
from scipy.ndimage import uniform_filter
from torch import nn
from torch.nn import functional

from eumlib.embeddings import MobileFaceNet
from eumlib.masks import STYLES
from eumlib.rivals.classes import begin_near_people
from eumlib.rivals.lessons import Lesson, MapPairs, PairBatch, unit
from eumlib.rivals.networks import NetworkRival

CHANNELS = MobileFaceNet.late_shape[0]
KINDS = 1 + len(STYLES)  # no mask, and each style
ASKED_AGAIN = 8  # restored faces a step that the recogniser looks at: it costs most of the time


class Parts(NamedTuple):
    """What a face is parted into.

    Attributes:
        identity: ``(n, 512, 7, 7)``, the last maps without what is the mask's.
        mask: likewise, what is the mask's.
    """

    identity: torch.Tensor
    mask: torch.Tensor


class ReversedGradient(torch.autograd.Function):
    """x as it is, whose gradient is turned round: an adversary's (Ganin, arXiv 1409.7495)."""

    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        """X itself."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient, negated."""
        return -gradient


class DecoupledNet(NetworkRival):
    """MobileFaceNet whose last maps are parted; the parting, the pooling and a painter learn."""

    architecture = "meer"

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Sequential(
            nn.Conv2d(CHANNELS, 64, 1),
            nn.PReLU(64),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.PReLU(64),
            nn.Conv2d(64, CHANNELS, 1),
        )
        nn.init.zeros_(self.attention[-1].weight)
        nn.init.constant_(self.attention[-1].bias, -3.0)  # it begins with little for the mask
        self.recogniser.head[2:].requires_grad_(True)
        self.restorer = nn.Sequential(
            nn.Conv2d(CHANNELS + 128, 64, 1),
            nn.PReLU(64),
            nn.Upsample(size=(32, 32), mode="bilinear"),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.PReLU(32),
            nn.Upsample(size=(64, 64), mode="bilinear"),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.PReLU(16),
            nn.Conv2d(16, 3, 3, padding=1),
            nn.Tanh(),
        )

    def parts(self, early: torch.Tensor) -> Parts:
        """Early maps to `Parts`; the two add up to the recogniser's last maps."""
        with torch.no_grad():
            late = self.recogniser.late_maps(early)
        share = torch.sigmoid(self.attention(late))
        return Parts((1 - share) * late, share * late)

    def from_early(self, early: torch.Tensor) -> torch.Tensor:
        """As `eumlib.rivals.networks.NetworkRival.from_early`."""
        return self.recogniser.pooled(self.parts(early).identity)

    def restore(self, early: torch.Tensor, identity: torch.Tensor) -> torch.Tensor:
        """The face without its mask, ``(n, 3, 64, 64)`` in [−1, 1].

        Args:
            early: ``(n, 128, 14, 14)``, where the visible half's detail is.
            identity: of `Parts`.
        """
        wide = functional.interpolate(identity, early.shape[2:], mode="bilinear")
        return self.restorer(torch.cat([early, wide], dim=1))


class DecouplingLesson(Lesson):
    """The sum of seven terms.

    ``L = CosFace + a ‖f − e‖² + mask's kind + its adversary + cos² + b |restored − bare| + c · id``

    f is the embedding of the identity part, of masked and of bare faces alike, and e that of the
    frozen recogniser for the bare face. The kind of mask has to be told from the mask part, by
    cross-entropy, and an adversary fails to tell it from f. The two parts' mean channels are
    orthogonal: cos² is the square of their cosine. *id* is 1 − cos of e and of what the frozen
    recogniser gives of the restored face. a, b and c are `SAME`, `RESTORED` and `PRESERVED`.

    Args:
        rival: what is trained.
        pairs: whom on.
        seed: of what learns beside it.

    Source: arXiv 2311.11512, its abstract; the terms' forms and weights are of this workbook.
    Taught in notebook 15.
    """

    SAME, RESTORED, PRESERVED = 10.0, 10.0, 1.0

    def __init__(self, rival: DecoupledNet, pairs: MapPairs, seed: int = 0) -> None:
        super().__init__(rival)
        self.frozen = deepcopy(rival.recogniser).requires_grad_(False)
        dim = pairs.home.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.classes = CosFaceLoss(pairs.people, dim, margin=0.35, scale=30)
            self.kind_of_mask_part = nn.Linear(CHANNELS, KINDS)
            self.adversary = nn.Sequential(nn.Linear(dim, 64), nn.PReLU(), nn.Linear(64, KINDS))
        begin_near_people(
            self.classes, pairs.home, pairs.person, torch.Generator().manual_seed(seed)
        )

    def loss_of(self, batch: PairBatch) -> torch.Tensor:
        """As `eumlib.rivals.lessons.Lesson.loss_of`."""
        early = torch.cat([batch.masked, batch.bare])
        kind = torch.cat([batch.style + 1, torch.zeros_like(batch.style)])
        identity, mask = self.rival.parts(early)
        f = unit(self.rival.recogniser.pooled(identity))
        loss = self.classes(f, batch.person.repeat(2))
        loss = loss + self.SAME * (f - batch.home.repeat(2, 1)).square().sum(1).mean()
        channels = identity.mean((2, 3)), mask.mean((2, 3))
        loss = loss + functional.cross_entropy(self.kind_of_mask_part(channels[1]), kind)
        told = self.adversary(ReversedGradient.apply(f))
        loss = loss + functional.cross_entropy(told, kind)
        loss = loss + functional.cosine_similarity(*channels).square().mean()
        return loss + self._of_restored(batch, identity[: len(batch.masked)])

    def _of_restored(self, batch: PairBatch, identity: torch.Tensor) -> torch.Tensor:
        restored = self.rival.restore(batch.masked, identity)
        bare = batch.bare_chip.permute(0, 3, 1, 2).float() / 127.5 - 1
        loss = self.RESTORED * (restored - bare).abs().mean()
        asked = unit(recognised(self.frozen, restored[:ASKED_AGAIN]))
        lost = 1 - (asked * batch.home[:ASKED_AGAIN]).sum(1)
        return loss + self.PRESERVED * lost.mean()


def recognised(recogniser: MobileFaceNet, restored: torch.Tensor) -> torch.Tensor:
    """Restored faces ``(n, 3, 64, 64)`` in [−1, 1] to embeddings ``(n, 192)``, not normalised."""
    chips = functional.interpolate(restored, (recogniser.chip_size,) * 2, mode="bilinear")
    return recogniser(chips * (127.5 / 128))


def structural_similarity(a: np.ndarray, b: np.ndarray, window: int = 7) -> float:
    """How alike two pictures look, 1 for the same: SSIM, a mean over windows and channels.

    In each window, with means μ, variances σ² and covariance σ_ab,
    SSIM = (2 μ_a μ_b + C₁)(2 σ_ab + C₂) / ((μ_a² + μ_b² + C₁)(σ_a² + σ_b² + C₂)),
    C₁ = (0.01 · 255)², C₂ = (0.03 · 255)².

    Args:
        a, b: ``(h, w, 3)`` uint8.
        window: its side in pixels; windows that lie inside the picture count.

    Returns:
        In [−1, 1].

    Source: Wang et al., IEEE Trans. Image Processing 13(4), 2004, equation 13.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)

    def mean(values: np.ndarray) -> np.ndarray:
        edge = window // 2
        return uniform_filter(values, (window, window, 0))[edge:-edge, edge:-edge]

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((alike / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))).mean())
