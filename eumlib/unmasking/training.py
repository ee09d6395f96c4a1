"""Train an Embedding Unmasking Model: a loop that fits on a screen.

Epoch by epoch, by stochastic gradient descent with Nesterov momentum; the epoch that is best on
validation people is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from eumlib._common.device import available_device as available_device  # the room shows it
from eumlib._common.progress import progress_bar
from eumlib._common.threads import torch_threads
from eumlib.embeddings import EmbeddingTable, MappedTable
from eumlib.faces import split_by_identity
from eumlib.unmasking.checkpoint import read_checkpoint, write_checkpoint
from eumlib.unmasking.losses import TripletDistances, restraint_holds, triplet_distances
from eumlib.unmasking.mapped_triplets import sampler_of
from eumlib.unmasking.models import CentredUnmaskingModel
from eumlib.unmasking.recipes import FAITHFUL, Recipe
from eumlib.unmasking.triplets import EVERY, Triplets, TripletSampler
from eumlib.unmasking.unmasker import Unmasker
from eumlib.unmasking.validation import Validation

Table = TypeVar("Table", EmbeddingTable, MappedTable)
FIGURES = ("loss", "d1", "d2", "d3", "restrained")
FEW_STEPS = 400  # as many as the course takes; a tenth of it leaves weights where they began
TYPICAL_FACES = 2**18  # whose mean a centred network works around, at most
SMALL_BATCH = 200_000  # numbers; for fewer, threads cost more time than they save


@dataclass(frozen=True)
class Fit:
    """A trained unmasker and how it came about.

    Attributes:
        unmasker: its model has the weights of the best epoch, and is in evaluation mode.
        recipe: how it was trained.
        history: one row per epoch: epoch, learning_rate, loss, d1, d2, d3, restrained (share of the
            steps on which the restraint held), validation.
        best_epoch: the epoch with the highest validation figure, whose weights the model has.
    """

    unmasker: Unmasker
    recipe: Recipe
    history: pd.DataFrame
    best_epoch: int


def split_for_validation(table: Table) -> tuple[Table, Table]:
    """Nine tenths of the people to train on, and the others to choose the best epoch by."""
    shares = {"train": 0.9, "validation": 0.1}
    if isinstance(table, MappedTable):
        part = table.split_by_identity(shares)
    else:
        part = split_by_identity(table.rows["identity"], shares)
    return table.where(part == "train"), table.where(part == "validation")


def train_unmasker(
    training: Sequence[EmbeddingTable | MappedTable],
    validation: Sequence[EmbeddingTable | MappedTable],
    recipe: Recipe = FAITHFUL,
    device: str = "cpu",
    checkpoint: Path | str | None = None,
) -> Fit:
    """Train on some tables, and keep the epoch that is best on others.

    Args:
        training: tables of faces in both views, of one recogniser, in memory or on disk.
        validation: tables of people who are not in `training`.
        recipe: what is trained and how.
        device: ``"cpu"`` or ``"cuda"``.
        checkpoint: as in `fit`.

    Raises:
        TableError: too few people or pictures for triplets, or for validation.
        ValueError: the loss became infinite or not a number.

    Taught in notebook 07.
    """
    validate = recipe.validation(*validation)
    return fit(sampler_of(*training), recipe, validate, device, checkpoint)


def fit(
    sampler: TripletSampler,
    recipe: Recipe,
    validate: Validation,
    device: str = "cpu",
    checkpoint: Path | str | None = None,
) -> Fit:
    """Train an EUM on triplets.

    The same recipe and triplets give the same weights again on the same machine. Warns where there
    are too few steps for anything to be learnt.

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
    return descend(Descent(sampler, recipe, device), validate, checkpoint)


def descend(descent: Descent, validate: Validation, checkpoint: Path | str | None = None) -> Fit:
    """Run a training to its end, and keep the best epoch; arguments as in `fit`."""
    sampler, recipe = descent.sampler, descent.recipe
    _warn_of_few_steps(descent)
    if checkpoint and Path(checkpoint).exists():
        read_checkpoint(descent, checkpoint)
    small = recipe.batch_size * sampler.dim < SMALL_BATCH
    threads = torch_threads(1 if small else torch.get_num_threads())
    an_epoch, done = descent.steps_an_epoch, len(descent.history)
    progress = progress_bar(
        recipe.epochs * an_epoch, f"training with {descent.name}", "step", done * an_epoch
    )
    with threads, progress:
        while not descent.finished:
            descent.run_epoch(validate, progress)
            if checkpoint:
                descent.write(checkpoint)
    descent.model.load_state_dict(descent.best_weights)
    unmasker = Unmasker(descent.model.eval(), sampler.backbone)
    return Fit(unmasker, recipe, pd.DataFrame(descent.history), descent.best_epoch)


