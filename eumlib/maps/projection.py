"""Maps of the embedding space in two or three dimensions, and how far to trust them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from eumlib._common.files import atomic_path, home, key_of
from eumlib.maps.views import ExploredViews


@dataclass(frozen=True)
class Projection:
    """Coordinates of a joint map, and its two marks.

    Attributes:
        coordinates: ``(n, p)`` float32, p = 2 or 3.
        trustworthiness: in [0, 1]; 1 where neighbours on the map are neighbours in the space
            (Venna and Kaski 2001).
        preservation: in [0, 1]; the share of a point's nearest neighbours in the space that are
            among its nearest on the map.
        neighbours: how many neighbours both marks look at.
    """

    coordinates: np.ndarray
    trustworthiness: float
    preservation: float
    neighbours: int


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
    parameters = (str(neighbours), str(seed), str(dimensions))
    key = key_of("umap", hashlib.sha256(vectors).hexdigest(), *parameters)
    path = home() / "projections" / f"{key}.npy"
    if not path.exists():
        coordinates = _fit_umap(vectors, neighbours, seed, dimensions)
        with atomic_path(path) as temporary:
            np.save(temporary, coordinates, allow_pickle=False)
    return _marked(vectors, np.load(path, allow_pickle=False), neighbours)


def _fit_umap(vectors: np.ndarray, neighbours: int, seed: int, dimensions: int) -> np.ndarray:
    with warnings.catch_warnings():
        # umap warns that tensorflow is missing, and that a seed means one thread: both are meant.
        warnings.simplefilter("ignore")
        from umap import UMAP  # the import alone takes seconds

        mapper = UMAP(
            n_neighbors=neighbours, n_components=dimensions, metric="cosine", random_state=seed
        )
        return mapper.fit_transform(vectors).astype(np.float32)


def _marked(vectors: np.ndarray, coordinates: np.ndarray, neighbours: int) -> Projection:
    count = min(neighbours, (len(vectors) - 1) // 2)
    return Projection(
        coordinates,
        float(trustworthiness(vectors, coordinates, n_neighbors=count, metric="cosine")),
        neighbour_preservation(vectors, coordinates, count),
        count,
    )


def neighbour_preservation(vectors: np.ndarray, coordinates: np.ndarray, count: int) -> float:
    """Mean share of a point's `count` nearest neighbours by cosine that the map keeps nearest."""
    in_space = NearestNeighbors(n_neighbors=count, metric="cosine").fit(vectors).kneighbors()[1]
    on_map = NearestNeighbors(n_neighbors=count).fit(coordinates).kneighbors()[1]
    kept = [len(np.intersect1d(a, b)) for a, b in zip(in_space, on_map, strict=True)]
    return float(np.mean(kept) / count)


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
        trustworthiness: in [0, 1], as in `eumlib.maps.Projection`.
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
