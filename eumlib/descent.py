"""Stochastic gradient descent, epoch by epoch, and the checkpoint from which it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from eumlib.losses import restraint_holds, triplet_distances
from eumlib.recipes import Recipe
from eumlib.triplets import Triplets, TripletSampler
from eumlib.unmasking import CentredUnmaskingModel, ModelError, UnmaskingModel
from eumlib.validation import Validation
from eumlib.weights import read_weights, write_weights

FIGURES = ("loss", "d1", "d2", "d3", "restrained")


@dataclass
class Descent:
    """A training between two epochs: network, optimiser, randomness, and what happened so far.

    All of it goes into a checkpoint; nothing is unpickled from one.

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
            unmasked = self.sampler.positives
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
    def finished(self) -> bool:
        """Whether all epochs are done, or patience is at its end."""
        done = len(self.history)
        return done >= self.recipe.epochs or done - self.best_epoch >= self.recipe.patience

    def run_epoch(self, validate: Validation) -> None:
        """Train for one epoch, and keep its weights if they are the best so far."""
        epoch = len(self.history) + 1
        rate = self.recipe.learning_rate_of(epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batches = self.sampler.batches(self.recipe.batch_size, self.random)
        steps = torch.stack([self._step(batch) for batch in batches]).double()
        figures = dict(zip(FIGURES, _mean_over_triplets(steps), strict=True))
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

    def _step(self, batch: Triplets) -> torch.Tensor:
        """One step of descent; the `FIGURES` of its batch, and the batch's size."""
        batch = batch.to(self.device)
        output = self.model.train()(batch.anchor)
        negative = self.recipe.choose_negatives(output, batch)
        negative_of_positive = self.recipe.choose_negatives(batch.positive, batch)
        distances = triplet_distances(output, batch.positive, negative, negative_of_positive)
        loss = self.recipe.loss(distances)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        means = [distance.mean() for distance in distances]
        held = restraint_holds(distances).to(loss.dtype)
        return torch.stack([loss, *means, held, loss.new_tensor(len(output))]).detach()

    def save(self, path: Path | str) -> None:
        """Write the state, atomically."""
        momenta = self.optimiser.state_dict()["state"]
        weights = (
            {f"model.{name}": value for name, value in self.model.state_dict().items()}
            | {f"best.{name}": value for name, value in self.best_weights.items()}
            | {f"momentum.{i}": state["momentum_buffer"] for i, state in momenta.items()}
        )
        note = {
            "training": self._training,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "random": self.random.bit_generator.state,
        }
        write_weights(path, weights, {"checkpoint": json.dumps(note)})

    def resume(self, path: Path | str) -> None:
        """Take the state from a checkpoint.

        Raises:
            ModelError: it is of another training, or no checkpoint.
        """
        weights, stored = read_weights(path)
        note = json.loads(stored.get("checkpoint", "{}"))
        if note.get("training") != self._training:
            raise ModelError(
                f"{path} is a checkpoint of another training: delete it, or name another file.\n"
                f"it: {note.get('training')}\nthis: {self._training}"
            )
        self.history, self.best_epoch = note["history"], note["best_epoch"]
        self.random.bit_generator.state = note["random"]
        self.best_weights = _under("best.", weights)
        self.model.load_state_dict(_under("model.", weights))
        state = self.optimiser.state_dict()
        state["state"] = {
            int(i): {"momentum_buffer": value} for i, value in _under("momentum.", weights).items()
        }
        self.optimiser.load_state_dict(state)

    @property
    def _training(self) -> str:
        return f"{self.recipe.describe()}; {self.sampler.fingerprint}"

    def best_model(self) -> UnmaskingModel:
        """The network with the weights of the best epoch, in evaluation mode."""
        self.model.load_state_dict(self.best_weights)
        return self.model.eval()


def _mean_over_triplets(steps: torch.Tensor) -> list[float]:
    """The means of the `FIGURES` over an epoch; the last column is the size of each batch.

    A step counts as often as it has triplets, but the restraint is one decision a step.
    """
    *figures, held, sizes = steps.T
    means = [(figure * sizes).sum() / sizes.sum() for figure in figures]
    return [float(mean) for mean in (*means, held.mean())]


def _under(prefix: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }
