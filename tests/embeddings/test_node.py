import pickle
from itertools import count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from odd_pictures import save
from recognisers import MeanPixels

import eumlib
from eumlib.embeddings import Extraction, ExtractionError, node
from eumlib.embeddings.extraction import Shard
from eumlib.embeddings.node import Order, versions
from eumlib.faces import folder_faces
from eumlib.masks import RandomMasks


@pytest.fixture
def folder(tmp_path, pictures):
    save(tmp_path / "Ann" / "1.png", pictures[0])
    save(tmp_path / "Bob" / "1.png", pictures[1])
    (tmp_path / "Ann" / "0.jpg").write_bytes(b"torn")
    return tmp_path


@pytest.fixture
def extraction(folder):
    return Extraction(folder_faces(folder, one_face=True), RandomMasks(), MeanPixels(), workers=2)


def test_a_node_without_the_same_pictures_is_refused(extraction, folder, pictures):
    order = Order.of(extraction, extraction.face_set.faces)
    assert order.sample.image_id == "Ann/1.png"
    order.begin()
    save(folder / "Ann" / "1.png", pictures[1])
    with pytest.raises(ExtractionError, match=r"Ann/1\.png .*has other pixels there"):
        order.begin()
    (folder / "Ann" / "1.png").unlink()
    with pytest.raises(ExtractionError, match=r"Ann/1\.png .*cannot be read there.*same path"):
        order.begin()
    Order.of(extraction, extraction.face_set.faces[:1]).begin()  # no picture says anything


@pytest.mark.parametrize(("passing", "told"), [(2.0, [1, 1, 1, 0]), (0.6, [2, 1]), (0.0, [3])])
def test_a_shard_comes_with_a_second_between_two_messages(extraction, monkeypatch, passing, told):
    clock = count(0, passing)  # a reading
    order = Order.of(extraction, ())
    assert len(order.extraction.face_set) == 0
    monkeypatch.setattr(node, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    steps = list(order.steps(Shard(7, extraction.face_set.faces)))
    assert [step.faces for step in steps] == told
    assert {step.shard for step in steps} == {7}
    whole = extraction.run()
    pd.testing.assert_frame_equal(steps[-1].table.rows, whole.rows)
    np.testing.assert_array_equal(steps[-1].table.vectors, whole.vectors)
    assert all(step.table is None for step in steps[:-1])


def test_an_order_travels_without_faces(extraction, backbone):
    order = Order.of(Extraction(extraction.face_set, RandomMasks(), backbone), ())
    arrived = pickle.loads(pickle.dumps(order))
    chips = np.full((2, 112, 112, 3), 90, np.uint8)
    np.testing.assert_array_equal(arrived.extraction.backbone.embed(chips), backbone.embed(chips))


def test_what_decides_the_digits_has_a_version():
    assert versions()["eumlib"] == eumlib.__version__
    assert versions()["torch"] == torch.__version__
    assert all(versions().values())
