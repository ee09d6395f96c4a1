"""How far a map can be trusted: two marks, of all its points or, of very many, of a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

from eumlib._common.progress import progress_bar

MOST_JUDGED = 5000
_DISTANCES_A_BLOCK = 2**22


class MapMarks(NamedTuple):
    """Two marks of a map.

    Attributes:
        trustworthiness: in [0, 1]; 1 where neighbours on the map are neighbours in the space
            (Venna and Kaski 2001).
        preservation: in [0, 1]; the share of a point's nearest neighbours in the space that are
            among its nearest on the map.
        neighbours: how many neighbours both marks look at, k.
        sample: the marks are of so many points, drawn at random; None: of all.
    """

    trustworthiness: float
    preservation: float
    neighbours: int
    sample: int | None


def map_marks(
    vectors: np.ndarray, coordinates: np.ndarray, neighbours: int, most: int = MOST_JUDGED
) -> MapMarks:
    """Both marks of a map, by cosine in the space and Euclidean distance on the map.

    Of n points, m are judged: all, or `most` of them, drawn at random (always the same). Each is
    judged among all n, with rᵢⱼ the rank of j among the neighbours of i in the space:

        trustworthiness = 1 − 2 / (m k (2n − 3k − 1)) · Σᵢ Σⱼ max(0, rᵢⱼ − k),

    where j goes over the k nearest of i on the map. It is done by blocks of points: memory does
    not grow with n².

    Args:
        vectors: ``(n, d)``, none of them 0.
        coordinates: ``(n, p)``.
        neighbours: k, or fewer: both marks are of less than half of the other points.
        most: points to judge, at most.
    """
    total = len(vectors)
    count = min(neighbours, (total - 1) // 2)
    points = np.arange(total)
    if total > most:
        points = np.sort(np.random.default_rng(0).choice(total, most, replace=False))
    directions = normalize(vectors)
    intruders = kept = 0
    size = max(1, _DISTANCES_A_BLOCK // total)
    with progress_bar(len(points), "marks of the map", "point", delay=2) as bar:
        for start in range(0, len(points), size):
            block = points[start : start + size]
            in_space = -(directions[block] @ directions.T)
            on_map = cdist(coordinates[block], coordinates)
            for distances in (in_space, on_map):
                distances[np.arange(len(block)), block] = np.inf  # nobody is their own neighbour
            near_in_space, near_on_map = (
                np.argpartition(distances, count - 1, axis=1)[:, :count]
                for distances in (in_space, on_map)
            )
            for there in np.take_along_axis(in_space, near_on_map, axis=1).T:
                ranks = np.count_nonzero(in_space < there[:, None], axis=1) + 1
                intruders += int(np.maximum(ranks - count, 0).sum())
            kept += int((near_in_space[:, :, None] == near_on_map[:, None, :]).sum())
            bar.update(len(block))
    worst = len(points) * count * (2 * total - 3 * count - 1) / 2
    sample = None if len(points) == total else len(points)
    return MapMarks(1 - intruders / worst, kept / (len(points) * count), count, sample)
