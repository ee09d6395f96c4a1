import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eumlib.masks import (
    FLAT_SHAPES,
    NIST_COLOURS,
    PAPER_COLOURS,
    SHAPE_NAMES,
    SHAPES,
    Mask,
    MaskRecord,
    paint_mask,
    replay,
)
from eumlib.masks.flat import paint_flat
from eumlib.masks.lifelike import LIFELIKE_SHAPES, paint_lifelike


@pytest.mark.parametrize("shape", SHAPES)
def test_a_record_paints_its_mask_again_pixel_for_pixel(shape, orl_picture, orl_landmarks):
    mask = Mask(shape, (1, 128, 254))
    painted = paint_mask(orl_picture, orl_landmarks, mask)
    line = MaskRecord('Zoë/1 "x".jpg', mask, orl_landmarks).to_json()
    assert "\n" not in line
    record = MaskRecord.from_json(line)
    assert (record.image_id, record.mask) == ('Zoë/1 "x".jpg', mask)
    np.testing.assert_array_equal(record.landmarks, orl_landmarks)
    np.testing.assert_array_equal(replay(orl_picture, record), painted)
    assert not np.array_equal(painted, orl_picture)


def test_a_record_is_json_that_others_can_read(orl_landmarks):
    row = json.loads(MaskRecord("s1/1", Mask("d", (173, 216, 230)), orl_landmarks).to_json())
    assert row["image_id"] == "s1/1"
    assert (row["shape"], row["colour"]) == ("d", "#add8e6")
    assert row["landmarks"] == orl_landmarks.tolist()


@pytest.mark.parametrize("shape", ["g", "", "A", "ab", "worn"])
def test_an_unknown_shape_is_refused_with_the_known_ones(shape):
    with pytest.raises(ValueError, match="a, b, c, d, e, f, surgical"):
        Mask(shape, (0, 0, 0))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mask_is_painted_by_the_painter_of_its_shape(shape, orl_picture, orl_landmarks):
    painted = paint_mask(orl_picture, orl_landmarks, Mask(shape, (200, 210, 220)))
    painter = paint_flat if shape in FLAT_SHAPES else paint_lifelike
    expected = painter(orl_picture, orl_landmarks, shape, (200, 210, 220))
    np.testing.assert_array_equal(painted, expected)
    assert not np.array_equal(painted, orl_picture)


@pytest.mark.parametrize("colour", [(0, 0), (0, 0, 0, 0), (0, 0, 256), (-1, 0, 0), ()])
def test_a_colour_that_is_none_is_refused(colour):
    with pytest.raises(ValueError, match="three numbers from 0 to 255"):
        Mask("a", colour)


@pytest.mark.parametrize("text", ["#12", "#1234567a", "#gg0000", "red"])
def test_a_hex_colour_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        Mask.from_hex("a", text)


@pytest.mark.parametrize(
    ("colour", "text"),
    [
        ((0, 0, 0), "#000000"),
        ((255, 255, 255), "#ffffff"),
        ((173, 216, 230), "#add8e6"),
        ((1, 2, 3), "#010203"),
    ],
)
def test_a_colour_survives_as_hex(colour, text):
    assert Mask("a", colour).hex_colour == text
    assert Mask.from_hex("a", text) == Mask("a", colour)


def test_flat_and_lifelike_shapes_each_have_a_name_of_their_own():
    assert tuple(SHAPE_NAMES) == SHAPES == FLAT_SHAPES + LIFELIKE_SHAPES
    assert len(set(SHAPE_NAMES.values())) == len(SHAPES)


def test_nists_colours_are_four_of_the_papers():
    assert set(NIST_COLOURS) == {"black", "white", "light blue", "red"}
    assert NIST_COLOURS.items() <= PAPER_COLOURS.items()
    assert len(PAPER_COLOURS) == 6


def test_a_colour_may_be_given_by_its_name():
    assert Mask("c", "light blue") == Mask("c", PAPER_COLOURS["light blue"])
    with pytest.raises(ValueError, match=r"no colour 'mauve'; there are black, white, .*numbers"):
        Mask("c", "mauve")


@given(
    shape=st.sampled_from(SHAPES),
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    size=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    landmarks=arrays(np.int32, (68, 2), elements=st.integers(-300, 300)),
)
def test_wherever_landmarks_lie_a_mask_is_painted_the_same_again_or_refused(
    shape, colour, size, landmarks
):
    """Detectors give landmarks outside the picture, too, or all in one place."""
    picture = np.full((*size, 3), 128, np.uint8)
    mask = Mask(shape, colour)
    assert Mask.from_hex(shape, mask.hex_colour) == mask
    record = MaskRecord.from_json(MaskRecord("a", mask, landmarks).to_json())
    try:
        painted = paint_mask(picture, landmarks, mask)
    except ValueError as error:
        assert "a mask needs a face of" in str(error)  # noqa: PT017
        return
    assert (painted.shape, painted.dtype) == (picture.shape, np.uint8)
    assert (picture == 128).all()
    np.testing.assert_array_equal(replay(picture, record), painted)
