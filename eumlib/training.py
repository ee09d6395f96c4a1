"""Train an Embedding Unmasking Model: a loop that fits on a screen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from eumlib.embeddings import EmbeddingTable
from eumlib.faces import split_by_identity
from eumlib.losses import restraint_holds, triplet_distances
from eumlib.progress import progress_bar
from eumlib.triplets import TripletSampler
from eumlib.unmasking import EmbeddingUnmaskingModel, unmask

Validation = Callable[[EmbeddingUnmaskingModel], float]


@dataclass(frozen=True)
class Schedule:
    """How to train; the defaults are the paper's.

    Attributes:
        epochs: passes over all masked views.
        batch_size: triplets a step.
        learning_rate: of the first epochs; divided by 10 every `epochs_a_step` epochs.
        epochs_a_step: see above.
        momentum: Nesterov's.
        seed: of the weights, the order of the triplets and the negatives.
    """

    epochs: int = 10
    batch_size: int = 512
    learning_rate: float = 0.1
    epochs_a_step: int = 3
    momentum: float = 0.9
    seed: int = 0


@dataclass(frozen=True)
class Fit:
    """A trained model and how it came about.

    Attributes:
        model: with the weights of the best epoch, in evaluation mode.
        history: a row an epoch: epoch, learning_rate, loss, d1, d2, d3, restrained (share of the
            steps on which the restraint held), validation.
        best_epoch: the epoch with the highest validation figure, whose weights the model has.
    """

    model: EmbeddingUnmaskingModel
    history: pd.DataFrame
    best_epoch: int


def available_device() -> str:
    """``"cuda"`` where there is one, else ``"cpu"``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def split_for_validation(table: EmbeddingTable) -> tuple[EmbeddingTable, EmbeddingTable]:
    """Nine tenths of the people to train on, and the others to choose the best epoch by."""
    shares = {"train": 0.9, "validation": 0.1}
    part = split_by_identity(table.rows["identity"], shares)
    return table.where(part == "train"), table.where(part == "validation")


def mean_cosine(table: EmbeddingTable) -> Validation:
    """The paper's validation figure: mean cosine of unmasked-by-EUM and truly unmasked embeddings.

    In [−1, 1], higher is better. It is taken over the pictures of `table`, which must be of people
    who are not trained on.
    """
    masked, unmasked = table.mated_views()

    def validate(model: EmbeddingUnmaskingModel) -> float:
        restored = unmask(model, table.vectors[masked])
        return float((restored * table.vectors[unmasked]).sum(axis=1).mean())

    return validate


def train_unmasker(
    table: EmbeddingTable, loss: nn.Module, schedule: Schedule = Schedule(), device: str = "cpu"
) -> Fit:
    """Split the people of a table, train on one part, and keep the epoch best for the other.

    Args:
        table: faces in both views.
        loss: of `eumlib.losses`.
        schedule: epochs, batch, learning rate, seed.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        TableError: too few people or pictures for triplets, or for validation.
        ValueError: the loss became infinite or not a number.

    Taught in notebook 07.
    """
    training, validation = split_for_validation(table)
    return fit(TripletSampler(training), loss, mean_cosine(validation), schedule, device)


def fit(
    sampler: TripletSampler,
    loss: nn.Module,
    validate: Validation,
    schedule: Schedule = Schedule(),
    device: str = "cpu",
) -> Fit:
    """Train an EUM by stochastic gradient descent with Nesterov momentum.

    Args:
        sampler: gives the triplets.
        loss: of `eumlib.losses`.
        validate: a figure of a model, higher is better; the best epoch is kept by it.
        schedule: epochs, batch, learning rate, seed.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        ValueError: the loss became infinite or not a number.

    Taught in notebook 07.
    """
    random = np.random.default_rng(schedule.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        model = EmbeddingUnmaskingModel(sampler.dim).to(device)
    optimiser = torch.optim.SGD(
        model.parameters(), schedule.learning_rate, schedule.momentum, nesterov=True
    )
    steps = torch.optim.lr_scheduler.StepLR(optimiser, schedule.epochs_a_step, gamma=0.1)
    history, best_epoch, best_weights = [], 0, {}
    best = -np.inf
    with progress_bar(schedule.epochs, f"training with {loss.name}", "epoch") as progress:
        for epoch in range(1, schedule.epochs + 1):
            rate = steps.get_last_lr()[0]
            means = _train_epoch(model, loss, optimiser, sampler, schedule, random, device)
            validation = validate(model)
            history.append(
                {"epoch": epoch, "learning_rate": rate, **means, "validation": validation}
            )
            if validation > best:
                best, best_epoch = validation, epoch
                best_weights = copy.deepcopy(model.state_dict())
            steps.step()
            progress.update()
    model.load_state_dict(best_weights)
    return Fit(model.eval(), pd.DataFrame(history), best_epoch)


def _train_epoch(
    model: EmbeddingUnmaskingModel,
    loss: nn.Module,
    optimiser: torch.optim.Optimizer,
    sampler: TripletSampler,
    schedule: Schedule,
    random: np.random.Generator,
    device: str,
) -> dict[str, float]:
    model.train()
    sums, seen, steps, restrained = np.zeros(4), 0, 0, 0
    for batch in sampler.batches(schedule.batch_size, random):
        anchor, positive, negative = (part.to(device) for part in batch)
        distances = triplet_distances(model(anchor), positive, negative)
        value = loss(distances)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        means = [value, *(distance.mean() for distance in distances)]
        sums += np.array([mean.item() for mean in means]) * len(anchor)
        seen, steps = seen + len(anchor), steps + 1
        restrained += int(restraint_holds(distances))
    if not np.isfinite(sums).all():
        raise ValueError(
            "the loss is no longer finite: lower the learning rate, or check the table"
        )
    loss_mean, d1, d2, d3 = (float(value) for value in sums / seen)
    return {"loss": loss_mean, "d1": d1, "d2": d2, "d3": d3, "restrained": restrained / steps}
