import subprocess
import sys

import cv2
import numpy as np
import pytest

from eumlib.faces import (
    CroppedFaceDetector,
    FaceDetector,
    FaceNotFoundError,
    find_by_hog,
    find_by_mtcnn,
)
from eumlib.faces.decoding import to_working_size
from eumlib.faces.detection import (
    Box,
    find_by_agreement,
    find_by_agreement_in_crop,
    with_border,
)
from eumlib.faces.mtcnn import FoundFaces
from eumlib.masks import Mask, paint_mask

DETECTORS = [FaceDetector(), CroppedFaceDetector()]


def overlap(one, other):
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return shared / (sum(areas) - shared)


def beside(left, right):
    height = max(len(left), len(right))
    rows = [
        cv2.copyMakeBorder(picture, 0, height - len(picture), 0, 0, cv2.BORDER_REPLICATE)
        for picture in (left, right)
    ]
    return np.ascontiguousarray(np.hstack(rows))


def test_hog_boxes_are_dlibs(orl_picture, dlib_detector):
    (box,) = dlib_detector(orl_picture, 0)
    expected = Box(box.left(), box.top(), box.right(), box.bottom())
    assert find_by_hog(orl_picture) == [expected]


def test_mtcnns_boxes_frame_faces_as_hogs_do(orl):
    shares = []
    for face in list(orl)[::13]:
        picture = face.read()
        hog, mtcnn = find_by_hog(picture), find_by_mtcnn(picture)
        if len(hog) == len(mtcnn) == 1:
            shares.append(overlap(hog[0], mtcnn[0]))
    assert len(shares) > 25
    assert np.median(shares) > 0.75
    assert min(shares) > 0.5


def test_mtcnns_boxes_stay_on_faces_that_are_turned_aside(orl):
    beside_hog = []
    for face in list(orl)[::4]:
        picture = face.read()
        hog, mtcnn = find_by_hog(picture), find_by_mtcnn(picture)
        if len(hog) == len(mtcnn) == 1:
            shift = (mtcnn[0].left + mtcnn[0].right - hog[0].left - hog[0].right) / 2
            beside_hog.append(abs(shift) / (hog[0].right - hog[0].left))
    assert len(beside_hog) > 90
    assert max(beside_hog) < 0.15


def test_behind_a_border_boxes_keep_their_place_in_the_picture(orl_picture):
    (plain,), (bordered,) = find_by_hog(orl_picture), with_border(find_by_hog)(orl_picture)
    assert overlap(plain, bordered) > 0.6


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_step_that_found_the_face_is_named(detector, orl_picture):
    found = detector.detect(orl_picture)
    name, find = detector.steps[0]
    assert found.detector == name
    assert found.box in find(orl_picture)


class Chain(FaceDetector):
    steps = (
        ("blind", lambda picture: []),
        ("sharp", lambda picture: [Box(10, 10, 60, 60), Box(40, 40, 100, 100)]),
        ("never asked", lambda picture: 1 / 0),
    )


class CroppedChain(CroppedFaceDetector):
    steps = (
        ("misled", lambda picture: [Box(0, 0, 30, 30)]),
        ("right", lambda picture: [Box(0, 0, 30, 30), Box(30, 30, 90, 90)]),
    )


def test_the_first_step_that_finds_a_face_is_believed():
    picture = np.zeros((120, 120, 3), np.uint8)
    assert Chain().detect(picture) == (Box(40, 40, 100, 100), "sharp")


def test_in_a_crop_of_one_face_what_does_not_cover_the_centre_is_refused():
    picture = np.zeros((120, 120, 3), np.uint8)
    assert CroppedChain().detect(picture) == (Box(30, 30, 90, 90), "right")
    CroppedChain.steps = CroppedChain.steps[:1]
    with pytest.raises(FaceNotFoundError, match="no face found by misled"):
        CroppedChain().detect(picture)


