"""Answers that students write, right and wrong."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from eumlib.course.answers import NO_RETURN
from eumlib.course.loss_exercises import (
    check_batch_at_equality,
    check_distance_by_cosine,
    check_margin_for,
    check_restrained,
    check_self_restrained_triplet_loss,
    check_share_that_differs,
    check_squared_distance,
    check_triplet_loss,
)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: (x - y).norm(dim=1), "its square"),
        (lambda x, y: torch.sqrt(((x - y) ** 2).sum(dim=1)), "its square"),
        (lambda x, y: (x - y) ** 2, "Add up those of each row"),
        (lambda x, y: torch.sum((x - y) ** 2), "whole batch"),
        (lambda x, y: ((x - y) ** 2).sum(dim=0), "columns"),
        (lambda x, y: ((x - y) ** 2).mean(dim=1), "mean of the squares"),
        (lambda x, y: ((x - y).sum(dim=1)) ** 2, "must not cancel"),
        (lambda x, y: torch.abs(x - y).sum(dim=1), "absolute"),
        (lambda x, y: (x * y).sum(dim=1), "cosine"),
        (lambda x, y: 1 - (x * y).sum(dim=1), "half"),
        (lambda x, y: ((x - y) ** 2).sum(dim=1).mean(), "mean over the batch"),
        (lambda x, y: ((x - y) ** 2).sum(dim=1)[:, None], "(N, 1)"),
        (lambda x, y: 2 - 2 * x @ y.T, "every row of y"),
        (lambda x, y: 0, "Subtract"),
        (lambda x, y: None, NO_RETURN),
    ],
)
def test_the_squared_distance(answer, hint):
    def by_loops(x, y):
        pairs = zip(x.tolist(), y.tolist(), strict=True)
        return [sum((a - b) ** 2 for a, b in zip(*rows, strict=True)) for rows in pairs]

    assert check_squared_distance(by_loops) is None
    assert check_squared_distance(lambda x, y: torch.square(x - y).sum(1)) is None
    assert check_squared_distance(lambda x, y: 2 - 2 * (x * y).sum(dim=1)) is None
    assert hint in check_squared_distance(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda d1, d2, m: (d1 - d2 + m).mean(), "less than 0"),
        (lambda d1, d2, m: max((d1 - d2 + m).mean(), 0), "before the mean"),
        (lambda d1, d2, m: torch.clamp(d2 - d1 + m, min=0).mean(), "positive is far"),
        (lambda d1, d2, m: torch.clamp(d1 - d2 - m, min=0).mean(), "adds to the loss"),
        (lambda d1, d2, m: torch.clamp(d1 - d2, min=0).mean(), "margin come in"),
        (lambda d1, d2, m: torch.clamp(d1 - d2, min=0).mean() + m, "inside the maximum"),
        (lambda d1, d2, m: torch.clamp(d1 - d2 + 1, min=0).mean(), "Other margins"),
        (lambda d1, d2, m: torch.clamp(d1 - d2 + m, max=0).mean(), "needs the larger"),
        (lambda d1, d2, m: torch.clamp(d1 - d2 + m, min=0).sum(), "sum over"),
        (lambda d1, d2, m: torch.clamp(d1 - d2 + m, min=0), "of each triplet"),
        (lambda d1, d2, m: (d1 - d2 + m)[d1 - d2 + m > 0].mean(), "counts all"),
        (lambda d1, d2, m: 0.0, "Three steps"),
        (lambda d1, d2, m: None, NO_RETURN),
    ],
)
def test_the_triplet_loss(answer, hint):
    def by_a_loop(d1, d2, margin):
        return sum(max(near - far + margin, 0) for near, far in zip(d1, d2, strict=True)) / len(d1)

    assert check_triplet_loss(by_a_loop) is None
    assert check_triplet_loss(lambda d1, d2, m: torch.clamp(d1 - d2 + m, min=0).mean()) is None
    assert hint in check_triplet_loss(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda d2, d3: d2.mean() > d3.mean(), "At equality"),
        (lambda d2, d3: d3.mean() >= d2.mean(), "other way round"),
        (lambda d2, d3: d3.mean() > d2.mean(), "other way round"),
        (lambda d2, d3: d2 >= d3, "a single one"),
        (lambda d2, d3: torch.all(d2 >= d3), "Not every triplet"),
        (lambda d2, d3: any(d2 >= d3), "not enough"),
        (lambda d2, d3: (d2 >= d3).sum() >= len(d2) / 2, "majority"),
        (lambda d2, d3: d2.median() >= d3.median(), "medians"),
        (lambda d2, d3: d2.mean() - d3.mean(), "true or false"),
        (lambda d2, d3: d2.mean(), "two numbers"),
        (lambda d2, d3: None, NO_RETURN),
    ],
)
def test_the_restraint(answer, hint):
    assert check_restrained(lambda d2, d3: d2.mean() >= d3.mean()) is None
    assert check_restrained(lambda d2, d3: sum(d2.tolist()) >= sum(d3.tolist())) is None
    assert hint in check_restrained(answer)


def srt_with(push):
    return lambda d1, d2, d3, m: torch.clamp(d1 + m - push(d2, d3), min=0).mean()


def held(d2, d3):
    return d2.mean() >= d3.mean()


def push(d2, d3):
    return d3.mean() if held(d2, d3) else d2


srt = srt_with(push)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (srt_with(lambda d2, d3: d2), "does d3 come in"),
        (srt_with(lambda d2, d3: d3.mean()), "as restrained"),
        (srt_with(lambda d2, d3: d2 if held(d2, d3) else d3.mean()), "changed places"),
        (srt_with(lambda d2, d3: d3.mean() if held(d3, d2) else d2), "order of d2 and d3"),
        (srt_with(lambda d2, d3: 0 if held(d2, d3) else d2), "vanish"),
        (srt_with(lambda d2, d3: d3.mean() if d2.mean() > d3.mean() else d2), "At equality"),
        (srt_with(lambda d2, d3: d3 if held(d2, d3) else d2), "as one number"),
        (srt_with(lambda d2, d3: d2.mean() if held(d2, d3) else d2), "not that of d2"),
        (srt_with(lambda d2, d3: d3.mean() if held(d2, d3) else d2.mean()), "its own d2"),
        (srt_with(lambda d2, d3: torch.where(d2 >= d3, d3.mean(), d2)), "not one for each"),
        (lambda d1, d2, d3, m: (d1 + m - (d3.mean() if held(d2, d3) else d2)).mean(), "Where is"),
        (lambda d1, d2, d3, m: srt(d1 - m if held(d2, d3) else d1, d2, d3, m), "Both branches"),
        (lambda d1, d2, d3, m: srt(d1, d2, d3, 2.0), "Other margins"),
        (lambda d1, d2, d3, m: srt(d1, d2, d3, m) * len(d1), "sum over"),
        (lambda d1, d2, d3, m: torch.clamp(d1 + m - push(d2, d3), min=0), "of each triplet"),
        (lambda d1, d2, d3, m: 0.0, "First decide"),
        (lambda d1, d2, d3, m: None, NO_RETURN),
    ],
)
def test_the_self_restrained_triplet_loss(answer, hint):
    def by_a_loop(d1, d2, d3, margin):
        count, mean_d3 = len(d1), sum(d3.tolist()) / len(d3)
        restrained = sum(d2.tolist()) / count >= mean_d3
        pushes = [mean_d3] * count if restrained else d2.tolist()
        costs = (max(x + margin - y, 0) for x, y in zip(d1.tolist(), pushes, strict=True))
        return sum(costs) / count

    assert check_self_restrained_triplet_loss(by_a_loop) is None
    assert check_self_restrained_triplet_loss(srt) is None
    assert hint in check_self_restrained_triplet_loss(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda d1, d2, share: torch.quantile(d2 - d1, share), "violates"),
        (lambda d1, d2, share: torch.quantile(d1 - d2, share), "sign"),
        (lambda d1, d2, share: np.quantile(d1 - d2, 1 - share), "sign"),
        (lambda d1, d2, share: (d2 - d1).median(), "one half"),
        (lambda d1, d2, share: (d2 - d1).mean(), "as many triplets"),
        (lambda d1, d2, share: torch.mean(1.0 * (d2 - d1 >= share)), "other way"),
        (lambda d1, d2, share: d2.quantile(1 - share) - d1.quantile(1 - share), "Subtract first"),
        (lambda d1, d2, share: d2.quantile(share) - d1.quantile(share), "Subtract first"),
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
        (lambda x, y: ((x - y) ** 2).sum(dim=1), "any length"),
        (lambda x, y: 1 - cosine(x, y), "half"),
        (lambda x, y: 2 - 2 * (x * y).sum(dim=1) / x.norm() / y.norm(), "without dim"),
        (lambda x, y: 2 - 2 * (normalize(x) * y).sum(dim=1), "rows of y"),
        (lambda x, y: 2 - 2 * (x * normalize(y)).sum(dim=1), "rows of x"),
        (lambda x, y: 2 - 2 * normalize(x) @ normalize(y).T, "every row of y"),
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
        (batch([[0, 1]], [[0, -1]], [[1, 0]]), "1.0 instead of 1"),
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
    assert hint in check_batch_at_equality(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, b: ((a > b) != (a.mean() >= b.mean())).float().mean(), "equality"),
        (lambda a, b: (a >= b).float().mean(), "differs from the batch"),
        (lambda a, b: 1 - (a >= b).float().mean(), "fails, too"),
        (lambda a, b: ((a >= b) == (a.mean() >= b.mean())).float().mean(), "agree"),
        (lambda a, b: ((a >= b.mean()) != (a.mean() >= b.mean())).float().mean(), "its own d3"),
        (lambda a, b: ((a >= b) != (a.mean() >= b.mean())).sum(), "how many"),
        (lambda a, b: 100 * ((a >= b) != (a.mean() >= b.mean())).float().mean(), "percent"),
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
