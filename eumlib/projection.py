"""Maps of the embedding space in two or three dimensions, and how far to trust them."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from eumlib.files import atomic_path, home, key_of


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
