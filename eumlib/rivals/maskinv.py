"""MaskInv: a student that sees masks learns the embeddings of a teacher that sees none.

Huber et al., "Mask-invariant Face Recognition through Template-level Knowledge Distillation",
FG 2021, arXiv 2112.05646. Here is the twin of the idea at the level of embeddings: the student is
an EUM, which sees the recogniser's embedding of a masked face or of a bare one. What a retrained
network gains cannot be tested so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from pytorch_metric_learning.losses import ArcFaceLoss
from torch.nn import functional

from eumlib.embeddings import EmbeddingTable
from eumlib.unmasking import Recipe, Triplets, TripletSampler, Unmasker, triplet_distances
from eumlib.unmasking.losses import TripletDistances
from eumlib.unmasking.training import Descent, descend

BARE_SHARE = 0.5
NOISE = 0.7  # length of what is added to a direction of length 1
LEARNING_RATE = 0.01  # at the recipe's 0.1 the loss grows without end


@dataclass
class TemplateDistillation(Descent):
    """Trains an EUM by L = ArcFace(student, person) + w · MSE(student, teacher).

    Teacher and student are of unit length; the student sees a masked face, or, with the probability
    ½, a bare one; the teacher is the recogniser, and sees the bare one. ArcFace (arXiv 1801.07698)
    tells the training people apart, at the scale 64 and with the margin 0.5.

    Here ArcFace's direction of each person begins near the teacher's mean of that person, since so
    few steps would not find it from noise; not *at* it, where the slope of ArcFace's angle is
    infinite.

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
            self.classes = ArcFaceLoss(people, dim, margin=28.6, scale=64)
        sums = torch.zeros(people, dim).index_add_(0, self.sampler.person, self.sampler.positives)
        noise = torch.randn(people, dim, generator=self._coin) / dim**0.5
        with torch.no_grad():
            self.classes.W.copy_((functional.normalize(sums, dim=1) + NOISE * noise).T)
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
