"""HSST: two halves of a network, one a slow copy of the other, and a queue of negatives.

Du et al., "Towards NIR-VIS Masked Face Recognition", IEEE Signal Processing Letters 2021, arXiv
2104.06761: semi-siamese training for two domains, near-infrared and visible light. There is no
infrared camera here: *masked* and *bare* stand in for the two domains, and the halves are EUMs on
the recogniser's embeddings. What it does between kinds of light cannot be tested so.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from pytorch_metric_learning.losses import CrossBatchMemory, SupConLoss
from pytorch_metric_learning.reducers import MeanReducer
from torch.nn import functional

from eumlib.embeddings import EmbeddingTable
from eumlib.unmasking import Recipe, Triplets, TripletSampler, Unmasker, triplet_distances
from eumlib.unmasking.losses import TripletDistances
from eumlib.unmasking.training import Descent, descend

DECAY = 0.999


@dataclass
class SemiSiameseDescent(Descent):
    """Trains a probe half f by gradients, and a gallery half g that follows it slowly.

    L = ½ [CE(s · cos(f(masked), queue of g(bare))) + CE(s · cos(f(bare), queue of g(masked)))]

    The queues hold what g has given of late; a face's own entry is its class, and those of others
    are the other classes. (Where a person is there more than once, each entry is right, and their
    mean counts: Khosla et al., arXiv 2004.11362.) After each step g ← α g +
    (1 − α) f, with α = 0.999.

    Args:
        sampler, recipe, device: as in `eumlib.unmasking.training.Descent`; the recipe's loss and
            negatives are not used.
        queue: entries of each queue.
        scale: s; the default was chosen on validation people, and the authors' is 30.

    Source: arXiv 2104.06761 and its public code (FaceX-Zoo), whose queues are softmax classes.
    Taught in notebook 12.
    """

    queue: int = 2048
    scale: float = 10.0
    name = "hsst"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._gallery = deepcopy(self.model).requires_grad_(False)
        self._bare, self._masked = (
            CrossBatchMemory(
                SupConLoss(1 / self.scale, reducer=MeanReducer()), self.sampler.dim, self.queue
            )
            for _ in range(2)
        )

    def loss_of(self, batch: Triplets) -> tuple[torch.Tensor, TripletDistances]:
        """As `Descent.loss_of`, and g's step behind f."""
        model, gallery = self.model.train(), self._gallery.train()
        probe_masked, probe_bare = model(batch.anchor), model(batch.positive)
        with torch.no_grad():
            for slow, fast in zip(gallery.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1 - DECAY)
            keys_masked, keys_bare = gallery(batch.anchor), gallery(batch.positive)
        loss = (
            _against(self._bare, probe_masked, keys_bare, batch.person)
            + _against(self._masked, probe_bare, keys_masked, batch.person)
        ) / 2
        return loss, triplet_distances(probe_masked, batch.positive, batch.negative)

    @property
    def gallery(self) -> Unmasker:
        """g, through which references pass that are enrolled anew."""
        return Unmasker(self._gallery.eval(), self.sampler.backbone)


def _against(
    memory: CrossBatchMemory, probes: torch.Tensor, keys: torch.Tensor, person: torch.Tensor
) -> torch.Tensor:
    """The loss of probes against the queue, into which their keys have gone."""
    both = functional.normalize(torch.cat([probes, keys]), dim=1)
    new = torch.arange(len(both), device=both.device) >= len(probes)
    return memory(both, person.repeat(2), enqueue_mask=new)


def train_hsst(
    training: Sequence[EmbeddingTable],
    validation: Sequence[EmbeddingTable],
    recipe: Recipe,
    device: str = "cpu",
) -> Unmasker:
    """As `eumlib.unmasking.train_unmasker`; the probe half, references stay as they are."""
    descent = SemiSiameseDescent(TripletSampler(*training), recipe, device)
    return descend(descent, recipe.validation(*validation)).unmasker
