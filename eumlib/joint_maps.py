"""Joint maps: unmasked, masked and unmasked-by-EUM views of the same faces, laid out in one fit.

A second fit has other axes, so before and after can be compared on one map alone. Unmasked views
do not pass through the EUM and stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eumlib.exploring import ExploredViews
from eumlib.projection import Projection, project_pca, project_umap

HOW_NOT_TO_READ = (
    "Neither the distance between islands nor their size means anything on a curved map such as "
    "UMAP's; it puts them where there is room.",
    "Another seed gives another map: what is not there under three seeds is not there.",
    "Check in the full space what you think you see: the scores and neighbours on this page are "
    "cosines there, not distances on the map.",
)


@dataclass(frozen=True)
class JointMap:
    """Where every view lies before and after the EUM, on one map.

    Attributes:
        before: ``(n, p)`` float32, p = 2 or 3.
        after: ``(n, p)`` float32; unmasked views lie where they lay.
        trustworthiness: in [0, 1], as in `eumlib.projection.Projection`.
        preservation: in [0, 1], as there.
        neighbours: how many neighbours both marks look at.
        made_by: the method and its parameters, in words.
    """

    before: np.ndarray
    after: np.ndarray
    trustworthiness: float
    preservation: float
    neighbours: int
    made_by: str

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return self.before.shape[1]

    @property
    def marks(self) -> str:
        """One line: how the map was made and how far it can be trusted."""
        return (
            f"{self.made_by}. Trustworthiness {self.trustworthiness:.2f}, neighbour preservation "
            f"{self.preservation:.2f} ({self.neighbours} neighbours; 1 is perfect, strewn at "
            "random about 0.5 and nearly 0)."
        )

    def part_way(self, share: float) -> np.ndarray:
        """``(n, p)``: where the views lie a share of the straight way from before to after."""
        return self.before + np.float32(share) * (self.after - self.before)

    def ranges(self, margin: float = 0.05) -> np.ndarray:
        """``(p, 2)``: lowest and highest coordinate of either side, with a margin.

        Both panels keep these ranges, so that only points move, not axes.
        """
        both = np.concatenate([self.before, self.after])
        low, high = both.min(axis=0), both.max(axis=0)
        room = margin * np.maximum(high - low, 1e-6)
        return np.stack([low - room, high + room], axis=1)


def joint_pca(views: ExploredViews, neighbours: int = 15, dimensions: int = 2) -> JointMap:
    """The directions of largest variance of all three kinds of views; distances are shadows.

    Taught in notebooks 04 and 09.
    """
    made_by = f"PCA, {dimensions} directions, one fit of all three kinds of views"
    return _joint(views, lambda v: project_pca(v, neighbours, dimensions), made_by)


def joint_umap(
    views: ExploredViews, neighbours: int = 15, seed: int = 0, dimensions: int = 2
) -> JointMap:
    """UMAP by cosine of all three kinds of views; cached, and as slow as `project_umap`.

    Taught in notebooks 04 and 09.
    """
    made_by = (
        f"UMAP by cosine, {neighbours} neighbours, seed {seed}, {dimensions} dimensions, one fit "
        "of all three kinds of views"
    )
    return _joint(views, lambda v: project_umap(v, neighbours, seed, dimensions), made_by)


def _joint(
    views: ExploredViews, project: Callable[[np.ndarray], Projection], made_by: str
) -> JointMap:
    masked = views.masked
    found = project(np.concatenate([views.vectors_before, views.vectors_after[masked]]))
    before, moved = np.split(found.coordinates, [len(views)])
    after = before.copy()
    after[masked] = moved
    return JointMap(
        before, after, found.trustworthiness, found.preservation, found.neighbours, made_by
    )
