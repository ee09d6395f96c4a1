"""Train an Embedding Unmasking Model: a loop that fits on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from eumlib.descent import Descent
from eumlib.embeddings import EmbeddingTable
from eumlib.faces import split_by_identity
from eumlib.progress import progress_bar
from eumlib.recipes import FAITHFUL, Recipe
from eumlib.threads import torch_threads
from eumlib.triplets import TripletSampler
from eumlib.unmasking import Unmasker, UnmaskingModel
from eumlib.validation import Validation

SMALL_BATCH = 200_000  # numbers; for fewer, threads cost more time than they save


@dataclass(frozen=True)
class Fit:
    """A trained model and how it came about.

    Attributes:
        model: with the weights of the best epoch, in evaluation mode.
        history: a row an epoch: epoch, learning_rate, loss, d1, d2, d3, restrained (share of the
            steps on which the restraint held), validation.
        best_epoch: the epoch with the highest validation figure, whose weights the model has.
    """

    model: UnmaskingModel
    history: pd.DataFrame
    best_epoch: int


def available_device() -> str:
    """``"cuda"`` where there is one, else ``"cpu"``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Trained:
    """What `train_unmasker` gives: the unmasker, how it was trained, and how that went."""

    unmasker: Unmasker
    recipe: Recipe
    fit: Fit


def split_for_validation(table: EmbeddingTable) -> tuple[EmbeddingTable, EmbeddingTable]:
    """Nine tenths of the people to train on, and the others to choose the best epoch by."""
    shares = {"train": 0.9, "validation": 0.1}
    part = split_by_identity(table.rows["identity"], shares)
    return table.where(part == "train"), table.where(part == "validation")


def train_unmasker(
    training: Sequence[EmbeddingTable],
    validation: Sequence[EmbeddingTable],
    recipe: Recipe = FAITHFUL,
    device: str = "cpu",
    checkpoint: Path | str | None = None,
) -> Trained:
    """Train on some tables, and keep the epoch that is best on others.

    Args:
        training: tables of faces in both views, of one recogniser.
        validation: tables of people who are not in `training`.
        recipe: what is trained and how.
        device: ``"cpu"`` or ``"cuda"``.
        checkpoint: as in `fit`.

    Raises:
        TableError: too few people or pictures for triplets, or for validation.
        ValueError: the loss became infinite or not a number.

    Taught in notebook 07.
    """
    backbone = training[0].rows["backbone"].iloc[0]
    sampler = TripletSampler(*training)
    result = fit(sampler, recipe, recipe.validation(*validation), device, checkpoint)
    return Trained(Unmasker(result.model, backbone), recipe, result)


def fit(
    sampler: TripletSampler,
    recipe: Recipe,
    validate: Validation,
    device: str = "cpu",
    checkpoint: Path | str | None = None,
) -> Fit:
    """Train an EUM by stochastic gradient descent with Nesterov momentum.

    The same recipe and triplets give the same weights again on the same machine.

    Args:
        sampler: gives the triplets.
        recipe: what is trained and how.
        validate: a figure of a model, higher is better; the best epoch is kept by it.
        device: ``"cpu"`` or ``"cuda"``.
        checkpoint: a file that is written after every epoch. Stopped and called again with the
            same file, training goes on behind the last whole epoch, to the same end.

    Raises:
        ValueError: the loss became infinite or not a number.
        ModelError: the checkpoint is of another training.

    Taught in notebook 07.
    """
    descent = Descent(sampler, recipe, device)
    if checkpoint and Path(checkpoint).exists():
        descent.resume(checkpoint)
    small = recipe.batch_size * sampler.dim < SMALL_BATCH
    threads = torch_threads(1 if small else torch.get_num_threads())
    what = f"training with {recipe.loss.name}"
    with threads, progress_bar(recipe.epochs, what, "epoch", len(descent.history)) as progress:
        while not descent.finished:
            descent.run_epoch(validate)
            if checkpoint:
                descent.save(checkpoint)
            progress.update()
    return Fit(descent.best_model(), pd.DataFrame(descent.history), descent.best_epoch)
