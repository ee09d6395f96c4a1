import dlib
import numpy as np
import pytest

from eumlib.faces import (
    Face,
    FaceDetector,
    FaceNotFoundError,
    LandmarkFinder,
    UnreadablePictureError,
    finder_for,
    landmark_finder,
    where_found,
)
from eumlib.faces.datasets import folder_faces
from eumlib.faces.detection import Box, Detection
from eumlib.faces.landmarks import check_landmarks, cropped_landmark_finder


def predicted(picture, box, predictor):
    shape = predictor(picture, box)
    return np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)])


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
    located = cropped_landmark_finder().locate(picture)
    np.testing.assert_array_equal(located.landmarks, predicted(picture, box, dlib_predictor))
    assert located.detector == "hog"


class FixedDetector(FaceDetector):
    def detect(self, picture):
        return Detection(Box(70, 110, 200, 240), "by hand")


def test_the_landmarks_are_the_predictors_in_the_box_that_the_detector_gives(
    orl_picture, dlib_predictor
):
    located = LandmarkFinder(FixedDetector()).locate(orl_picture)
    expected = predicted(orl_picture, dlib.rectangle(70, 110, 200, 240), dlib_predictor)
    np.testing.assert_array_equal(located.landmarks, expected)
    assert located.detector == "by hand"


def test_both_finders_put_the_landmarks_in_the_same_places(orl):
    apart = []
    for face in list(orl)[::20]:
        picture = face.read()
        one, other = (f().find(picture) for f in (landmark_finder, cropped_landmark_finder))
        eyes_apart = np.linalg.norm(one[36:42].mean(axis=0) - one[42:48].mean(axis=0))
        apart.append(np.linalg.norm(one - other, axis=1).mean() / eyes_apart)
    assert np.median(apart) < 0.05
    assert max(apart) < 0.15


def test_a_set_gets_the_finder_that_suits_what_is_known_of_it(orl, tmp_path):
    assert finder_for(orl) is cropped_landmark_finder()
    for person in ("Ann", "Bob"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.png").write_bytes(b"")
    assert finder_for(folder_faces(tmp_path)) is landmark_finder()


@pytest.mark.parametrize("shape", [(240, 240, 3), (336, 276, 3), (60, 90, 3)])
def test_a_flat_grey_picture_has_no_face(shape, finder):
    with pytest.raises(FaceNotFoundError, match="no face"):
        finder.find(np.full(shape, 128, np.uint8))


def test_finding_leaves_the_picture_as_it_was(orl_picture, finder):
    before = orl_picture.copy()
    finder.find(orl_picture)
    np.testing.assert_array_equal(orl_picture, before)


@pytest.mark.parametrize("shape", [(5, 2), (68, 3), (2, 68), (136,), (1, 68, 2), (0, 2)])
def test_landmarks_of_another_shape_are_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"\(68, 2\)") as refusal:
        check_landmarks(np.zeros(shape))
    assert str(shape) in str(refusal.value)


def test_faces_that_cannot_be_read_or_found_are_passed_over(orl, finder):
    def torn():
        raise UnreadablePictureError("torn.jpg does not decode")

    grey = np.full((100, 100, 3), 128, np.uint8)
    faces = [Face("a/1", "a", torn), Face("a/2", "a", lambda: grey), orl[0]]
    assert [*where_found(faces, finder)] == [orl[0]]
