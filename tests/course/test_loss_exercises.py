"""Answers that students write, right and wrong."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from eumlib.course.answers import NO_RETURN
from eumlib.course.loss_exercises import (
    check_batch_at_equality,
    check_distance_by_cosine,
    check_learning_rate_of,
    check_margin_for,
    check_score_of_the_average_face,
    check_share_that_differs,
)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda d1, d2, share: torch.quantile(d2 - d1, share), "violates"),
        (lambda d1, d2, share: torch.quantile(d1 - d2, share), "sign"),
        (lambda d1, d2, share: np.quantile(d1 - d2, 1 - share), "sign"),
        (lambda d1, d2, share: (d2 - d1).median(), "one half"),
        (lambda d1, d2, share: (d2 - d1).mean(), "not as many"),
        (lambda d1, d2, share: torch.mean(1.0 * (d2 - d1 >= share)), "the way back"),
        (lambda d1, d2, share: share, "Sort"),
        (lambda d1, d2, share: None, NO_RETURN),
    ],
)
def test_a_margin_for_a_share(answer, hint):
    assert check_margin_for(lambda d1, d2, share: torch.quantile(d2 - d1, 1 - share)) is None
    assert check_margin_for(lambda d1, d2, share: np.quantile(d2 - d1, 1 - share)) is None
    by_sorting = lambda d1, d2, share: (d2 - d1).sort().values[int(len(d1) * (1 - share))]  # noqa: E731
    assert check_margin_for(by_sorting) is None
    assert hint in check_margin_for(answer)


def cosine(x, y):
    return (normalize(x) * normalize(y)).sum(dim=1)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: 2 - 2 * (x * y).sum(dim=1), "any length"),
        (lambda x, y: ((x - y) ** 2).sum(dim=1), "as they come"),
        (lambda x, y: 1 - cosine(x, y), "Half"),
        (lambda x, y: (normalize(x) - normalize(y)).norm(dim=1), "its square"),
        (cosine, "high where"),
        (lambda x, y: (2 - 2 * cosine(x, y)).mean(), "not their mean"),
        (lambda x, y: 2 - 2 * (normalize(x, dim=0) * normalize(y, dim=0)).sum(dim=0), "columns"),
        (lambda x, y: 0, "three terms"),
    ],
)
def test_the_distance_by_the_cosine(answer, hint):
    assert check_distance_by_cosine(lambda x, y: 2 - 2 * cosine(x, y)) is None
    assert hint in check_distance_by_cosine(answer)


ANCHOR, POSITIVE, NEGATIVE = ([[0.0, 1.0]], [[0.0, -1.0]], [[1.0, 0.0]])


def batch(*parts):
    return lambda: tuple(torch.tensor(part) for part in parts)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (batch(POSITIVE, POSITIVE, NEGATIVE), "too easy"),
        (batch([[0.6, 0.8]], POSITIVE, NEGATIVE), "nearer to the negatives"),
        (batch([[-0.6, 0.8]], POSITIVE, NEGATIVE), "farther from the negatives"),
        (batch(ANCHOR[0], POSITIVE[0], NEGATIVE[0]), "(N, d)"),
        (batch(ANCHOR, POSITIVE), "three tensors"),
        (batch(ANCHOR, POSITIVE, NEGATIVE * 2), "different shapes"),
        (batch(ANCHOR, POSITIVE, [[0.0, 0.0]]), "no direction"),
        (lambda: None, NO_RETURN),
        # one digit off: what rounding leaves of an angle of 60 degrees
        (batch([[1.0000010, 1.0]], [[1.0, -1.0]], [[1.0, 0.0]]), "last digit"),
    ],
)
def test_a_batch_at_equality(answer, hint):
    assert check_batch_at_equality(batch(ANCHOR, POSITIVE, NEGATIVE)) is None
    assert check_batch_at_equality(batch([[0, 1]], [[0, -1]], [[1, 0]])) is None
    assert hint in check_batch_at_equality(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, b: ((a > b) != (a.mean() >= b.mean())).float().mean(), "equality"),
        (lambda a, b: (a >= b).float().mean(), "from what the batch says"),
        (lambda a, b: 1 - (a >= b).float().mean(), "not always"),
        (lambda a, b: ((a >= b) == (a.mean() >= b.mean())).float().mean(), "agree"),
        (lambda a, b: ((a >= b.mean()) != (a.mean() >= b.mean())).float().mean(), "its own d3"),
        (lambda a, b: ((a >= b) != (a.mean() >= b.mean())).sum(), "how many"),
        (lambda a, b: (a >= b) != (a.mean() >= b.mean()), "for each triplet"),
        (lambda a, b: 0.0, "Two conditions"),
    ],
)
def test_a_condition_a_triplet(answer, hint):
    def right(d2, d3):
        batch_holds = d2.mean() >= d3.mean()
        return (d2 < d3 if batch_holds else d2 >= d3).float().mean()

    assert check_share_that_differs(right) is None
    assert hint in check_share_that_differs(answer)


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
        (lambda epoch, start, every: start, "whole steps"),
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
        (lambda x: x.mean(axis=0), "what it scores"),
        (lambda x: x.mean(), "axis=0"),
        (lambda x: 1.0, "scaled to length 1"),
    ],
)
def test_the_average_face(answer, hint):
    assert check_score_of_the_average_face(lambda x: (x @ unit(x.mean(axis=0))).mean()) is None
    assert hint in check_score_of_the_average_face(answer)
