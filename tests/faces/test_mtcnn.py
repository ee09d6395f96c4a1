import cv2
import numpy as np
import pytest
import torch

from eumlib._common.fetching import fetch
from eumlib.faces.alignment import five_points
from eumlib.faces.mtcnn import OutputNet, ProposalNet, RefineNet, StageThresholds, mtcnn, thin_out
from eumlib.masks.flat import paint_flat


def slow_overlap(one, other, by_smaller):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (min(areas) if by_smaller else sum(areas) - shared)


@pytest.mark.parametrize("by_smaller", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_thinning_out_agrees_with_a_slow_loop(seed, by_smaller):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 30, (40, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 25, (40, 2))], axis=1)
    scores = random.random(40)
    kept = []
    for candidate in sorted(range(40), key=lambda row: -scores[row]):
        if all(slow_overlap(boxes[candidate], boxes[row], by_smaller) <= 0.4 for row in kept):
            kept.append(candidate)
    assert thin_out(boxes, scores, 0.4, by_smaller).tolist() == kept
    assert 1 < len(kept) < 40


def test_thinning_out_nothing_leaves_nothing():
    assert thin_out(np.empty((0, 4)), np.empty(0), 0.5).shape == (0,)


@pytest.mark.parametrize(
    ("network", "name", "picture", "shapes"),
    [
        (ProposalNet(), "mtcnn_pnet.pt", (2, 3, 12, 12), [(2, 1, 1), (2, 4, 1, 1)]),
        (ProposalNet(), "mtcnn_pnet.pt", (1, 3, 40, 52), [(1, 15, 21), (1, 4, 15, 21)]),
        (RefineNet(), "mtcnn_rnet.pt", (5, 3, 24, 24), [(5,), (5, 4)]),
        (OutputNet(), "mtcnn_onet.pt", (5, 3, 48, 48), [(5,), (5, 4), (5, 10)]),
    ],
)
def test_the_networks_take_the_published_weights(network, name, picture, shapes):
    network.load_state_dict(torch.load(fetch(name), weights_only=True))
    results = network.eval()(torch.zeros(picture))
    assert [tuple(result.shape) for result in results] == shapes
    assert ((results[0] >= 0) & (results[0] <= 1)).all()


@pytest.mark.parametrize("number", [0, 57, 123, 388])
def test_the_five_points_agree_with_dlibs_landmarks(number, orl, finder):
    picture = orl[number].read()
    expected = five_points(finder.find(picture))
    found = mtcnn().find(picture)
    assert len(found.boxes) == len(found.scores) == len(found.points) == 1
    eyes_apart = np.linalg.norm(expected[1] - expected[0])
    assert np.linalg.norm(found.points[0] - expected, axis=1).max() < 0.15 * eyes_apart
    left, top, right, bottom = found.boxes[0]
    assert ((found.points[0] > (left, top)) & (found.points[0] < (right, bottom))).all()


@pytest.mark.parametrize("degrees", [0, 20, -20])
def test_points_turn_with_the_face(degrees, orl_picture):
    height, width = orl_picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(orl_picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    upright, found = (mtcnn().find(picture).points[0] for picture in (orl_picture, turned))
    expected = upright @ turn[:, :2].T + turn[:, 2]
    eyes_apart = np.linalg.norm(expected[1] - expected[0])
    assert np.linalg.norm(found - expected, axis=1).mean() < 0.15 * eyes_apart


def test_a_face_twice_as_large_is_found_twice_as_large(orl_picture):
    large = cv2.resize(orl_picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    one, two = mtcnn().find(orl_picture), mtcnn().find(large)
    np.testing.assert_allclose(two.points, 2 * one.points, atol=12)


def test_two_faces_are_both_found(orl):
    pair = np.hstack([orl[0].read(), orl[10].read()])
    found = mtcnn().find(pair)
    middles = sorted(found.points[:, 2, 0])
    assert len(middles) == 2
    assert middles[0] < orl[0].read().shape[1] < middles[1]


def test_masked_faces_are_found_that_hog_loses(orl, finder, dlib_detector):
    tried = by_hog = by_mtcnn = 0
    for face in list(orl)[::16]:
        picture = face.read()
        masked = paint_flat(picture, finder.find(picture), "c", (60, 90, 160))
        tried += 1
        by_hog += len(dlib_detector(masked, 0)) > 0
        by_mtcnn += len(mtcnn().find(masked).boxes) > 0
    assert by_hog < 0.7 * tried
    assert by_mtcnn > 0.8 * tried


def test_lower_thresholds_find_no_less(orl_picture):
    usual = mtcnn().find(orl_picture)
    eager = mtcnn().find(orl_picture, StageThresholds(0.2, 0.2, 0.2))
    strict = mtcnn().find(orl_picture, StageThresholds(1.0, 1.0, 1.0))
    assert len(eager.boxes) >= len(usual.boxes) == 1
    assert strict.points.shape == (0, 5, 2)


@pytest.mark.parametrize("shape", [(240, 240, 3), (12, 300, 3), (5, 5, 3), (1, 1, 3)])
def test_a_flat_grey_picture_of_any_size_has_no_face(shape):
    found = mtcnn().find(np.full(shape, 128, np.uint8))
    assert (found.boxes.shape, found.points.shape) == ((0, 4), (0, 5, 2))


def test_finding_is_repeatable_and_leaves_the_picture_as_it_was(orl_picture):
    before = orl_picture.copy()
    first, second = mtcnn().find(orl_picture), mtcnn().find(orl_picture)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(orl_picture, before)
