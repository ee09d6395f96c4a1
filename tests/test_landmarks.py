import cv2
import dlib
import numpy as np
import pytest

from eumlib.faces import synthetic_faces
from eumlib.landmarks import FaceNotFoundError, align_chip, check_landmarks


def predicted(picture, box, predictor):
    shape = predictor(picture, box)
    return np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)])


def tight_crop(picture):
    """A face that fills its frame, too tight for the detector."""
    return np.ascontiguousarray(picture[60:-30, 60:-60])


def test_landmarks_of_a_face_are_68_points_in_whole_pixels(orl_landmarks):
    assert orl_landmarks.shape == (68, 2)
    assert orl_landmarks.dtype == np.int32


@pytest.mark.parametrize("number", [0, 57, 123, 388])
def test_landmarks_lie_as_the_parts_of_a_face_do(number, orl, finder):
    x, y = finder.find(orl[number].read()).T
    brows, nose, eyes, mouth = (slice(17, 27), slice(27, 36), slice(36, 48), slice(48, 68))
    assert y[brows].mean() < y[eyes].mean() < y[nose].mean() < y[mouth].mean()
    assert y[8] > y[mouth].max()
    assert y.max() - y[8] <= 5
    assert x[0] < x[36:42].mean() < x[27] < x[42:48].mean() < x[16]
    assert x[48] < x[51] < x[54]


@pytest.mark.parametrize("number", [0, 15, 200])
def test_landmarks_agree_with_dlib_called_directly(
    number, orl, finder, dlib_detector, dlib_predictor
):
    picture = orl[number].read()
    (box,) = dlib_detector(picture, 0)
    np.testing.assert_array_equal(finder.find(picture), predicted(picture, box, dlib_predictor))


def test_a_face_that_fills_its_frame_is_found_behind_a_border(
    orl_picture, finder, dlib_detector, dlib_predictor
):
    crop = tight_crop(orl_picture)
    assert len(dlib_detector(crop, 0)) == 0
    border = min(crop.shape[:2]) // 4
    wide = np.pad(crop, [(border, border), (border, border), (0, 0)], mode="edge")
    (box,) = dlib_detector(wide, 0)
    expected = predicted(wide, box, dlib_predictor) - border
    np.testing.assert_array_equal(finder.find(crop), expected)


@pytest.mark.parametrize("large_one_left", [True, False])
def test_of_two_faces_the_larger_one_is_taken(
    large_one_left, orl_picture, orl, finder, dlib_detector
):
    large = cv2.resize(orl_picture, None, fx=1.5, fy=1.5)
    small = np.full((len(large), 200, 3), 128, np.uint8)
    face = cv2.resize(orl[10].read(), (200, 244))
    small[100:344] = face
    pair = [large, small] if large_one_left else [small, large]
    picture = np.ascontiguousarray(np.hstack(pair))
    assert len(dlib_detector(picture, 0)) == 2
    x = finder.find(picture)[:, 0]
    edge = pair[0].shape[1]
    assert (x < edge).all() if large_one_left else (x > edge).all()


def test_a_face_at_the_centre_is_taken_before_a_larger_one_at_the_side(
    orl_picture, finder, dlib_detector
):
    side = cv2.resize(orl_picture, None, fx=1.3, fy=1.3)
    width = side.shape[1]
    centre = np.full_like(side, 128)
    centre[50 : 50 + orl_picture.shape[0], 40 : 40 + orl_picture.shape[1]] = orl_picture
    picture = np.ascontiguousarray(np.hstack([side, centre, np.full_like(side, 128)]))
    boxes = dlib_detector(picture, 0)
    assert len(boxes) == 2
    assert max(boxes, key=lambda box: box.area()).right() < width
    x = finder.find(picture)[:, 0]
    assert ((x > width) & (x < 2 * width)).all()


@pytest.mark.parametrize("shape", [(240, 240, 3), (336, 276, 3), (60, 90, 3)])
def test_a_flat_grey_picture_has_no_face(shape, finder):
    with pytest.raises(FaceNotFoundError, match="no face"):
        finder.find(np.full(shape, 128, np.uint8))


def test_finding_leaves_the_picture_as_it_was(orl_picture, finder):
    before = orl_picture.copy()
    finder.find(orl_picture)
    np.testing.assert_array_equal(orl_picture, before)


@pytest.mark.parametrize(("size", "padding"), [(150, 0.25), (112, 0.25), (200, 0.6)])
def test_a_chip_agrees_with_dlib_called_directly(
    size, padding, orl_picture, dlib_detector, dlib_predictor
):
    (box,) = dlib_detector(orl_picture, 0)
    shape = dlib_predictor(orl_picture, box)
    landmarks = np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)])
    chip = align_chip(orl_picture, landmarks, size=size, padding=padding)
    assert chip.shape == (size, size, 3)
    assert chip.dtype == np.uint8
    expected = dlib.get_face_chip(orl_picture, shape, size=size, padding=padding)
    np.testing.assert_array_equal(chip, expected)


def test_a_chip_is_150_pixels_wide_with_a_quarter_of_padding_by_default(orl_picture, orl_landmarks):
    np.testing.assert_array_equal(
        align_chip(orl_picture, orl_landmarks),
        align_chip(orl_picture, orl_landmarks, size=150, padding=0.25),
    )
    assert align_chip(orl_picture, orl_landmarks).shape == (150, 150, 3)


@pytest.mark.parametrize("degrees", [0, 20, 40])
def test_a_chip_is_upright_however_the_face_is_turned(degrees, orl_picture, orl_landmarks, finder):
    centre = tuple(float(value) for value in orl_landmarks.mean(axis=0))
    turn = cv2.getRotationMatrix2D(centre, degrees, 1)
    height, width = orl_picture.shape[:2]
    turned = cv2.warpAffine(orl_picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    points = orl_landmarks @ turn[:, :2].T + turn[:, 2]
    chip = align_chip(turned, points.round(), size=300, padding=0.4)
    found = finder.find(chip)
    eyes = found[42:48].mean(axis=0) - found[36:42].mean(axis=0)
    assert abs(np.degrees(np.arctan2(eyes[1], eyes[0]))) < 4


def test_a_chip_can_be_cut_where_landmarks_lie_outside_the_picture(finder):
    face = synthetic_faces(2, seed=1)[1].read()
    landmarks = finder.find(face)
    cut = np.ascontiguousarray(face[: landmarks[8, 1] - 10])
    chip = align_chip(cut, landmarks)
    assert chip.shape == (150, 150, 3)
    np.testing.assert_array_equal(chip[:75], align_chip(face, landmarks)[:75])


@pytest.mark.parametrize("shape", [(5, 2), (68, 3), (2, 68), (136,), (1, 68, 2), (0, 2)])
def test_landmarks_of_another_shape_are_refused_with_both_shapes(shape, orl_picture):
    with pytest.raises(ValueError, match=r"\(68, 2\)") as refusal:
        align_chip(orl_picture, np.zeros(shape, np.int32))
    assert str(shape) in str(refusal.value)
    with pytest.raises(ValueError, match=r"\(68, 2\)"):
        check_landmarks(np.zeros(shape))
