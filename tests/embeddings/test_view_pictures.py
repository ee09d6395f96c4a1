from dataclasses import replace

import numpy as np
import pandas as pd

from eumlib.embeddings import Extraction, ViewPictures, default_backbone
from eumlib.faces import finder_for
from eumlib.faces.datasets import orl_faces
from eumlib.masks import FLAT, SURGICAL, Mask, RandomMasks, paint_mask


def test_every_view_is_painted_as_it_was_embedded():
    faces = orl_faces()
    faces = replace(faces, faces=faces.faces[:2])
    rows = Extraction(faces, RandomMasks(0, kinds=(FLAT, SURGICAL)), default_backbone()).run().rows
    pictures = ViewPictures(faces, rows)
    assert len(pictures) == len(rows) == 6
    for row in (0, 1, 2, 5, 3, 1):
        view = rows.iloc[row]
        (picture,) = (face.read() for face in faces if face.image_id == view["image_id"])
        if view["view"] == "masked":
            mask = Mask.from_hex(view["mask_shape"], view["mask_colour"])
            picture = paint_mask(picture, finder_for(faces).find(picture), mask)
        np.testing.assert_array_equal(pictures(row), picture)


def test_a_worn_mask_is_not_painted(orl):
    face = orl[0]
    worn = pd.DataFrame([{"image_id": face.image_id, "mask_shape": "worn", "mask_colour": None}])
    np.testing.assert_array_equal(ViewPictures(orl, worn)(0), face.read())
