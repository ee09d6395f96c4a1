"""Answers that students write, right and wrong."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from eumlib.course.answers import NO_RETURN
from eumlib.course.loss_exercises import (
    check_distance_by_cosine,
    check_margin_for,
    check_squared_distance,
    check_triplet_loss,
)


def cosine(x, y):
    return (normalize(x) * normalize(y)).sum(dim=1)


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
