import math

import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib.rivals import SemiSiameseDescent
from eumlib.unmasking import FAITHFUL, WORKBOOK, TripletSampler

SAMPLER = TripletSampler(drawn_table(people=12, pictures=1, dim=8, noise=2.0))


def batches_of(count):
    return list(SAMPLER.steps(count, 4, np.random.default_rng(0)))


def by_hand(probes, persons, queue):
    """The cross-entropy of each probe against the entries of the queue, one by one."""
    losses = []
    for probe, person in zip(probes, persons, strict=True):
        own, everyone = [], []
        for entry, whose in queue:
            cosine = float(probe @ entry / np.linalg.norm(probe) / np.linalg.norm(entry))
            everyone.append(math.exp(10 * cosine))
            if whose == person:
                own.append(everyone[-1])
        losses.append(np.mean([-math.log(one / sum(everyone)) for one in own]))
    return np.mean(losses)


def test_the_loss_is_that_of_two_queues_one_by_one():
    descent = SemiSiameseDescent(SAMPLER, WORKBOOK, "cpu", queue=100)
    queues = [], []
    for batch in batches_of(3):  # the residual starts at 0: what goes in comes out
        loss, _ = descent.loss_of(batch)
        people = batch.person.tolist()
        sides = batch.positive.numpy(), batch.anchor.numpy()
        for queue, side in zip(queues, sides, strict=True):
            queue += zip(side, people, strict=True)
        expected = (by_hand(sides[1], people, queues[0]) + by_hand(sides[0], people, queues[1])) / 2
        assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_queue_forgets():
    descent = SemiSiameseDescent(SAMPLER, WORKBOOK, "cpu", queue=4)
    for batch in batches_of(3):
        loss, _ = descent.loss_of(batch)
    people = batch.person.tolist()
    sides = batch.positive.numpy(), batch.anchor.numpy()
    last = [list(zip(side, people, strict=True)) for side in sides]
    expected = (by_hand(sides[1], people, last[0]) + by_hand(sides[0], people, last[1])) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_gallery_follows_slowly_and_has_no_gradient():
    descent = SemiSiameseDescent(SAMPLER, FAITHFUL, "cpu")
    (batch,) = batches_of(1)
    descent.loss_of(batch)[0].backward()
    with torch.no_grad():
        for weight in descent.model.parameters():
            weight += 1
    before = [weight.clone() for weight in descent.gallery.model.parameters()]
    descent.loss_of(batch)
    after = list(descent.gallery.model.parameters())
    assert all(weight.grad is None for weight in after)
    for old, new, fast in zip(before, after, descent.model.parameters(), strict=True):
        torch.testing.assert_close(new, 0.999 * old + 0.001 * fast)