@pytest.mark.parametrize("large_one_left", [True, False])
def test_of_two_faces_the_larger_one_is_taken(large_one_left, orl):
    large = cv2.resize(orl[0].read(), None, fx=1.5, fy=1.5)
    small = cv2.resize(orl[10].read(), (200, 244))
    pair = [large, small] if large_one_left else [small, large]
    box = FaceDetector().detect(beside(*pair)).box
    edge = pair[0].shape[1]
    assert box.right < edge + 40 if large_one_left else box.left > edge - 40


def test_a_face_at_the_centre_is_taken_before_a_larger_one_at_the_side(orl_picture):
    side = cv2.resize(orl_picture, None, fx=1.3, fy=1.3)
    width = side.shape[1]
    centre = np.full_like(side, 128)
    centre[50 : 50 + orl_picture.shape[0], 40 : 40 + orl_picture.shape[1]] = orl_picture
    picture = np.ascontiguousarray(np.hstack([side, centre, np.full_like(side, 128)]))
    for detector in DETECTORS:
        box = detector.detect(picture).box
        assert width < (box.left + box.right) / 2 < 2 * width


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_face_that_fills_its_frame_is_found(detector, orl_picture):
    crop = np.ascontiguousarray(orl_picture[60:-30, 60:-60])
    assert find_by_hog(crop) == []
    whole = FaceDetector().detect(orl_picture).box
    found = detector.detect(crop).box
    moved = Box(found.left + 60, found.top + 60, found.right + 60, found.bottom + 60)
    assert overlap(whole, moved) > 0.6


def small_masked_faces(orl, finder):
    """Masked faces of ORL that fill pictures of so few blurred pixels, and the faces' boxes."""
    for face in list(orl)[::8]:
        picture = face.read()
        box = FaceDetector().detect(picture).box
        masked = paint_mask(picture, finder.find(picture), Mask("c", (20, 20, 20)))
        edge = (box.right - box.left) // 20
        left, top = max(0, box.left - edge), max(0, box.top - edge)
        crop = masked[top : box.bottom + edge, left : box.right + edge]
        small = cv2.resize(crop, (28, 28), interpolation=cv2.INTER_AREA)
        shown = to_working_size(cv2.GaussianBlur(small, (0, 0), 1))
        scale = np.tile(np.divide(shown.shape[1::-1], crop.shape[1::-1]), 2)
        moved = np.subtract(box, (left, top, left, top)) * scale
        yield np.ascontiguousarray(shown), Box(*moved.round().astype(int).tolist())


@pytest.mark.parametrize("detector", DETECTORS)
def test_of_small_blurred_masked_faces_the_last_step_finds_half_of_what_the_others_lose(
    detector, orl, finder
):
    class WithoutLast(type(detector)):
        steps = type(detector).steps[:-1]

    lost_before = lost = 0
    for picture, box in small_masked_faces(orl, finder):
        try:
            WithoutLast().detect(picture)
        except FaceNotFoundError:
            lost_before += 1
            try:
                lost += overlap(detector.detect(picture).box, box) < 0.4
            except FaceNotFoundError:
                lost += 1
    assert lost_before > 5
    assert lost <= lost_before / 2


