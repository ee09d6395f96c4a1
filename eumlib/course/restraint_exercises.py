"""The exercises of notebook 06: the restraint, SRT, a batch at equality."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from eumlib.course.answers import NO_RETURN, Answer, compare, tensors
from eumlib.unmasking import (
    SelfRestrainedTripletLoss,
    TripletDistances,
    restraint_holds,
    triplet_distances,
)


def _three_batches(random: np.random.Generator) -> list[tuple[torch.Tensor, ...]]:
    """d1, d2, d3 of a batch that is restrained, of one exactly at equality, and of one that is not.

    The means are exact in binary, so that equal ones are equal to the last digit; nothing else
    about d2 and d3, such as their medians, agrees with them.
    """
    batches = []
    for more in (0.25, 0, -1 / 64):
        d1 = random.integers(0, 16, size=32) / 8
        d2, d3 = random.integers(2, 28, size=(2, 32)) / 8
        batches.append(tensors(d1, d2 - d2.mean() + d3.mean() + more, d3))
    return batches


def _on_each(answer: Answer) -> Answer:
    """The answer to each of several cases, as one list."""

    def answers(*cases: tuple) -> list[np.ndarray] | None:
        given = [answer(*case) for case in cases]
        if any(value is None for value in given):
            return None
        return [np.asarray(value) for value in given]

    return answers


def check_restrained(answer: Answer) -> str | None:
    """A hint, unless the answer says of d2 and d3 whether their batch is restrained."""
    return _check_restrained(_on_each(answer))


_check_restrained = compare(
    _on_each(lambda d2, d3: d2.mean() >= d3.mean()),
    lambda random: tuple(batch[1:] for batch in _three_batches(random)),
    {
        _on_each(lambda d2, d3: d2.mean() > d3.mean()): (
            "Nearly. At equality the batch is restrained, too."
        ),
        _on_each(lambda d2, d3: d2.mean() <= d3.mean()): (
            "The other way round: the restraint holds when the anchors are far from the negatives."
        ),
        _on_each(lambda d2, d3: d2.mean() < d3.mean()): (
            "The other way round: the restraint holds when the anchors are far from the negatives."
        ),
        _on_each(lambda d2, d3: d2 >= d3): (
            "That is an answer for each triplet. The whole batch needs a single one."
        ),
        _on_each(lambda d2, d3: (d2 >= d3).all()): (
            "Not every triplet has to agree: the means decide."
        ),
        _on_each(lambda d2, d3: (d2 >= d3).any()): (
            "True for every batch. One triplet is not enough: the means decide."
        ),
        _on_each(lambda d2, d3: (d2 >= d3).float().mean() >= 0.5): (
            "A majority of the triplets may disagree with the means."
        ),
        _on_each(lambda d2, d3: d2.median() >= d3.median()): (
            "The medians may disagree with the means."
        ),
        _on_each(lambda d2, d3: d2.mean() - d3.mean()): (
            "That is the gap between the two means. The answer is true or false."
        ),
    },
    "Compare two numbers: the mean of d2 with the mean of d3.",
)

_Push = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _srt_with(push: _Push) -> Answer:
    """The SRT loss with another rule for what is taken away from d1 + m."""
    return _on_each(
        lambda d1, d2, d3, margin: torch.relu(d1 + margin - push(d2, d3)).mean().numpy()
    )


def _srt(d1: torch.Tensor, d2: torch.Tensor, d3: torch.Tensor, margin: float) -> torch.Tensor:
    return SelfRestrainedTripletLoss(margin)(TripletDistances(d1, d2, d3))


def check_self_restrained_triplet_loss(answer: Answer) -> str | None:
    """A hint, unless the answer is SRT of d1, d2, d3 and a margin."""
    return _check_srt(_on_each(answer))


def _batches_with_margin(random: np.random.Generator) -> tuple[tuple, ...]:
    margin = random.uniform(0.2, 1.5)
    return tuple((*batch, margin) for batch in _three_batches(random))


_check_srt = compare(
    _on_each(_srt),
    _batches_with_margin,
    {
        _srt_with(lambda d2, d3: d2): "That is the triplet loss. When does d3 come in?",
        _srt_with(lambda d2, d3: d3.mean()): (
            "You treat every batch as restrained. In other batches the negatives still push."
        ),
        _srt_with(lambda d2, d3: d2 if d2.mean() >= d3.mean() else d3.mean()): (
            "The branches have changed places."
        ),
        _srt_with(lambda d2, d3: d3.mean() if d3.mean() >= d2.mean() else d2): (
            "The branches have changed places. Is the order of d2 and d3 in the condition right?"
        ),
        _srt_with(lambda d2, d3: d2.mul(d2.mean() < d3.mean())): (
            "The negatives do not vanish from the restrained branch: they enter as a constant."
        ),
        _srt_with(lambda d2, d3: d3.mean() if d2.mean() > d3.mean() else d2): (
            "Nearly. At equality the batch is restrained, too."
        ),
        _srt_with(lambda d2, d3: d3 if d2.mean() >= d3.mean() else d2): (
            "In the restrained branch the negatives enter as one number, the mean of d3."
        ),
        _srt_with(lambda d2, d3: d2.mean() if d2.mean() >= d3.mean() else d2): (
            "In the restrained branch, subtract the mean of d3, not that of d2."
        ),
        _srt_with(lambda d2, d3: d3.mean() if d2.mean() >= d3.mean() else d2.mean()): (
            "When the batch is not restrained, each triplet keeps its own d2."
        ),
        _srt_with(lambda d2, d3: torch.where(d2 >= d3, d3.mean(), d2)): (
            "One condition for the whole batch, not one for each triplet."
        ),
        _on_each(
            lambda d1, d2, d3, margin: torch.relu(
                (d1 + margin - (d3.mean() if d2.mean() >= d3.mean() else d2)).mean()
            )
        ): "The maximum with 0 belongs to each triplet, before the mean.",
        _on_each(
            lambda d1, d2, d3, margin: (
                d1 + margin - (d3.mean() if d2.mean() >= d3.mean() else d2)
            ).mean()
        ): "Where is the maximum with 0?",
        _on_each(
            lambda d1, d2, d3, margin: torch.relu(
                d1 - d3.mean() if d2.mean() >= d3.mean() else d1 + margin - d2
            ).mean()
        ): "Both branches have the margin.",
        _on_each(lambda d1, d2, d3, margin: _srt(d1, d2, d3, 2.0)): (
            "Right for a margin of 2. Other margins come in as `margin`."
        ),
        _on_each(lambda d1, d2, d3, margin: len(d1) * _srt(d1, d2, d3, margin)): (
            "That is the sum over the triplets. The loss is their mean."
        ),
        _on_each(
            lambda d1, d2, d3, margin: torch.relu(
                d1 + margin - (d3.mean() if d2.mean() >= d3.mean() else d2)
            )
        ): "That is the loss of each triplet, and it is right. The question asks for their mean.",
    },
    "First decide what to subtract from d1 + m: the mean of d3 if the batch is restrained, "
    "otherwise each d2. Then the larger of that and 0, and the mean.",
)


def check_batch_at_equality(answer: Answer) -> str | None:
    """A hint, unless the answer is a batch in which the means of d2 and d3 are the same."""
    batch = answer()
    if batch is None:
        return NO_RETURN
    if not isinstance(batch, tuple | list) or len(batch) != 3:
        return "Return three tensors: anchor, positive, negative."
    if any(not torch.is_tensor(part) or part.ndim != 2 for part in batch):
        return "Each of the three is a tensor of shape (N, d), also if N is 1: [[1.0, 0.0]]."
    if any(not part.is_floating_point() for part in batch):
        return "These tensors hold whole numbers. Write 1.0 instead of 1."
    if len({tuple(part.shape) for part in batch}) > 1:
        return "The three have different shapes."
    anchor, positive, negative = (part.float() for part in batch)
    if any((part.norm(dim=1) == 0).any() for part in (anchor, positive, negative)):
        return "A row of zeros has no direction, and so no distance."
    distances = triplet_distances(anchor, positive, negative)
    if (distances.d1 < 1e-6).all():
        return "True, but too easy: anchor and positive point the same way. Move them apart."
    gap = (distances.d2.mean() - distances.d3.mean()).item()
    if abs(gap) > 1e-5:
        side = "farther from" if gap > 0 else "nearer to"
        return f"The anchors are {side} the negatives than the positives are, by {abs(gap):.3f}."
    if not restraint_holds(distances):
        return (
            "Equal on paper, but not in the computer's last digit. At right angles the distances "
            "are exact."
        )
    return None


def _distances_with_ties(random: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """d2 and d3 of a batch; a few far triplets decide its means against the majority."""
    d2, d3 = random.uniform(0.5, 1.5, size=(2, 60)) + random.normal(0, 0.2, size=(2, 1))
    d2[:6] = d3[:6]
    if random.random() < 0.5:
        most, few = (d2, d3) if (d2 > d3).mean() > 0.5 else (d3, d2)
        few[-6:] = 3.9
        most[-6:] = 0.1
    return tensors(d2, d3)


def _differ(own: torch.Tensor, d2: torch.Tensor, d3: torch.Tensor) -> float:
    return (own != (d2.mean() >= d3.mean())).float().mean().item()


check_share_that_differs = compare(
    lambda d2, d3: _differ(d2 >= d3, d2, d3),
    _distances_with_ties,
    {
        lambda d2, d3: _differ(d2 > d3, d2, d3): (
            "Nearly. Some of these triplets have d2 = d3: which branch does equality take?"
        ),
        lambda d2, d3: (d2 >= d3).float().mean().item(): (
            "That is the share for which the condition holds. What share differs from the batch?"
        ),
        lambda d2, d3: (d2 < d3).float().mean().item(): (
            "That is the share for which the condition fails. But in some batches the batch's own "
            "condition fails, too."
        ),
        lambda d2, d3: (
            1 - _differ(d2 >= d3, d2, d3)
        ): "That is the share that agrees with the batch.",
        lambda d2, d3: min((d2 >= d3).float().mean().item(), (d2 < d3).float().mean().item()): (
            "That takes the majority for the batch. The batch goes by its means."
        ),
        lambda d2, d3: ((d2 >= d3) != (d2.median() >= d3.median())).float().mean().item(): (
            "The batch goes by its means, not by its medians."
        ),
        lambda d2, d3: _differ(d2 >= d3.mean(), d2, d3): (
            "Compare each d2 with its own d3, not with their mean."
        ),
        lambda d2, d3: (
            len(d2) * _differ(d2 >= d3, d2, d3)
        ): "That is how many. The question asks for the share.",
        lambda d2, d3: (
            100 * _differ(d2 >= d3, d2, d3)
        ): "That is the share in percent. Return it as a number from 0 to 1.",
        lambda d2, d3: (d2 >= d3) != (d2.mean() >= d3.mean()): (
            "That is right for each triplet. The question asks for the share of them."
        ),
    },
    "Two conditions: one with means, one for each triplet. In what share do they differ?",
)
