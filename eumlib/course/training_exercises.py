"""The exercises of notebook 07: one training step, the schedule, the average face."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from eumlib.course.answers import Answer, compare
from eumlib.embeddings import unit_length
from eumlib.unmasking import (
    Recipe,
    SelfRestrainedTripletLoss,
    TripletLoss,
    Triplets,
    triplet_distances,
)


def _random_triplets(random: np.random.Generator) -> Triplets:
    drawn = (unit_length(random.normal(size=(16, 4))) for _ in range(3))
    faces = (torch.from_numpy(vectors.astype(np.float32)) for vectors in drawn)
    return Triplets(*faces, torch.arange(16))


def _two_steps(random: np.random.Generator) -> tuple[int, Triplets, Triplets]:
    return int(random.integers(2**31)), _random_triplets(random), _random_triplets(random)


def _after_two_steps(training_step: Answer) -> Answer:
    """What two steps return, and the weights behind them."""

    def outcome(seed: int, *batches: Triplets) -> np.ndarray | None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
        # No triplet satisfies such a margin, so each has a gradient; SRT needs all three distances.
        kinds = SelfRestrainedTripletLoss(margin=4.0), TripletLoss(margin=4.0)
        losses = [
            training_step(network, optimiser, loss_of, batch)
            for loss_of, batch in zip(kinds, batches, strict=True)
        ]
        if any(loss is None for loss in losses):
            return None
        weights = [weight.detach().numpy().ravel() for weight in network.parameters()]
        return np.concatenate(
            [[float(torch.as_tensor(loss).detach()) for loss in losses], *weights]
        )

    return outcome


def _loss_of_batch(network: nn.Module, loss_of: nn.Module, batch: Triplets) -> torch.Tensor:
    return loss_of(triplet_distances(network(batch.anchor), batch.positive, batch.negative))


def _right_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss_of: nn.Module, batch: Triplets
) -> float:
    loss = _loss_of_batch(network, loss_of, batch)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def _step_on_old_gradients(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss_of: nn.Module, batch: Triplets
) -> float:
    loss = _loss_of_batch(network, loss_of, batch)
    loss.backward()
    optimiser.step()
    return loss.item()


def _no_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss_of: nn.Module, batch: Triplets
) -> float:
    return _loss_of_batch(network, loss_of, batch).item()


def _uphill_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss_of: nn.Module, batch: Triplets
) -> float:
    loss = _loss_of_batch(network, loss_of, batch)
    optimiser.zero_grad()
    (-loss).backward()
    optimiser.step()
    return loss.item()


def _step_that_moves_all(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss_of: nn.Module, batch: Triplets
) -> float:
    moved = Triplets(batch.anchor, network(batch.positive), network(batch.negative), batch.person)
    return _right_step(network, optimiser, loss_of, moved)


def _step_with_the_two_swapped(
    network: nn.Module, optimiser: torch.optim.Optimizer, loss_of: nn.Module, batch: Triplets
) -> float:
    swapped = Triplets(batch.anchor, batch.negative, batch.positive, batch.person)
    return _right_step(network, optimiser, loss_of, swapped)


_check_training_step = compare(
    _after_two_steps(_right_step),
    _two_steps,
    {
        _after_two_steps(_step_on_old_gradients): (
            "The second step still contains the gradient of the first: PyTorch adds gradients up "
            "until optimiser.zero_grad() clears them."
        ),
        _after_two_steps(_no_step): (
            "The loss is right, but the weights stay as they are. Is there a gradient "
            "(loss.backward()) when the optimiser takes its step (optimiser.step())?"
        ),
        _after_two_steps(_uphill_step): "It climbs: the loss grows from step to step.",
        _after_two_steps(_step_that_moves_all): (
            "Only the anchor passes through the network. Positive and negative stay where the "
            "recogniser has put them."
        ),
        _after_two_steps(_step_with_the_two_swapped): (
            "The anchors move away from their own faces. In what order does triplet_distances take "
            "positive and negative?"
        ),
    },
    "In this order: the network's answers to the anchors, their distances, the loss, old "
    "gradients cleared, backward, step. Return the loss.",
)


def check_training_step(answer: Answer) -> str | None:
    """A hint, unless the answer takes a step of descent and returns the loss of the batch."""
    try:
        return _check_training_step(_after_two_steps(answer))
    except RuntimeError as error:
        if "does not require grad" in str(error):
            return (
                "The loss does not depend on the weights. Is it the network's answer to the "
                "anchor that goes into the distances, and without torch.no_grad()?"
            )
        raise
    except ValueError as error:
        if "only one element" in str(error):
            return "Return the loss of the batch: one number."
        raise


def _schedule(random: np.random.Generator) -> tuple[int, float, int]:
    return int(random.integers(1, 30)), random.uniform(0.05, 1), int(random.integers(2, 6))


check_learning_rate_of = compare(
    lambda epoch, start, every: Recipe(learning_rate=start, epochs_a_step=every).learning_rate_of(
        epoch
    ),
    _schedule,
    {
        lambda epoch, start, every: start / 10 ** (epoch // every): (
            "It falls one epoch too early. Epochs are counted from 1: how many are finished when "
            "epoch 1 begins?"
        ),
        lambda epoch, start, every: start / 10 ** ((epoch - 1) / every): (
            "It should fall in stairs, not a little every epoch."
        ),
        lambda epoch, start, every: start / 10 ** (epoch / every): (
            "It should fall in stairs, not a little every epoch."
        ),
        lambda epoch, start, every: start / 10 ** (epoch - 1): "It falls every epoch.",
        lambda epoch, start, every: start / (10 * ((epoch - 1) // every) or 1): (
            "Divided by 10 twice is divided by 100, not by 20."
        ),
        lambda epoch, start, every: start / (10 if epoch > every else 1): (
            "It falls once and never again."
        ),
        lambda epoch, start, every: start * 10 ** ((epoch - 1) // every): "It rises.",
    },
    "How many times have `epochs_a_step` epochs been finished when this epoch begins? Divide by 10 "
    "that often.",
    tolerance=0,
)


def _faces_in_a_cone(random: np.random.Generator) -> tuple[np.ndarray]:
    return (unit_length(random.normal(size=(60, 8)) + 1),)


def _off_the_diagonal(faces: np.ndarray) -> float:
    return (faces @ faces.T)[np.triu_indices(len(faces), 1)].mean()


check_score_of_the_average_face = compare(
    lambda faces: np.linalg.norm(faces.mean(axis=0)),
    _faces_in_a_cone,
    {
        lambda faces: (faces @ faces.mean(axis=0)).mean(): (
            "The average of many vectors of length 1 is shorter than 1. A product is a cosine only "
            "if both vectors have length 1."
        ),
        _off_the_diagonal: (
            "That is how alike two faces are. Score each face with the average face instead."
        ),
        lambda faces: faces @ faces.mean(axis=0) / np.linalg.norm(faces.mean(axis=0)): (
            "That is the score of each face, and it is right. The question asks for their mean."
        ),
        lambda faces: faces.mean(
            axis=0
        ): "That is the average face. The question asks for its score.",
        lambda faces: (
            faces.mean(axis=0) / np.linalg.norm(faces.mean(axis=0))
        ): "That is the average face, and it is right. The question asks for its score.",
        lambda faces: faces.mean(): (
            "That is the mean of all numbers. The average face has a mean for each column: axis=0."
        ),
    },
    "The average of the rows, scaled to length 1; its product with each row; the mean of those.",
)