@dataclass
class Descent:
    """A training between two epochs: network, optimiser, randomness, and what happened so far.

    Args:
        sampler: gives the triplets.
        recipe: what is trained and how.
        device: ``"cpu"`` or ``"cuda"``.
    """

    sampler: TripletSampler
    recipe: Recipe
    device: str
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.recipe.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed)
            model = self.recipe.build(self.sampler.dim)
        if self.recipe.reach:
            unmasked = self.sampler.some_positives(TYPICAL_FACES)
            model = CentredUnmaskingModel.around(model, unmasked, self.recipe.reach)
        self.model = model.to(self.device)
        self.optimiser = torch.optim.SGD(
            self.model.parameters(),
            self.recipe.learning_rate,
            self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            nesterov=self.recipe.momentum > 0,
            fused=True,
        )

    @property
    def name(self) -> str:
        """What the progress bar calls it."""
        return self.recipe.loss.name

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or patience is at its end."""
        done = len(self.history)
        return done >= self.recipe.epochs or done - self.best_epoch >= self.recipe.patience

    @property
    def mine(self) -> slice:
        """Which of the drawn batches are trained on here."""
        return EVERY

    def describe(self) -> str:
        """One line that tells this training from others."""
        return f"{self.recipe.describe()}; {self.sampler.fingerprint}"

    @property
    def steps_an_epoch(self) -> int:
        """Batches an epoch; a last one of a single triplet is left out."""
        return self.recipe.steps_an_epoch or -((1 - len(self.sampler)) // self.recipe.batch_size)

    def run_epoch(self, validate: Validation, progress: tqdm) -> None:
        """Train for one epoch, and keep its weights if they are the best so far."""
        epoch = len(self.history) + 1
        rate = self.recipe.learning_rate_of(epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        steps = []
        for batch in self._batches():
            steps.append(self._step(batch))
            progress.update()
        figures = dict(zip(FIGURES, self.mean_over_triplets(torch.stack(steps)), strict=True))
        if not np.isfinite(list(figures.values())).all():
            raise ValueError(
                f"the loss is no longer finite in epoch {epoch}: lower the learning rate"
            )
        validation = validate(self.model)
        if not self.history or validation > max(row["validation"] for row in self.history):
            weights = self.model.state_dict()
            self.best_epoch = epoch
            self.best_weights = {name: value.clone() for name, value in weights.items()}
        self.history.append(
            {"epoch": epoch, "learning_rate": rate, **figures, "validation": validation}
        )

    def _batches(self) -> Iterator[Triplets]:
        count, batch_size = self.recipe.steps_an_epoch, self.recipe.batch_size
        if count is None:
            return self.sampler.batches(batch_size, self.random, self.mine)
        return self.sampler.steps(count, batch_size, self.random, self.mine)

    def _step(self, batch: Triplets) -> torch.Tensor:
        """One step of descent; the `FIGURES` of its batch, and the batch's size."""
        loss, distances = self.loss_of(batch.to(self.device))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        means = [distance.mean() for distance in distances]
        held = restraint_holds(distances).to(loss.dtype)
        return torch.stack([loss, *means, held, loss.new_tensor(len(batch.anchor))]).detach()

    def loss_of(self, batch: Triplets) -> tuple[torch.Tensor, TripletDistances]:
        """The loss of a batch, a tensor without shape, and the distances of its triplets."""
        output = self.model.train()(batch.anchor)
        negative = self.recipe.choose_negatives(output, batch)
        negative_of_positive = self.recipe.choose_negatives(batch.positive, batch)
        distances = triplet_distances(output, batch.positive, negative, negative_of_positive)
        return self.recipe.loss(distances), distances

    def mean_over_triplets(self, steps: torch.Tensor) -> list[float]:
        """The means of the `FIGURES` over an epoch; the last column is the size of each batch.

        A step counts as often as it has triplets, but the restraint is one decision a step.
        """
        *figures, held, sizes = steps.double().T
        means = [(figure * sizes).sum() / sizes.sum() for figure in figures]
        return [float(mean) for mean in (*means, held.mean())]

    def write(self, checkpoint: Path | str) -> None:
        """Write the checkpoint of the epochs so far, atomically."""
        write_checkpoint(self, checkpoint)


def _warn_of_few_steps(descent: Descent) -> None:
    recipe, steps = descent.recipe, descent.recipe.epochs * descent.steps_an_epoch
    if steps < FEW_STEPS:
        warnings.warn(
            f"{len(descent.sampler)} masked faces in batches of {recipe.batch_size} make {steps} "
            f"steps in {recipe.epochs} epochs, too few to learn from: take more faces, smaller "
            f"batches (batch_size) or more epochs, {FEW_STEPS} steps or more",
            stacklevel=4,
        )
