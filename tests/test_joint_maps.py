import numpy as np
import pytest
from exploration import drawn_views

from eumlib import projection
from eumlib.joint_maps import HOW_NOT_TO_READ, JointMap, joint_pca, joint_umap
from eumlib.projection import project_pca

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
    assert joint.trustworthiness == fit.trustworthiness
    assert joint.dimensions == dimensions


def test_the_marks_say_how_the_map_was_made(monkeypatch, own_home):
    monkeypatch.setattr(projection, "_fit_umap", lambda v, n, seed, p: v[:, :p])
    marks = joint_umap(VIEWS, neighbours=6, seed=3).marks
    assert "6 neighbours, seed 3, 2 dimensions" in marks
    assert "Trustworthiness 0." in marks
    assert "preservation 0." in marks
    assert len(HOW_NOT_TO_READ) == 3


def test_both_sides_fit_into_the_ranges():
    joint = JointMap(
        np.float32([[0, 0], [1, 2]]), np.float32([[0, 0], [3, -2]]), 1, 1, 5, "by hand"
    )
    np.testing.assert_allclose(joint.ranges(0.1), [[-0.3, 3.3], [-2.4, 2.4]], rtol=1e-6)
