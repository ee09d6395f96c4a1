"""The exercises of notebooks 05 to 07: margins, distances, the restraint, schedule, collapse."""

from __future__ import annotations

import numpy as np
import torch

from eumlib.course.answers import NO_RETURN, Answer, compare
from eumlib.embeddings import unit_length
from eumlib.unmasking import Recipe, restraint_holds, triplet_distances


def _tensors(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in arrays)


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
            "The mean has as much above as below it, not as many, and the share does not come in."
        ),
        lambda d1, d2, share: (d2 - d1 >= share).float().mean().item(): (
            "That is how many satisfy a margin of that size. Asked is the way back: from how many "
            "to the margin."
        ),
    },
    "Sort the triplets by d2 − d1. Between which two of them does the margin have to lie?",
    tolerance=0.02,
)


def _pairs_of_any_length(random: np.random.Generator) -> tuple[torch.Tensor, ...]:
    return _tensors(*random.normal(size=(2, 30, 8)) * random.uniform(0.5, 3, size=(2, 30, 1)))


_cosine = torch.nn.functional.cosine_similarity

check_distance_by_cosine = compare(
    lambda x, y: 2 * (1 - _cosine(x, y)),
    _pairs_of_any_length,
    {
        lambda x, y: 2 * (1 - (x * y).sum(dim=1)): (
            "Right for rows of length 1. These have any length."
        ),
        lambda x, y: ((x - y) ** 2).sum(dim=1): (
            "That is the distance of rows as long as they come. Scale them to length 1 first."
        ),
        lambda x, y: 1 - _cosine(x, y): (
            "Half of it. Opposite rows of length 1 are 2 apart, and 4 when that is squared."
        ),
        lambda x, y: torch.sqrt(2 * (1 - _cosine(x, y))): (
            "That is the distance; d is its square. The notebook's curve ends at 4, not at 2."
        ),
        lambda x, y: _cosine(x, y): "That is the cosine: high where d is low.",
        lambda x, y: (2 * (1 - _cosine(x, y))).mean(): "One number a row, not their mean.",
        lambda x, y: 2 * (1 - _cosine(x, y, dim=0)): (
            "You went down the columns. A face is a row: dim=1."
        ),
    },
    "Multiply out ‖x − y‖² for two vectors of length 1: three terms, and two of them are 1.",
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
    if len({tuple(part.shape) for part in batch}) > 1:
        return "The three have different shapes."
    anchor, positive, negative = (part.float() for part in batch)
    if any((part.norm(dim=1) == 0).any() for part in (anchor, positive, negative)):
        return "A point at 0 has no direction, and so no distance."
    distances = triplet_distances(anchor, positive, negative)
    if (distances.d1 < 1e-6).all():
        return "True, but too easy: anchor and positive are the same. Set them apart."
    gap = (distances.d2.mean() - distances.d3.mean()).item()
    if abs(gap) > 1e-5:
        side = "farther from" if gap > 0 else "nearer to"
        return f"The anchors are {side} the negatives than the positives are, by {abs(gap):.3f}."
    if not restraint_holds(distances):
        return (
            "Equal on paper, and not in the last digit of the computer. Right angles have "
            "distances that are exact."
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
            "That is for how many the condition holds. How many differ from what the batch says?"
        ),
        lambda d2, d3: (d2 < d3).float().mean().item(): (
            "That is for how many it does not hold. The batch does not always hold either."
        ),
        lambda d2, d3: 1 - _differ(d2 >= d3, d2, d3): "Those agree with the batch.",
        lambda d2, d3: _differ(d2 >= d3.mean(), d2, d3): (
            "Compare each d2 with its own d3, not with their mean."
        ),
        lambda d2, d3: len(d2) * _differ(d2 >= d3, d2, d3): "That is how many; asked is the share.",
        lambda d2, d3: (d2 >= d3) != (d2.mean() >= d3.mean()): (
            "The right answer for each triplet. Asked is the share of them."
        ),
    },
    "Two conditions: one with means, one for each triplet. In what share do they differ?",
)


def _schedule(random: np.random.Generator) -> tuple[int, float, int]:
    return int(random.integers(1, 30)), random.uniform(0.05, 1), int(random.integers(2, 6))


check_learning_rate_of = compare(
    lambda epoch, start, every: Recipe(learning_rate=start, epochs_a_step=every).learning_rate_of(
        epoch
    ),
    _schedule,
    {
        lambda epoch, start, every: start / 10 ** (epoch // every): (
            "It falls one epoch too early. Epochs are counted from 1: how many are over at the "
            "start of epoch 1?"
        ),
        lambda epoch, start, every: start / 10 ** ((epoch - 1) / every): (
            "It is to fall in stairs, not a little every epoch."
        ),
        lambda epoch, start, every: start / 10 ** (epoch / every): (
            "It is to fall in stairs, not a little every epoch."
        ),
        lambda epoch, start, every: start / 10 ** (epoch - 1): "It falls every epoch.",
        lambda epoch, start, every: start / (10 * ((epoch - 1) // every) or 1): (
            "Divided by 10 twice is divided by 100, not by 20."
        ),
        lambda epoch, start, every: start / (10 if epoch > every else 1): (
            "It falls once, and then never again."
        ),
        lambda epoch, start, every: start * 10 ** ((epoch - 1) // every): "It rises.",
    },
    "How many whole steps are over when the epoch begins? So often has it been divided by 10.",
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
            "The mean of many vectors of length 1 is shorter than 1, and a product is a cosine "
            "only for those of length 1."
        ),
        _off_the_diagonal: (
            "That is how alike two faces are. Each is to be scored with the average."
        ),
        lambda faces: faces @ faces.mean(axis=0) / np.linalg.norm(faces.mean(axis=0)): (
            "The right score of each face. Asked is their mean."
        ),
        lambda faces: faces.mean(axis=0): "That is the average face. Asked is what it scores.",
        lambda faces: faces.mean(): (
            "That is the mean of all numbers. The average face has a mean for each column: axis=0."
        ),
    },
    "The average of the rows, scaled to length 1; its product with each row; the mean of those.",
)
