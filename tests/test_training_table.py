"""The table of synthetic faces in data/, embedded with dlib's recogniser."""

import numpy as np
import pytest
from oracles import dlib_embeddings

from eumlib.embeddings import synthetic_training_table
from eumlib.embeddings.table_files import SYNTHETIC_TABLE
from eumlib.faces import finder_for
from eumlib.faces.datasets import synthetic_faces
from eumlib.masks import Mask, RandomMasks


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_training_table()


def test_the_table_of_synthetic_faces_has_six_thousand_faces_in_both_views(synthetic):
    masked, unmasked = synthetic.mated_views()
    assert len(masked) == len(unmasked) == len(synthetic) / 2
    assert len(masked) == 6_000
    assert synthetic.dim == 128
    assert set(synthetic.rows["backbone"]) == {"dlib_resnet_v1"}
    assert synthetic.rows["image_id"].nunique() == len(masked)
    assert synthetic.attempts == len(masked) + synthetic.not_acquired


def test_the_table_of_synthetic_faces_is_small_on_disk():
    assert SYNTHETIC_TABLE.stat().st_size < 5_000_000


def test_the_table_of_synthetic_faces_has_unit_length_within_half_precision(synthetic):
    lengths = np.linalg.norm(synthetic.vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_the_table_of_synthetic_faces_can_be_rebuilt(share, synthetic, dlib_recogniser):
    rows = synthetic.rows
    image_id = rows["image_id"].iloc[int(share * (len(rows) - 1))]
    faces = synthetic_faces(int(image_id.removeprefix("synthetic-1-")) + 1, seed=1)
    face = faces[-1]
    assert face.image_id == image_id
    (mask,) = RandomMasks(seed=1).masks_for(face)
    expected = dlib_embeddings(face.read(), mask, finder_for(faces), dlib_recogniser)
    for view, vector in zip(("unmasked", "masked"), expected, strict=True):
        (place,) = np.flatnonzero((rows["image_id"] == image_id) & (rows["view"] == view))
        stored = synthetic.vectors[place]
        assert stored @ vector / np.linalg.norm(stored) > 0.999
        np.testing.assert_allclose(stored, vector, atol=2e-3)
        if view == "masked":
            noted = Mask.from_hex(rows["mask_shape"][place], rows["mask_colour"][place])
            assert noted == mask
