"""FFR-Net: rectify the last feature maps of a masked face, place by place and channel by channel.

Hao et al., "A Unified Framework for Masked and Mask-Free Face Recognition via Feature
Rectification", ICIP 2022, arXiv 2202.07358. The recogniser stays frozen; a block between its last
maps and its pooling rectifies them, of bare faces and of masked ones. Here MobileFaceNet's
512 × 7 × 7 maps stand in for those of an IR-SE-50, and 4,000 people for 10,575.
"""

from __future__ import annotations

import torch
from pytorch_metric_learning.losses import CosFaceLoss
from torch import nn
from torch.nn import functional

from eumlib.embeddings import MobileFaceNet
from eumlib.rivals.classes import begin_near_people
from eumlib.rivals.lessons import Lesson, MapPairs, PairBatch, unit
from eumlib.rivals.networks import NetworkRival

CHANNELS, SIDE, _ = MobileFaceNet.late_shape
PLACES = SIDE * SIDE
MARGIN = 0.1  # of the triplet term, in cosine distance


def similarities_of_places(maps: torch.Tensor) -> torch.Tensor:
    """Cosines between all places: ``(n, c, h, w)`` to ``(n, h·w, h·w)``, in [−1, 1]."""
    places = functional.normalize(maps.flatten(2), dim=1)
    return places.transpose(1, 2) @ places


def similarities_of_channels(maps: torch.Tensor) -> torch.Tensor:
    """Cosines between all channels: ``(n, c, h, w)`` to ``(n, c, c)``, in [−1, 1]."""
    channels = functional.normalize(maps.flatten(2), dim=2)
    return channels @ channels.transpose(1, 2)


class RectificationBlock(nn.Module):
    """Feature maps ``(n, 512, 7, 7)`` to rectified ones of the same shape.

    Two masks in (0, 1) mix what there is: M_s, from the similarities of places, mixes places,
    F_s = F · M_s; M_c, from those of channels, mixes channels, F_c = M_c · F, to which its mirror
    image is added. The block adds what a convolution makes of F_s, F_c and F to F; it begins as
    the identity.
    """

    def __init__(self) -> None:
        super().__init__()
        self.of_places = nn.Sequential(
            nn.Conv2d(PLACES + CHANNELS, 64, 1),
            nn.PReLU(64),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.PReLU(64),
            nn.Conv2d(64, PLACES, 1),
            nn.Sigmoid(),
        )
        self.of_channels = nn.Sequential(
            nn.Linear(CHANNELS + PLACES, 32),
            nn.PReLU(),
            nn.Linear(32, CHANNELS),
            nn.Sigmoid(),
        )
        self.merge = nn.Conv2d(3 * CHANNELS, CHANNELS, 1)
        nn.init.zeros_(self.merge.weight)
        nn.init.zeros_(self.merge.bias)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """``(n, 512, 7, 7)`` float32 to the same shape."""
        flat = maps.flatten(2)
        alike = similarities_of_places(maps).reshape(-1, PLACES, SIDE, SIDE)
        mixes_places = self.of_places(torch.cat([alike, maps], dim=1)).flatten(2)
        by_place = (flat @ mixes_places / PLACES).reshape(maps.shape)
        alike = similarities_of_channels(maps)
        mixes_channels = self.of_channels(torch.cat([alike, flat], dim=2))
        by_channel = (mixes_channels @ flat / CHANNELS).reshape(maps.shape)
        by_channel = (by_channel + by_channel.flip(3)) / 2
        return maps + self.merge(torch.cat([by_place, by_channel, maps], dim=1))


class RectifiedNet(NetworkRival):
    """MobileFaceNet with a `RectificationBlock` before its pooling, which alone learns."""

    architecture = "ffr_net"

    def __init__(self) -> None:
        super().__init__()
        self.rectify = RectificationBlock()

    def rectified(self, early: torch.Tensor) -> torch.Tensor:
        """Early maps to rectified late maps, ``(n, 512, 7, 7)``."""
        with torch.no_grad():
            late = self.recogniser.late_maps(early)
        return self.rectify(late)

    def from_early(self, early: torch.Tensor) -> torch.Tensor:
        """As `eumlib.rivals.networks.NetworkRival.from_early`."""
        return self.recogniser.pooled(self.rectified(early))


class RectificationLesson(Lesson):
    """L = L_ss + L_tri + L_id + L_cls, for masked and bare faces through one block.

    L_ss is the mean squared error of the similarities, of places and of channels, of the rectified
    masked face against those of the bare one; L_tri = max(0, 0.1 + D(f, e) − D(f, m)), with the
    cosine distance D, the rectified masked f, and the frozen network's embeddings of the bare face
    e and the masked one m: an unusual triplet, in which a face's own masked embedding is the
    negative; L_id = ½ (‖f − e‖² + ‖g − e‖²) with the rectified bare g; L_cls is CosFace, at the
    scale 30 and with the margin 0.4, of both.

    Embeddings are of unit length here, and squared distances are sums, not means.

    Args:
        rival: what is trained.
        pairs: whom on.
        identity: weight of L_id, 1 as the authors have it.
        seed: of CosFace's directions.

    Source: arXiv 2202.07358 and its public code.
    Taught in notebook 15.
    """

    def __init__(
        self, rival: RectifiedNet, pairs: MapPairs, identity: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(rival)
        self.identity = identity
        with torch.random.fork_rng(devices=[]):
            self.classes = CosFaceLoss(pairs.people, pairs.home.shape[1], margin=0.4, scale=30)
        begin_near_people(
            self.classes, pairs.home, pairs.person, torch.Generator().manual_seed(seed)
        )

    def loss_of(self, batch: PairBatch) -> torch.Tensor:
        """As `eumlib.rivals.lessons.Lesson.loss_of`."""
        with torch.no_grad():
            bare_late = self.rival.recogniser.late_maps(batch.bare)
        masked, bare = self.rival.rectified(batch.masked), self.rival.rectify(bare_late)
        f, g = (unit(self.rival.recogniser.pooled(maps)) for maps in (masked, bare))
        alike = sum(
            (of(masked) - of(bare_late)).square().mean()
            for of in (similarities_of_places, similarities_of_channels)
        )
        home, away = (1 - (f * of).sum(1) for of in (batch.home, batch.away))
        triplet = functional.relu(MARGIN + home - away).mean()
        same = sum((of - batch.home).square().sum(1).mean() for of in (f, g)) / 2
        apart = self.classes(f, batch.person) + self.classes(g, batch.person)
        return alike + triplet + self.identity * same + apart
