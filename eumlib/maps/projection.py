"""Maps of the embedding space in two or three dimensions, and how far to trust them."""

from __future__ import annotations

import hashlib
import importlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA

from eumlib._common.files import atomic_path, home, key_of
from eumlib._common.progress import bar_options, progress_bar
from eumlib.maps.marks import MapMarks, map_marks
from eumlib.maps.views import ExploredViews

# From so many points on UMAP itself no longer looks for the exact neighbours.
_MANY_POINTS = 4096


class Projection(NamedTuple):
    """Coordinates of a joint map, ``(n, p)`` float32 with p = 2 or 3, and its two marks."""

    coordinates: np.ndarray
    marks: MapMarks


def project_pca(vectors: np.ndarray, neighbours: int = 15, dimensions: int = 2) -> Projection:
    """The directions of largest variance: ``(n, d)`` to a `Projection`.

    A linear map: distances on it are shadows of distances in the space.
    """
    coordinates = PCA(n_components=dimensions, svd_solver="full").fit_transform(vectors)
    return _marked(vectors, coordinates.astype(np.float32), neighbours)


def project_umap(
    vectors: np.ndarray, neighbours: int = 15, seed: int = 0, dimensions: int = 2
) -> Projection:
    """UMAP (McInnes et al., arXiv 1802.03426) by cosine distance: ``(n, d)`` to a `Projection`.

    All points that are to be compared must be projected together: a second fit has other axes. The
    same seed gives the same map on one machine, not on another. The first call of a process takes
    most of a minute (the library is compiled as it is imported); coordinates are cached.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    parameters = (str(neighbours), str(seed), str(dimensions), *_start(len(vectors)).values())
    key = key_of("umap", hashlib.sha256(vectors).hexdigest(), *parameters)
    path = home() / "projections" / f"{key}.npy"
    if not path.exists():
        coordinates = _fit_umap(vectors, neighbours, seed, dimensions)
        with atomic_path(path) as temporary:
            np.save(temporary, coordinates, allow_pickle=False)
    return _marked(vectors, np.load(path, allow_pickle=False), neighbours)


def _start(points: int) -> dict[str, str]:
    """Where UMAP starts: by its default, or, with many points, from their PCA.

    Its default is a spectral layout, of each island by itself. People are islands, or nearly so,
    and with many of them it takes longer than all the rest.
    """
    return {"init": "pca"} if points >= _MANY_POINTS else {}


def _fit_umap(vectors: np.ndarray, neighbours: int, seed: int, dimensions: int) -> np.ndarray:
    with warnings.catch_warnings():
        # umap warns that tensorflow is missing, and that a seed means one thread: both are meant.
        warnings.simplefilter("ignore")
        bar = bar_options("UMAP", "pass", delay=2) | {"bar_format": None}  # its own has no estimate
        mapper = _umap().UMAP(
            n_neighbors=neighbours, n_components=dimensions, metric="cosine", random_state=seed,
            tqdm_kwds=bar, **_start(len(vectors)),
        )  # fmt: skip
        return mapper.fit_transform(vectors).astype(np.float32)


def _umap() -> ModuleType:
    """The library, which is compiled as it is imported."""
    if "umap" not in sys.modules:
        with progress_bar(1, "loading UMAP, up to a minute", "library") as bar:
            importlib.import_module("umap")
            bar.update()
    return sys.modules["umap"]


def _marked(vectors: np.ndarray, coordinates: np.ndarray, neighbours: int) -> Projection:
    return Projection(coordinates, map_marks(vectors, coordinates, neighbours))


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
        trustworthiness: in [0, 1], as in `eumlib.maps.MapMarks`.
        preservation: in [0, 1], as there.
        neighbours: how many neighbours both marks look at.
        sample: the marks are of so many points; None: of all.
        made_by: the method and its parameters, in words.
    """

    before: np.ndarray
    after: np.ndarray
    trustworthiness: float
    preservation: float
    neighbours: int
    sample: int | None
    made_by: str

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return self.before.shape[1]

    @property
    def marks(self) -> str:
        """One line: how the map was made and how far it can be trusted."""
        sampled = f" of a sample of {self.sample:,} points" if self.sample else ""
        return (
            f"{self.made_by}. Trustworthiness {self.trustworthiness:.2f}, neighbour preservation "
            f"{self.preservation:.2f} ({self.neighbours} neighbours{sampled}; 1 is perfect, strewn "
            "at random about 0.5 and nearly 0)."
        )

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
    return JointMap(before, after, *found.marks, made_by)
