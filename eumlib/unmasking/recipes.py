"""What is trained and how: every choice that makes one trained EUM differ from another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from torch import nn

from eumlib.unmasking.losses import SelfRestrainedTripletLoss, TripletLoss
from eumlib.unmasking.models import EmbeddingUnmaskingModel, ResidualUnmaskingModel
from eumlib.unmasking.triplets import ChooseNegatives, drawn_negatives
from eumlib.unmasking.validation import MakeValidation, mean_cosine


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are the paper's.

    >>> Recipe(epochs=2).learning_rate_of(1), Recipe().learning_rate_of(4)
    (0.1, 0.01)

    Attributes:
        loss: of `eumlib.unmasking.losses`.
        build: makes the untrained network for embeddings of a dimension.
        reach: if given, the network works around the mean of the training faces, and its answers
            lie so far from it, relative to those faces (`CentredUnmaskingModel`).
        choose_negatives: of `eumlib.unmasking.triplets`.
        validation: of `eumlib.unmasking.validation`; the epoch with the highest figure is kept.
        epochs: passes over all masked views, at most.
        steps_an_epoch: if given, an epoch is so many steps, whatever the number of masked views; so
            that trainings on few and on many faces can be compared.
        batch_size: triplets a step.
        learning_rate: of the first epochs; divided by 10 every `epochs_a_step` epochs.
        epochs_a_step: see above.
        momentum: Nesterov's.
        weight_decay: share of each weight that is added to its gradient.
        patience: training stops after so many epochs without a better validation figure.
        seed: of the weights, the order of the triplets and the negatives.

    Taught in notebooks 07, 10 and 17.
    """

    loss: nn.Module = field(default_factory=SelfRestrainedTripletLoss)
    build: type[EmbeddingUnmaskingModel] = EmbeddingUnmaskingModel
    reach: float | None = None
    choose_negatives: ChooseNegatives = drawn_negatives
    validation: MakeValidation = mean_cosine
    epochs: int = 10
    steps_an_epoch: int | None = None
    batch_size: int = 512
    learning_rate: float = 0.1
    epochs_a_step: int = 3
    momentum: float = 0.9
    weight_decay: float = 0.0
    patience: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.epochs_a_step, self.patience) < 1:
            raise ValueError("epochs, epochs_a_step and patience must be 1 or more")
        if self.batch_size < 2:
            raise ValueError(f"batch norm needs 2 triplets a batch or more, not {self.batch_size}")

    def learning_rate_of(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 1."""
        return self.learning_rate / 10 ** ((epoch - 1) // self.epochs_a_step)

    def describe(self) -> str:
        """One line that tells this recipe from others."""
        return ", ".join(
            f"{name}={getattr(value, '__name__', value)}" for name, value in vars(self).items()
        )


FAITHFUL = Recipe()
FAITHFUL_BY_TRIPLET_LOSS = replace(FAITHFUL, loss=TripletLoss())
WORKBOOK = replace(FAITHFUL, build=ResidualUnmaskingModel)
WORKBOOK_BY_TRIPLET_LOSS = replace(WORKBOOK, loss=TripletLoss())
RECIPES = {"paper": FAITHFUL, "workbook": WORKBOOK}
