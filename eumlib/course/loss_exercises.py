"""The exercises of notebooks 05 and 06: the squared distance, the two losses, the restraint."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from eumlib.course.answers import NO_RETURN, Answer, compare
from eumlib.embeddings import unit_length
from eumlib.unmasking import (
    SelfRestrainedTripletLoss,
    TripletDistances,
    restraint_holds,
    triplet_distances,
)


def _tensors(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in arrays)


def _unit_pairs(random: np.random.Generator) -> tuple[torch.Tensor, ...]:
    return _tensors(*(unit_length(random.normal(size=(30, 8))) for _ in range(2)))


check_squared_distance = compare(
    lambda x, y: ((x - y) ** 2).sum(dim=1),
    _unit_pairs,
    {
        lambda x, y: (x - y).norm(dim=1): "That is the distance. d is its square.",
        lambda x, y: (x - y) ** 2: "The squares are right. Add up those of each row.",
        lambda x, y: ((x - y) ** 2).sum(): (
            "That is one number for the whole batch. Each row has a distance of its own: dim=1."
        ),
        lambda x, y: ((x - y) ** 2).sum(dim=0): (
            "You went down the columns. A face is a row: dim=1."
        ),
        lambda x, y: ((x - y) ** 2).mean(dim=1): (
            "That is the mean of the squares. The squared length is their sum."
        ),
        lambda x, y: (x - y).sum(dim=1) ** 2: (
            "Square first, then add up: differences of opposite sign must not cancel."
        ),
        lambda x, y: (x - y).abs().sum(dim=1): "Those are absolute differences. Square them.",
        lambda x, y: (x * y).sum(dim=1): (
            "That is the cosine: 1 for the same direction, where d has to be 0."
        ),
        lambda x, y: 1 - (x * y).sum(dim=1): (
            "That is half of it. For opposite directions d has to be 4."
        ),
        lambda x, y: ((x - y) ** 2).sum(dim=1).mean(): (
            "That is the mean over the batch. Return the distance of each row."
        ),
        lambda x, y: ((x - y) ** 2).sum(dim=1, keepdim=True): (
            "The numbers are right, and their shape is (N, 1). It should be (N,)."
        ),
        lambda x, y: torch.cdist(x, y) ** 2: (
            "You compare each row of x with every row of y. Row 3 of x belongs to row 3 of y alone."
        ),
    },
    "Subtract the rows, square every number, and add up along each row.",
)


def _distances_and_margin(random: np.random.Generator) -> tuple:
    d1, d2 = random.uniform(0, 2, size=(2, 50))
    return *_tensors(d1, d2 + random.uniform(0, 1.5)), random.uniform(0.3, 1.5)


check_triplet_loss = compare(
    lambda d1, d2, margin: torch.relu(d1 - d2 + margin).mean(),
    _distances_and_margin,
    {
        lambda d1, d2, margin: (d1 - d2 + margin).mean(): (
            "Some triplets satisfy the margin already, and you count them as less than 0. Where is "
            "the maximum with 0?"
        ),
        lambda d1, d2, margin: torch.relu((d1 - d2 + margin).mean()): (
            "The maximum with 0 belongs to each triplet, before the mean."
        ),
        lambda d1, d2, margin: torch.relu(d2 - d1 + margin).mean(): (
            "The sign: a triplet costs more when the positive is far and the negative near."
        ),
        lambda d1, d2, margin: torch.relu(d1 - d2 - margin).mean(): (
            "The sign of the margin: a larger one asks for more, so it adds to the loss."
        ),
        lambda d1, d2, margin: torch.relu(d1 - d2).mean(): "Where does the margin come in?",
        lambda d1, d2, margin: torch.relu(d1 - d2).mean() + margin: (
            "The margin belongs inside the maximum: it decides which triplets cost nothing."
        ),
        lambda d1, d2, margin: torch.relu(d1 - d2 + 1).mean(): (
            "Right for a margin of 1. Other margins come in as `margin`."
        ),
        lambda d1, d2, margin: torch.clamp(d1 - d2 + margin, max=0).mean(): (
            "You keep the smaller of each number and 0. The loss needs the larger."
        ),
        lambda d1, d2, margin: torch.relu(d1 - d2 + margin).sum(): (
            "That is the sum over the triplets. The loss is their mean."
        ),
        lambda d1, d2, margin: torch.relu(d1 - d2 + margin): (
            "That is the loss of each triplet, and it is right. The question asks for their mean."
        ),
        lambda d1, d2, margin: (d1 - d2 + margin)[d1 - d2 + margin > 0].mean(): (
            "N counts all triplets, also those that cost nothing."
        ),
    },
    "Three steps: d1 − d2 + m for each triplet, the larger of that and 0, and the mean.",
)


def _distances_and_share(random: np.random.Generator) -> tuple:
    near, far = random.uniform(0, 0.2, size=4000), 0.3 + random.exponential(0.4, size=4000)
    return *_tensors(near, far), random.uniform(0.6, 0.9)


def _quantile(values: torch.Tensor, share: float) -> float:
    return torch.quantile(values, share).item()


check_margin_for = compare(
    lambda d1, d2, share: _quantile(d2 - d1, 1 - share),
    _distances_and_share,
    {
        lambda d1, d2, share: _quantile(d2 - d1, share): (
            "With your margin that share of triplets violates it. A larger margin asks for more."
        ),
        lambda d1, d2, share: _quantile(d1 - d2, share): (
            "The sign: a triplet satisfies the margin if d2 is larger than d1 by so much."
        ),
        lambda d1, d2, share: _quantile(d1 - d2, 1 - share): (
            "The sign: a triplet satisfies the margin if d2 is larger than d1 by so much."
        ),
        lambda d1, d2, share: _quantile(d2 - d1, 0.5): (
            "Right for one half. Where does the share come in?"
        ),
        lambda d1, d2, share: (d2 - d1).mean().item(): (
            "The mean need not have as many triplets above as below. And where does the share "
            "come in?"
        ),
        lambda d1, d2, share: (d2 - d1 >= share).float().mean().item(): (
            "That is how many satisfy a margin of that size. The question goes the other way: from "
            "how many to the margin."
        ),
        lambda d1, d2, share: _quantile(d2, 1 - share) - _quantile(d1, 1 - share): (
            "Subtract first, triplet by triplet: d1 and d2 of one triplet belong together."
        ),
        lambda d1, d2, share: _quantile(d2, share) - _quantile(d1, share): (
            "Subtract first, triplet by triplet: d1 and d2 of one triplet belong together."
        ),
    },
    "Sort the triplets by d2 − d1. Between which two of them must the margin lie?",
    tolerance=0.02,
)


def _pairs_of_any_length(random: np.random.Generator) -> tuple[torch.Tensor, ...]:
    return _tensors(*random.normal(size=(2, 30, 8)) * random.uniform(0.5, 3, size=(2, 30, 1)))


_cosine = torch.nn.functional.cosine_similarity
_unit = torch.nn.functional.normalize

check_distance_by_cosine = compare(
    lambda x, y: 2 * (1 - _cosine(x, y)),
    _pairs_of_any_length,
    {
        lambda x, y: 2 * (1 - (x * y).sum(dim=1)): (
            "Right for rows of length 1. These have any length."
        ),
        lambda x, y: ((x - y) ** 2).sum(dim=1): (
            "These rows have any length. Scale them to length 1 first."
        ),
        lambda x, y: 1 - _cosine(x, y): (
            "That is half of it. For opposite directions d has to be 4."
        ),
        lambda x, y: torch.sqrt(2 * (1 - _cosine(x, y))): (
            "That is the distance; d is its square. The notebook's curve ends at 4, not at 2."
        ),
        lambda x, y: _cosine(x, y): "That is the cosine: high where d is low.",
        lambda x, y: (2 * (1 - _cosine(x, y))).mean(): "One number per row, not their mean.",
        lambda x, y: 2 * (1 - (x * y).sum(dim=1) / (x.norm() * y.norm())): (
            "norm() without dim is one number for all rows. Each row has its own length: dim=1."
        ),
        lambda x, y: 2 * (1 - (x * y).sum(dim=1) / x.norm(dim=1)): (
            "You scaled x. The rows of y have any length, too."
        ),
        lambda x, y: 2 * (1 - (x * y).sum(dim=1) / y.norm(dim=1)): (
            "You scaled y. The rows of x have any length, too."
        ),
        lambda x, y: 2 * (1 - _unit(x) @ _unit(y).T): (
            "You compare each row of x with every row of y. Row 3 of x belongs to row 3 of y alone."
        ),
        lambda x, y: 2 * (1 - _cosine(x, y, dim=0)): (
            "You went down the columns. A face is a row: dim=1."
        ),
    },
    "Multiply out ‖x − y‖² for two vectors of length 1: three terms, and two of them are 1.",
)


def _three_batches(random: np.random.Generator) -> list[tuple[torch.Tensor, ...]]:
    """d1, d2, d3 of a batch that is restrained, of one exactly at equality, and of one that is not.

    The means are exact in binary, so that equal ones are equal to the last digit; nothing else
    about d2 and d3, such as their medians, agrees with them.
    """
    batches = []
    for more in (0.25, 0, -0.25):
        d1 = random.integers(0, 16, size=32) / 8
        d2, d3 = random.integers(2, 28, size=(2, 32)) / 8
        batches.append(_tensors(d1, d2 - d2.mean() + d3.mean() + more, d3))
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
        _on_each(lambda d2, d3: (d2 >= d3).any()): "One triplet is not enough: the means decide.",
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
        return "True, but too easy: anchor and positive are the same. Move them apart."
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
    d2, d3 = random.uniform(0.5, 1.5, size=(2, 60)) + random.normal(0, 0.2, size=(2, 1))
    d2[:6] = d3[:6]
    return _tensors(d2, d3)


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
