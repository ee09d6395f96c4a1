"""MaskInv: a student that sees masks learns the embeddings of a teacher that sees none.

Huber et al., "Mask-invariant Face Recognition through Template-level Knowledge Distillation",
FG 2021, arXiv 2112.05646. Here the idea stands twice. As its authors have it, the student is a
network (`Student`): MobileFaceNet stands in for their ResNet-100, only its end learns, from 4,000
people and not from MS1MV2, and ArcFace's margin of 0.5 stands in for ElasticFace's, which is drawn
around 0.5. And as a loss on embeddings (`TemplateDistillation`), whose student is an
EUM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from pytorch_metric_learning.losses import ArcFaceLoss

from eumlib.embeddings import EmbeddingTable
from eumlib.embeddings.mobilefacenet import EARLY
from eumlib.rivals.classes import begin_near_people
from eumlib.rivals.lessons import Lesson, MapPairs, PairBatch, unit
from eumlib.rivals.networks import NetworkRival
from eumlib.unmasking import Recipe, Triplets, TripletSampler, Unmasker, triplet_distances
from eumlib.unmasking.losses import TripletDistances
from eumlib.unmasking.training import Descent, descend

BARE_SHARE = 0.5
SCALE, MARGIN = 64, 28.6  # of ArcFace; the margin in degrees, 0.5 in radians
LEARNING_RATE = 0.01  # at the recipe's 0.1 the loss grows without end


@dataclass
class TemplateDistillation(Descent):
    """Trains an EUM by L = ArcFace(student, person) + w · MSE(student, teacher).

    Teacher and student are of unit length; the student sees a masked face, or, with the probability
    ½, a bare one; the teacher is the recogniser, and sees the bare one. ArcFace (arXiv 1801.07698)
    tells the training people apart, at the scale 64 and with the margin 0.5.

    Here ArcFace's direction of each person begins near the teacher's mean of that person
    (`eumlib.rivals.classes`).

    Args:
        sampler, recipe, device: as in `eumlib.unmasking.training.Descent`; the recipe's loss and
            negatives are not used.
        weight: w; the default was chosen on validation people.

    Source: arXiv 2112.05646 and its public code, which has w = 100 and 3000.
    Taught in notebook 12.
    """

    weight: float = 30_000.0
    name = "maskinv"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._coin = torch.Generator().manual_seed(self.recipe.seed)
        people, dim = int(self.sampler.person[-1]) + 1, self.sampler.dim
        with torch.random.fork_rng(devices=[]):  # the library draws directions, which go
            self.classes = ArcFaceLoss(people, dim, margin=MARGIN, scale=SCALE)
        begin_near_people(self.classes, self.sampler.positives, self.sampler.person, self._coin)
        self.classes.to(self.device)
        self.optimiser.add_param_group({"params": [self.classes.W]})

    def loss_of(self, batch: Triplets) -> tuple[torch.Tensor, TripletDistances]:
        """As `Descent.loss_of`; d1 is the distance of student and teacher."""
        bare = torch.rand(len(batch.anchor), 1, generator=self._coin) < BARE_SHARE
        seen = torch.where(bare.to(batch.anchor.device), batch.positive, batch.anchor)
        student = self.model.train()(seen)
        distances = triplet_distances(student, batch.positive, batch.negative)
        squared_error = distances.d1.mean() / self.sampler.dim
        return self.classes(student, batch.person) + self.weight * squared_error, distances


def train_maskinv(
    training: Sequence[EmbeddingTable],
    validation: Sequence[EmbeddingTable],
    recipe: Recipe,
    device: str = "cpu",
) -> Unmasker:
    """As `eumlib.unmasking.train_unmasker`, by distillation, at the rate `LEARNING_RATE`."""
    recipe = replace(recipe, learning_rate=LEARNING_RATE)
    descent = TemplateDistillation(TripletSampler(*training), recipe, device)
    return descend(descent, recipe.validation(*validation)).unmasker


class Student(NetworkRival):
    """MobileFaceNet, its end learning: three bottlenecks of fifteen and the head."""

    architecture = "maskinv_network"

    def __init__(self) -> None:
        super().__init__()
        self.recogniser.bottlenecks[EARLY:].requires_grad_(True)
        self.recogniser.head.requires_grad_(True)

    def from_early(self, early: torch.Tensor) -> torch.Tensor:
        """As `eumlib.rivals.networks.NetworkRival.from_early`."""
        return self.recogniser.pooled(self.recogniser.late_maps(early))


class StudentsLesson(Lesson):
    """The loss of `TemplateDistillation`, for a student that is a network.

    Args:
        rival: the student.
        pairs: whom it is trained on.
        weight: w; the default is that of the loss on embeddings.
        seed: of the coin and of ArcFace's directions.

    Taught in notebook 15.
    """

    learning_rate = 3e-4

    def __init__(
        self, rival: Student, pairs: MapPairs, weight: float = 30_000.0, seed: int = 0
    ) -> None:
        super().__init__(rival)
        self.weight = weight
        self._coin = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            self.classes = ArcFaceLoss(pairs.people, pairs.home.shape[1], MARGIN, SCALE)
        begin_near_people(self.classes, pairs.home, pairs.person, self._coin)

    def loss_of(self, batch: PairBatch) -> torch.Tensor:
        """As `eumlib.rivals.lessons.Lesson.loss_of`."""
        bare = torch.rand(len(batch.home), generator=self._coin) < BARE_SHARE
        seen = torch.where(bare[:, None, None, None], batch.bare, batch.masked)
        student = unit(self.rival.from_early(seen))
        squared_error = (student - batch.home).square().mean()
        return self.classes(student, batch.person) + self.weight * squared_error
