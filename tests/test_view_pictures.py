import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from eumlib.backbones import default_backbone
from eumlib.datasets import orl_faces
from eumlib.extraction import Extraction
from eumlib.landmarks import finder_for
from eumlib.mask_plans import FLAT, SURGICAL, RandomMasks
from eumlib.masks import Mask, paint_mask
from eumlib.view_pictures import ViewPictures, sprite_sheet


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


def test_a_sprite_lies_at_its_place_and_shows_the_middle():
    random = np.random.default_rng(0)
    shades = random.integers(0, 256, (7, 3))
    pictures = []
    for shade in shades:
        picture = np.full((120, 60, 3), 255, np.uint8)
        picture[30:90] = shade
        pictures.append(picture)
    sheet = sprite_sheet(pictures, size=16, quality=95)
    image = np.asarray(Image.open(io.BytesIO(sheet.jpeg)))
    assert image.shape == (48, 48, 3)
    for index, shade in enumerate(shades):
        left, top = sheet.place(index)
        middle = image[top + 4 : top + 12, left + 4 : left + 12]
        np.testing.assert_allclose(middle.mean(axis=(0, 1)), shade, atol=12)
    assert sheet.address.startswith("data:image/jpeg;base64,/9j/")


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match="one picture at least"):
        sprite_sheet([])
