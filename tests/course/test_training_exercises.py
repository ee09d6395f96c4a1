"""Answers that students write, right and wrong."""

import numpy as np
import pytest

from eumlib.course.answers import NO_RETURN
from eumlib.course.training_exercises import (
    check_learning_rate_of,
    check_score_of_the_average_face,
    check_training_step,
)
from eumlib.unmasking import triplet_distances


def loss_at(network, loss_of, batch):
    return loss_of(triplet_distances(network(batch.anchor), batch.positive, batch.negative))


def right_step(network, optimiser, loss_of, batch):
    optimiser.zero_grad()
    loss = loss_at(network, loss_of, batch)
    loss.backward()
    optimiser.step()
    return loss


def never_cleared(network, optimiser, loss_of, batch):
    loss = loss_at(network, loss_of, batch)
    loss.backward()
    optimiser.step()
    return loss.item()


def cleared_too_late(network, optimiser, loss_of, batch):
    loss = loss_at(network, loss_of, batch)
    loss.backward()
    optimiser.zero_grad()
    optimiser.step()
    return loss.item()


def without_a_step(network, optimiser, loss_of, batch):
    loss = loss_at(network, loss_of, batch)
    loss.backward()
    return loss.item()


def uphill(network, optimiser, loss_of, batch):
    optimiser.zero_grad()
    loss = loss_at(network, loss_of, batch)
    (-loss).backward()
    optimiser.step()
    return loss.item()


def moves_all(network, optimiser, loss_of, batch):
    optimiser.zero_grad()
    parts = (network(part) for part in (batch.anchor, batch.positive, batch.negative))
    loss = loss_of(triplet_distances(*parts))
    loss.backward()
    optimiser.step()
    return loss.item()


def leaves_the_network_out(network, optimiser, loss_of, batch):
    loss = loss_of(triplet_distances(batch.anchor, batch.positive, batch.negative))
    loss.backward()
    optimiser.step()
    return loss.item()


def returns_nothing(*parts):
    right_step(*parts)


def swaps(network, optimiser, loss_of, batch):
    swapped = batch._replace(positive=batch.negative, negative=batch.positive)
    return right_step(network, optimiser, loss_of, swapped)


def returns_the_distances(network, optimiser, loss_of, batch):
    right_step(network, optimiser, loss_of, batch)
    return batch.anchor


def takes_d2_for_d3(network, optimiser, loss_of, batch):
    def without_d3(distances):
        return loss_of(distances._replace(d3=distances.d2))

    return right_step(network, optimiser, without_d3, batch)


def in_another_order(network, optimiser, loss_of, batch):
    optimiser.step()
    optimiser.zero_grad()
    loss = loss_at(network, loss_of, batch)
    loss.backward()
    return loss.item()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (never_cleared, "zero_grad"),
        (cleared_too_late, "stay as they are"),
        (without_a_step, "stay as they are"),
        (uphill, "climbs"),
        (moves_all, "Only the anchor"),
        (leaves_the_network_out, "does not depend on the weights"),
        (returns_nothing, NO_RETURN),
        (swaps, "positive and negative"),
        (returns_the_distances, "one number"),
        (in_another_order, "In this order"),
        (takes_d2_for_d3, "In this order"),
    ],
)
def test_a_training_step(answer, hint):
    assert check_training_step(right_step) is None
    assert hint in check_training_step(answer)


def test_another_error_of_a_training_step_passes_through():
    def transposed(network, optimiser, loss_of, batch):
        return network(batch.anchor.T[:3].T)

    with pytest.raises(RuntimeError, match="shapes"):
        check_training_step(transposed)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda epoch, start, every: start / 10 ** (epoch // every), "too early"),
        (lambda epoch, start, every: start * 0.1 ** ((epoch - 1) / every), "stairs"),
        (lambda epoch, start, every: start * 0.1 ** (epoch / every), "stairs"),
        (lambda epoch, start, every: start / 10 ** (epoch - 1), "every epoch"),
        (lambda epoch, start, every: start / max(1, 10 * ((epoch - 1) // every)), "by 100"),
        (lambda epoch, start, every: start if epoch <= every else start / 10, "once"),
        (lambda epoch, start, every: start * 10 ** ((epoch - 1) // every), "rises"),
        (lambda epoch, start, every: start, "that often"),
    ],
)
def test_the_schedule(answer, hint):
    def by_a_loop(epoch, start, every):
        for past in range(1, epoch):
            if past % every == 0:
                start /= 10
        return start

    assert check_learning_rate_of(by_a_loop) is None
    assert hint in check_learning_rate_of(answer)


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: (x @ x.mean(axis=0)).mean(), "shorter than 1"),
        (lambda x: (x @ x.T)[np.triu_indices(len(x), 1)].mean(), "two faces"),
        (lambda x: x @ unit(x.mean(axis=0)), "their mean"),
        (lambda x: x.mean(axis=0), "for its score"),
        (lambda x: unit(x.mean(axis=0)), "it is right"),
        (lambda x: x.mean(), "axis=0"),
        (lambda x: 1.0, "scaled to length 1"),
    ],
)
def test_the_average_face(answer, hint):
    assert check_score_of_the_average_face(lambda x: (x @ unit(x.mean(axis=0))).mean()) is None
    assert hint in check_score_of_the_average_face(answer)
