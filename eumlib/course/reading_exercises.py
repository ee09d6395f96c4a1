"""The exercises of notebooks 04 and 09: what a map and a table say, in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from eumlib.course.answers import Answer, compare


def _two_lists_of_neighbours(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    both = [[random.choice(40, 5, replace=False) for _ in range(40)] for _ in range(2)]
    return tuple(np.array(both))


def _common(in_space: np.ndarray, on_map: np.ndarray) -> np.ndarray:
    return np.array([len(set(a) & set(b)) for a, b in zip(in_space, on_map, strict=True)])


check_preservation = compare(
    lambda in_space, on_map: _common(in_space, on_map).mean() / in_space.shape[1],
    _two_lists_of_neighbours,
    {
        lambda in_space, on_map: (in_space == on_map).mean(): (
            "You compare place by place. A neighbour that is second here and third there is kept."
        ),
        lambda in_space, on_map: _common(in_space, on_map).mean(): (
            "That is how many are kept. What share of the neighbours is it?"
        ),
        lambda in_space, on_map: _common(in_space, on_map) / in_space.shape[1]: (
            "That is the share of each point. Take their mean."
        ),
        lambda in_space, on_map: np.mean(
            [n / (2 * in_space.shape[1] - n) for n in _common(in_space, on_map)]
        ): "You divide by the neighbours of both lists together. How many are there in one?",
        lambda in_space, on_map: (_common(in_space, on_map) > 0).mean(): (
            "A point that keeps one neighbour of five has not kept them all."
        ),
        lambda in_space, on_map: np.isin(in_space, on_map).mean(): (
            "You look for each neighbour anywhere in the other table. Compare row by row."
        ),
    },
    "For each row: how many numbers stand in both lists? Then the mean, then the share.",
)


def _points_of_people(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    identity = random.permutation(np.repeat(np.arange(6), 8))
    centres = random.normal(size=(6, 2)) + 2
    return random.normal(centres[identity], 1.2), identity


def _next_door(distances: np.ndarray, identity: np.ndarray) -> float:
    return (identity[distances.argmin(axis=1)] == identity).mean()


def _apart(points: np.ndarray, metric: str = "euclidean") -> np.ndarray:
    return cdist(points, points, metric) + np.diag(np.full(len(points), np.inf))


check_same_person_next_door = compare(
    lambda points, identity: _next_door(_apart(points), identity),
    _points_of_people,
    {
        lambda points, identity: 1.0: (
            "Everyone's nearest point is the point itself, at distance 0. Take it out first."
        ),
        lambda points, identity: _next_door(-cdist(points, points), identity): (
            "You found the farthest point. A small distance is near, a large score is near."
        ),
        lambda points, identity: _next_door(_apart(points, "cosine"), identity): (
            "On a map, near is a matter of distance, not of direction."
        ),
        lambda points, identity: _next_door(_apart(points[:, :1]), identity): (
            "You look at one of the two coordinates only."
        ),
        lambda points, identity: (
            _next_door(_apart(points), identity) * len(points)
        ): "That is how many. What share is it?",
        lambda points, identity: identity[_apart(points).argmin(axis=1)] == identity: (
            "The right answer for each point. What share of them is it?"
        ),
    },
    "For each point: the distances to all others, the nearest of them, and whose it is.",
)


def _two_rates(random: np.random.Generator) -> tuple[float, float]:
    return tuple(random.uniform(0.02, 0.4, size=2).tolist())


check_change_in_percent = compare(
    lambda without, with_eum: 100 * (with_eum / without - 1),
    _two_rates,
    {
        lambda without, with_eum: 100 * (with_eum - without): (
            "Those are percentage points. From 8 % to 6 % is two points, but a fall of a quarter."
        ),
        lambda without, with_eum: 100 * (1 - with_eum / without): (
            "The sign: an error that falls has a change below 0."
        ),
        lambda without, with_eum: 100 * (without / with_eum - 1): (
            "You compare with the new rate. A change is in percent of the rate before it."
        ),
        lambda without, with_eum: 100 * (with_eum - without) / with_eum: (
            "You compare with the new rate. A change is in percent of the rate before it."
        ),
        lambda without, with_eum: 100 * with_eum / without: (
            "That is how much is left, in percent. No change would be 0."
        ),
        lambda without, with_eum: with_eum / without - 1: "Right as a share. Now in percent.",
        lambda without, with_eum: with_eum - without: (
            "That is a difference. From 0.08 to 0.06 the rate falls by a quarter."
        ),
    },
    "Try it by hand: from 0.08 to 0.06 is −25, from 0.08 to 0.08 is 0.",
)


def _ablation(random: np.random.Generator) -> tuple[pd.DataFrame]:
    rows = [
        {"trained": f"step {step}", "condition": condition}
        for step in random.permutation(9)
        for condition in ("flat", "lifelike")
    ]
    return (pd.DataFrame(rows).assign(eer=random.uniform(0.02, 0.3, size=len(rows))),)


def _by_condition(best_line: Answer) -> Answer:
    def best(ablation: pd.DataFrame) -> dict[str, str]:
        parts = ablation.groupby("condition", sort=False)
        return {
            condition: part["trained"].iloc[int(best_line(part["eer"].to_numpy()))]
            for condition, part in parts
        }

    return best


def _largest_step_of_all(ablation: pd.DataFrame) -> dict[str, str]:
    line = ablation["trained"].iloc[ablation["eer"].diff().argmin()]
    return dict.fromkeys(ablation["condition"].unique(), line)


check_largest_step = compare(
    _by_condition(lambda eer: np.diff(eer).argmin() + 1),
    _ablation,
    {
        _by_condition(np.argmin): (
            "That is the line with the lowest EER. Most of its fall may come from the lines before."
        ),
        _by_condition(lambda eer: np.diff(eer).argmin()): (
            "One line too early: a step belongs to the line that it leads to."
        ),
        _by_condition(lambda eer: np.diff(eer).argmax() + 1): (
            "That step raises the error most. Which one lowers it most?"
        ),
        _by_condition(lambda eer: np.abs(np.diff(eer)).argmax() + 1): (
            "That step may be one upwards. Which one lowers the error most?"
        ),
        _by_condition(lambda eer: (eer[1:] / eer[:-1]).argmin() + 1): (
            "You take each step in percent of the line before it. Take the difference."
        ),
        _largest_step_of_all: (
            "The rows of different conditions alternate. Take each step within one condition "
            "(groupby)."
        ),
    },
    "For each condition: subtract from each line the one before it, and find where the EER falls "
    "most. The answer is a dict from condition to the name in `trained`.",
)
