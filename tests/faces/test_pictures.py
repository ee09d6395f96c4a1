import io
import re

import numpy as np
import pytest
from PIL import Image

from eumlib.faces import gallery, jpeg_bytes, with_landmarks, with_numbers
from eumlib.faces.pictures import data_address

PICTURE = np.full((40, 80, 3), 200, np.uint8)


def test_a_gallery_has_a_picture_a_caption_and_words_for_each():
    page = gallery([PICTURE, PICTURE], ["one", "<two>"], alts=["a face", 'a "mask"']).data
    assert page.count("<img") == page.count("<figcaption") == 2
    assert 'alt="a face"' in page
    assert "&lt;two&gt;" in page
    assert "&quot;mask&quot;" in page


def test_a_gallery_wraps_where_it_is_told_to():
    pictures, captions = [np.zeros((8, 8, 3), np.uint8)] * 6, "abcdef"
    assert "max-width" not in gallery(pictures, captions).data
    (room,) = re.findall(
        r"max-width:(\d+)px", gallery(pictures, captions, width=50, columns=3).data
    )
    assert 3 * 50 + 2 * 10 <= int(room) < 4 * 50 + 3 * 10


def test_a_missing_caption_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        gallery([PICTURE, PICTURE], ["one"])


def test_wide_pictures_are_reduced_and_small_ones_left_alone():
    sizes = [Image.open(io.BytesIO(jpeg_bytes(PICTURE, width))).size for width in (20, 300)]
    assert sizes == [(20, 10), (80, 40)]
    assert data_address(PICTURE, 20).startswith("data:image/jpeg;base64,")


def test_landmarks_are_dotted_on_a_copy():
    dotted = with_landmarks(PICTURE, np.array([[10, 20]]))
    assert (dotted[20, 10] != PICTURE[20, 10]).any()
    assert (dotted[0, 0] == PICTURE[0, 0]).all()
    assert (PICTURE == 200).all()


def test_numbered_landmarks_stand_on_a_larger_copy():
    numbered = with_numbers(PICTURE, np.array([[10, 20], [60, 20]]))
    assert numbered.shape == (480, 960, 3)
    for x in (10, 60):
        assert (numbered[240, 12 * x] != 200).any()
        beside = numbered[230:250, 12 * x + 7 : 12 * x + 30]
        assert (beside == 255).all(axis=2).any()
    assert (numbered[100] == 200).all()
