import shutil
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from recognisers import MeanPixels

from eumlib.embeddings import (
    BackboneError,
    Extraction,
    MappedRows,
    TableError,
    TorchBackbone,
    read_feature_maps,
    unit_length,
    write_feature_maps,
)
from eumlib.masks import CLOTH, FLAT, RandomMasks


@pytest.fixture(scope="module")
def extraction(orl, backbone):
    faces = tuple(face for face in orl.faces if int(face.image_id.rpartition("/")[2]) <= 2)[:6]
    few = replace(orl, faces=faces, fingerprint="six")
    return Extraction(few, RandomMasks(3, (FLAT, CLOTH)), backbone)


@pytest.fixture(scope="module")
def path(extraction, tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "six.arrow"
    write_feature_maps(extraction, path)
    return path


def test_the_rest_of_the_network_makes_the_tables_embeddings_of_the_maps(
    extraction, path, backbone
):
    table, maps = extraction.run(), read_feature_maps(path)
    pd.testing.assert_frame_equal(maps.rows, table.rows)
    maps.check_recogniser(backbone)
    early = torch.from_numpy(maps.maps[np.arange(len(maps))]).float()
    network = backbone.module
    with torch.inference_mode():
        embeddings = network.pooled(network.late_maps(early)).numpy()
    assert maps.maps[[0]].dtype == np.float16
    assert (unit_length(embeddings) * table.vectors).sum(axis=1).min() > 0.9999


def test_chips_are_those_that_the_recogniser_saw(extraction, path):
    maps = read_feature_maps(path)
    outcomes = [outcome for _, of_face in extraction.attempts() for outcome in of_face]
    for number, outcome in enumerate(outcomes):
        smaller = cv2.resize(outcome.chip, (64, 64), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(maps.chips[[number]][0], smaller)


def test_a_style_is_left_out_and_the_others_are_as_they_were(extraction, path, tmp_path):
    write_feature_maps(extraction, tmp_path / "flat.arrow", ["flat"])
    flat, everything = read_feature_maps(tmp_path / "flat.arrow"), read_feature_maps(path)
    cloth = everything.rows["mask_shape"].str.startswith("cloth").fillna(False)
    assert cloth.any()
    pd.testing.assert_frame_equal(flat.rows, everything.rows[~cloth].reset_index(drop=True))
    kept = everything.maps[np.flatnonzero(~cloth)].astype(np.float32)
    np.testing.assert_allclose(
        flat.maps[np.arange(len(flat))], kept, rtol=0.01, atol=0.05
    )  # the batches differ


def test_rows_are_taken_across_blocks_as_from_one_array():
    values = np.random.default_rng(0).standard_normal((10, 2, 3))
    rows = MappedRows([values[:4], values[4:5], values[5:]])
    assert len(rows) == 10
    numbers = np.array([9, 0, 4, 5, 3, 3])
    np.testing.assert_array_equal(rows[numbers], values[numbers])
    assert rows[np.array([], int)].shape == (0, 2, 3)


def test_maps_of_other_weights_are_refused(path, backbone):
    other = TorchBackbone("mobilefacenet", type(backbone.module)(), scale=128.0)
    with pytest.raises(BackboneError, match="another recogniser"):
        read_feature_maps(path).check_recogniser(other)


def test_a_recogniser_of_another_kind_has_no_such_maps(extraction, tmp_path):
    with pytest.raises(BackboneError, match="mean pixels"):
        write_feature_maps(replace(extraction, backbone=MeanPixels()), tmp_path / "x.arrow")
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_cut_short_or_is_another_is_named(path, tmp_path):
    cut = tmp_path / "cut.arrow"
    shutil.copy(path, cut)
    with cut.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)
    other = tmp_path / "other.arrow"
    with pa.ipc.new_file(str(other), pa.schema([("a", pa.int8())])) as writer:
        writer.write_batch(pa.record_batch([pa.array([1], pa.int8())], names=["a"]))
    (tmp_path / "empty.arrow").touch()
    for name in ("cut", "other", "empty"):
        with pytest.raises(TableError, match=rf"{name}\.arrow.*eumlib features"):
            read_feature_maps(tmp_path / f"{name}.arrow")
    with pytest.raises(TableError, match="no feature maps"):
        read_feature_maps(tmp_path / "none.arrow")
