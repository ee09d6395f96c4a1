import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from exploration import drawn_views

from eumlib.maps import (
    HOW_NOT_TO_READ,
    JointMap,
    joint_pca,
    joint_umap,
    map_marks,
    project_pca,
    project_umap,
    projection,
)

RANDOM = np.random.default_rng(0)


CLUSTERS = np.concatenate(
    [centre + 0.1 * RANDOM.standard_normal((20, 10)) for centre in RANDOM.standard_normal((4, 10))]
).astype(np.float32)


def test_a_map_of_points_that_lie_in_a_plane_is_faithful():
    plane = RANDOM.standard_normal((60, 2))
    points = plane @ np.linalg.qr(RANDOM.standard_normal((10, 2)))[0].T
    found = project_pca(points.astype(np.float32) + 5).coordinates
    distances = [np.linalg.norm(x[:, None] - x[None], axis=2) for x in (plane, found)]
    np.testing.assert_allclose(distances[0], distances[1], atol=1e-4)


def test_umap_keeps_clusters_together_and_its_marks_say_so(monkeypatch, tmp_path):
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path))
    umap = project_umap(CLUSTERS, neighbours=10)
    assert umap.coordinates.shape == (80, 2)
    assert umap.marks.trustworthiness > 0.9
    scattered = map_marks(CLUSTERS, RANDOM.standard_normal((80, 2)), 10)
    assert umap.marks.preservation > 2 * scattered.preservation


def test_coordinates_come_from_the_cache_the_second_time(monkeypatch, tmp_path):
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path))
    fits = []

    def fake(vectors, neighbours, seed, dimensions):
        fits.append((seed, dimensions))
        return vectors[:, :dimensions]

    monkeypatch.setattr(projection, "_fit_umap", fake)
    first, again = project_umap(CLUSTERS), project_umap(CLUSTERS)
    np.testing.assert_array_equal(first.coordinates, again.coordinates)
    project_umap(CLUSTERS, seed=1)
    project_umap(CLUSTERS + np.float32(1), seed=1)
    assert project_umap(CLUSTERS, dimensions=3).coordinates.shape == (80, 3)
    assert fits == [(0, 2), (1, 2), (1, 2), (0, 3)]


_, VIEWS = drawn_views()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_before_and_after_are_parts_of_one_fit(dimensions):
    joint = joint_pca(VIEWS, 5, dimensions)
    masked = VIEWS.masked
    together = np.concatenate([VIEWS.vectors_before, VIEWS.vectors_after[masked]])
    fit = project_pca(together, 5, dimensions)
    np.testing.assert_array_equal(joint.before, fit.coordinates[: len(VIEWS)])
    np.testing.assert_array_equal(joint.after[masked], fit.coordinates[len(VIEWS) :])
    np.testing.assert_array_equal(joint.after[~masked], joint.before[~masked])
    assert joint.trustworthiness == fit.marks.trustworthiness
    assert joint.dimensions == dimensions


def test_the_marks_say_how_the_map_was_made(monkeypatch, own_home):
    monkeypatch.setattr(projection, "_fit_umap", lambda v, n, seed, p: v[:, :p])
    marks = joint_umap(VIEWS, neighbours=6, seed=3).marks
    assert "6 neighbours, seed 3, 2 dimensions" in marks
    assert "Trustworthiness 0." in marks
    assert "preservation 0." in marks
    assert len(HOW_NOT_TO_READ) == 3


def test_the_marks_of_many_points_say_that_they_are_of_a_sample():
    joint = JointMap(np.zeros((1, 2)), np.zeros((1, 2)), 0.5, 0.1, 15, None, "by hand")
    assert "(15 neighbours;" in joint.marks
    assert "(15 neighbours of a sample of 5,000 points;" in replace(joint, sample=5000).marks


def test_umap_of_many_points_starts_from_their_pca(monkeypatch, own_home):
    asked = []
    monkeypatch.setattr("umap.UMAP", lambda **options: asked.append(options) or Identity())
    project_umap(CLUSTERS)
    monkeypatch.setattr(projection, "_MANY_POINTS", len(CLUSTERS))
    project_umap(CLUSTERS)  # another map than that in the cache
    assert [options.get("init") for options in asked] == [None, "pca"]


class Identity:
    def fit_transform(self, vectors):
        return vectors[:, :2]


def test_both_sides_fit_into_the_ranges():
    joint = JointMap(
        np.float32([[0, 0], [1, 2]]), np.float32([[0, 0], [3, -2]]), 1, 1, 5, None, "by hand"
    )
    np.testing.assert_allclose(joint.ranges(0.1), [[-0.3, 3.3], [-2.4, 2.4]], rtol=1e-6)


def test_the_long_import_of_umap_is_told_the_first_time(tmp_path):
    """In a process of its own, with a stand-in that is quick to import."""
    (tmp_path / "umap.py").write_text(
        "class UMAP:\n"
        "    def __init__(self, **options): pass\n"
        "    def fit_transform(self, vectors): return vectors[:, :2]\n"
    )
    code = (
        "import numpy as np; from eumlib.maps import project_umap\n"
        "for seed in (0, 1): project_umap(np.eye(40, dtype='float32'), 5, seed)"
    )
    environment = {
        **os.environ, "EUMLIB_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    environment.pop("TQDM_DISABLE", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("loading UMAP, up to a minute:   0%") == 1
    assert "1/1" in done.stderr
