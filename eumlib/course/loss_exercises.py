"""The exercises of notebook 05: the squared distance, the triplet loss, its margin."""

from __future__ import annotations

import numpy as np
import torch

from eumlib.course.answers import compare, tensors
from eumlib.embeddings import unit_length


def _unit_pairs(random: np.random.Generator) -> tuple[torch.Tensor, ...]:
    return tensors(*(unit_length(random.normal(size=(30, 8))) for _ in range(2)))


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
    return *tensors(d1, d2 + random.uniform(0, 1.5)), random.uniform(0.3, 1.5)


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
    return *tensors(near, far), random.uniform(0.6, 0.9)


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
    return tensors(*random.normal(size=(2, 30, 8)) * random.uniform(0.5, 3, size=(2, 30, 1)))


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
