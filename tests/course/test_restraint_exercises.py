"""Answers that students write, right and wrong."""

import pytest
import torch

from eumlib.course.answers import NO_RETURN
from eumlib.course.restraint_exercises import (
    check_batch_at_equality,
    check_restrained,
    check_self_restrained_triplet_loss,
    check_share_that_differs,
)

ANCHOR, POSITIVE, NEGATIVE = ([[0.0, 1.0]], [[0.0, -1.0]], [[1.0, 0.0]])


def batch(*parts):
    return lambda: tuple(torch.tensor(part) for part in parts)


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
        (lambda d2, d3: d2.mean() > d3.mean(), "At equality"),
        (lambda d2, d3: d3.mean() >= d2.mean(), "other way round"),
        (lambda d2, d3: d3.mean() > d2.mean(), "other way round"),
        (lambda d2, d3: d2 >= d3, "a single one"),
        (lambda d2, d3: torch.all(d2 >= d3), "Not every triplet"),
        (lambda d2, d3: any(d2 >= d3), "not enough"),
        (lambda d2, d3: (d2 >= d3).sum() >= len(d2) / 2, "majority"),
        (lambda d2, d3: d2.median() >= d3.median(), "medians"),
        (lambda d2, d3: d2.mean() - d3.mean(), "true or false"),
        (lambda d2, d3: d2.mean() >= d3.mean() - 0.1, "every batch"),
        (lambda d2, d3: True, "every batch"),
        (lambda d2, d3: d2.mean(), "two numbers"),
        (lambda d2, d3: None, NO_RETURN),
    ],
)
def test_the_restraint(answer, hint):
    assert check_restrained(lambda d2, d3: d2.mean() >= d3.mean()) is None
    assert check_restrained(lambda d2, d3: sum(d2.tolist()) >= sum(d3.tolist())) is None
    assert hint in check_restrained(answer)


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
        (lambda a, b: min((a >= b).float().mean(), (a < b).float().mean()), "majority"),
        (lambda a, b: ((a >= b) != (a.median() >= b.median())).float().mean(), "medians"),
        (lambda a, b: 0.0, "Two conditions"),
    ],
)
def test_a_condition_a_triplet(answer, hint):
    def right(d2, d3):
        batch_holds = d2.mean() >= d3.mean()
        return (d2 < d3 if batch_holds else d2 >= d3).float().mean()

    assert check_share_that_differs(right) is None
    assert hint in check_share_that_differs(answer)
