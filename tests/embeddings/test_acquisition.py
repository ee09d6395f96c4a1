import numpy as np
import pytest

from eumlib.embeddings import acquire_as_a_camera_does, acquire_with_unmasked_landmarks
from eumlib.embeddings.acquisition import AcquiredView, FailedView
from eumlib.faces import (
    AlignmentError,
    Face,
    FaceNotFoundError,
    LocatedFace,
    UnreadablePictureError,
    align_chip,
)
from eumlib.masks import Mask, paint_mask

WAYS = [acquire_with_unmasked_landmarks, acquire_as_a_camera_does]
MASKS = (Mask("c", (173, 216, 230)), Mask("surgical", (255, 255, 255)))


@pytest.fixture(scope="module")
def face(orl_picture):
    return Face("s1/1", "s1", lambda: orl_picture)


class FinderOfBareFaces:
    """Finds the given landmarks in the one picture that it knows, and nothing in any other."""

    def __init__(self, picture, landmarks):
        self._picture, self._landmarks = picture, landmarks

    def locate(self, picture):
        if np.array_equal(picture, self._picture):
            return LocatedFace(self._landmarks, "by heart")
        raise FaceNotFoundError("no face behind the mask")


def test_the_papers_way_aligns_every_view_with_the_landmarks_of_the_unmasked_picture(
    face, orl_picture, finder
):
    landmarks = finder.find(orl_picture)
    outcomes = acquire_with_unmasked_landmarks(face, MASKS, align_chip, finder)
    assert [outcome.view.mask for outcome in outcomes] == [None, *MASKS]
    assert [outcome.view.view for outcome in outcomes] == ["unmasked", "masked", "masked"]
    assert [outcome.landmarks_from for outcome in outcomes] == ["unmasked"] * 3
    pictures = [orl_picture, *(paint_mask(orl_picture, landmarks, mask) for mask in MASKS)]
    for outcome, picture in zip(outcomes, pictures, strict=True):
        np.testing.assert_array_equal(outcome.chip, align_chip(picture, landmarks))


def test_the_cameras_way_finds_the_face_again_behind_each_mask(face, orl_picture, finder):
    landmarks = finder.find(orl_picture)
    bare, *masked = acquire_as_a_camera_does(face, MASKS, align_chip, finder)
    np.testing.assert_array_equal(bare.chip, align_chip(orl_picture, landmarks))
    assert bare.landmarks_from == "unmasked"
    for outcome, mask in zip(masked, MASKS, strict=True):
        painted = paint_mask(orl_picture, landmarks, mask)
        found = finder.find(painted)
        assert not np.array_equal(found, landmarks)
        np.testing.assert_array_equal(outcome.chip, align_chip(painted, found))
        assert outcome.landmarks_from == "masked"


def test_a_camera_loses_the_faces_that_are_not_found_behind_their_masks(
    face, orl_picture, orl_landmarks
):
    finder = FinderOfBareFaces(orl_picture, orl_landmarks)
    bare, *masked = acquire_as_a_camera_does(face, MASKS, align_chip, finder)
    assert isinstance(bare, AcquiredView)
    for outcome, mask in zip(masked, MASKS, strict=True):
        assert outcome == FailedView(outcome.view, "no face found", "no face behind the mask")
        assert outcome.view.mask == mask
    outcomes = acquire_with_unmasked_landmarks(face, MASKS, align_chip, finder)
    assert all(isinstance(outcome, AcquiredView) for outcome in outcomes)


@pytest.mark.parametrize("acquire", WAYS)
def test_without_masks_there_is_the_unmasked_view_alone(acquire, face, finder):
    (bare,) = acquire(face, (), align_chip, finder)
    assert (bare.view.view, bare.view.mask_shape, bare.view.mask_colour) == ("unmasked", None, None)


@pytest.mark.parametrize("acquire", WAYS)
def test_a_face_that_wears_a_mask_is_taken_as_it_is(acquire, orl_picture, finder):
    worn = Face("Ann/1.png", "Ann", lambda: orl_picture, worn_mask="surgical_blue")
    (outcome,) = acquire(worn, MASKS, align_chip, finder)
    assert (outcome.view.view, outcome.view.mask_shape) == ("masked", "worn")
    assert (outcome.view.worn_mask, outcome.view.mask_colour) == ("surgical_blue", None)
    assert outcome.landmarks_from == "masked"
    expected = align_chip(orl_picture, finder.find(orl_picture))
    np.testing.assert_array_equal(outcome.chip, expected)


def raises(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize("acquire", WAYS)
def test_every_view_of_a_picture_that_fails_is_there_with_the_reason(acquire, orl_picture, finder):
    broken = Face("a/1", "a", raises(UnreadablePictureError("a/1 does not decode: torn")))
    grey = Face("a/2", "a", lambda: np.full((300, 300, 3), 128, np.uint8))
    for face, reason in ((broken, "unreadable picture"), (grey, "no face found")):
        outcomes = acquire(face, MASKS, align_chip, finder)
        assert [outcome.view.mask for outcome in outcomes] == [None, *MASKS]
        assert {outcome.reason for outcome in outcomes} == {reason}
        assert all(outcome.detail for outcome in outcomes)


@pytest.mark.parametrize("acquire", WAYS)
def test_a_face_that_cannot_be_aligned_is_a_failure_with_its_reason(acquire, face, finder):
    align = raises(AlignmentError("the eyes are 2 pixels apart"))
    outcomes = acquire(face, MASKS, align, finder)
    assert {outcome.reason for outcome in outcomes} == {AlignmentError.reason}
    assert len(outcomes) == 3


def test_other_errors_are_not_taken_for_failures_to_acquire(face, finder):
    for acquire in WAYS:
        with pytest.raises(ZeroDivisionError):
            acquire(face, MASKS, raises(ZeroDivisionError()), finder)
