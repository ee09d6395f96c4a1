import io

import numpy as np
import pytest
from PIL import Image

from eumlib.maps import sprite_sheet


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