def test_on_buttons_stripes_and_noise_views_seldom_agree():
    random = np.random.default_rng(3)
    found = 0
    for holes in range(20):
        button = np.full((60, 60, 3), random.integers(0, 256, 3), np.uint8)
        cv2.circle(button, (30, 30), 24, random.integers(0, 256, 3).tolist(), -1)
        for angle in np.arange(2 + holes % 3) * 2 * np.pi / (2 + holes % 3):
            at = (round(30 + 9 * np.cos(angle)), round(30 + 9 * np.sin(angle)))
            cv2.circle(button, at, 3, random.integers(0, 256, 3).tolist(), -1)
        stripes = np.full((60, 60, 3), 200, np.uint8)
        stripes[:: 3 + holes // 4] = random.integers(0, 256, 3)
        noise = cv2.GaussianBlur(random.integers(0, 256, (60, 60, 3)).astype(np.uint8), (0, 0), 3)
        for picture in (button, stripes, noise):
            found += len(find_by_agreement(to_working_size(picture)))
    assert found <= 2


class UnsureMtcnn:
    """Finds one box a view, with the scores given; mirrored views come second and fourth."""

    def __init__(self, scores, boxes):
        self._left = list(zip(scores, boxes, strict=True))

    def find(self, picture, thresholds):
        score, (left, right, top) = self._left.pop(0)
        if len(self._left) in (0, 2):
            left, right = picture.shape[1] - right, picture.shape[1] - left
        eyes = [(left + share * (right - left), top) for share in (0.3, 0.7)]
        points = np.array([[*eyes, *[((left + right) / 2, top + 9)] * 3]], float)
        box = np.array([[left, top - 9, right, top + right - left]], float)
        return FoundFaces(box, np.array([score]), points)


MIDDLE = (100, 200, 135)  # left, right and eyes behind the border of a picture of 200 pixels


@pytest.fixture
def agreed(monkeypatch):
    """What is found in a picture of 200 pixels where MTCNN's views give these scores and boxes."""

    def find(step, scores, boxes=(MIDDLE,) * 4):
        unsure = UnsureMtcnn(scores, boxes)
        monkeypatch.setattr("eumlib.faces.mtcnn.mtcnn", lambda: unsure)
        return step(np.zeros((200, 200, 3), np.uint8))

    return find


@pytest.mark.parametrize(
    ("step", "least"), [(find_by_agreement, 0.4), (find_by_agreement_in_crop, 0.3)]
)
@pytest.mark.parametrize(
    "scores",
    [(0.9, 0.5, 0.15, 0.1), (0.4, 0.4, 0.4, 0.4), (0.4, 0.3, 0.3, 0.3), (0.9, 0.0, 0.0, 0.0)],
)
def test_the_views_mean_score_decides(step, least, scores, agreed):
    expected = [Box(45, 55, 155, 165)] if sum(scores) / 4 >= least else []
    assert agreed(step, scores) == expected


def test_a_view_that_shows_a_face_elsewhere_alone_disagrees(agreed):
    elsewhere = (180, 280, 135)
    assert agreed(find_by_agreement, (0.5,) * 4, [MIDDLE] * 4)
    assert not agreed(find_by_agreement, (0.5,) * 4, [MIDDLE, MIDDLE, MIDDLE, elsewhere])


@pytest.mark.parametrize("box", [(135, 165, 145), (30, 130, 135)])
def test_views_may_not_agree_on_what_is_small_or_beside_the_centre(box, agreed):
    assert not agreed(find_by_agreement, (0.9,) * 4, [box] * 4)


@pytest.mark.parametrize("shape", [(240, 240, 3), (336, 276, 3), (60, 90, 3), (2, 900, 3)])
@pytest.mark.parametrize("detector", DETECTORS)
def test_a_flat_grey_picture_has_no_face_and_the_steps_are_named(detector, shape):
    with pytest.raises(FaceNotFoundError, match=r"mtcnn, mtcnn with border.*, mtcnn by agreement"):
        detector.detect(np.full(shape, 128, np.uint8))


@pytest.mark.parametrize("detector", DETECTORS)
def test_detection_is_repeatable_and_leaves_the_picture_as_it_was(detector, orl_picture):
    before = orl_picture.copy()
    assert detector.detect(orl_picture) == detector.detect(orl_picture)
    np.testing.assert_array_equal(orl_picture, before)


def test_worker_processes_need_no_torch_as_long_as_hog_finds_the_face(tmp_path, orl_picture):
    cv2.imwrite(str(tmp_path / "face.png"), orl_picture)
    code = (
        "import sys, cv2; from eumlib.embeddings.acquisition import start_worker; "
        "from eumlib.faces.landmarks import cropped_landmark_finder; "
        f"picture = cv2.imread({str(tmp_path / 'face.png')!r}); "
        "assert cropped_landmark_finder().locate(picture).detector == 'hog'; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
