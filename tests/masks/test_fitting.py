import cv2
import numpy as np
import pytest
from drawn_faces import drawn_landmarks
from scipy.interpolate import RBFInterpolator

from eumlib.masks import LIFELIKE_SHAPES
from eumlib.masks.fitting import fit_mask, on_sheet

SHAPES = ("surgical", "respirator", "cloth plain")  # the cuts: all cloth is cut alike
TURNS = (-40, -20, 0, 20, 40)
MIRRORED_JAW = np.arange(16, -1, -1)
MIRRORED = np.array(
    [
        *MIRRORED_JAW,
        *range(26, 16, -1),
        *(27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)


def depth(fit, points):
    """How far inside the outline the points are, in widths of the face; below 0 outside."""
    contour = fit.outline.astype(np.float32)
    pixels = [cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in points]
    return np.array(pixels) / fit.width


def grid_inside(fit, count=40):
    axes = np.linspace(fit.outline.min(axis=0), fit.outline.max(axis=0), count).T
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    return grid[depth(fit, grid) > 0]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_mask_covers_nose_mouth_and_chin_and_not_the_eyes(shape, turn):
    landmarks = drawn_landmarks(turn)
    fit = fit_mask(landmarks, shape)
    covered = depth(fit, landmarks)
    assert (covered[30:36] > 0.01).all()
    assert (covered[48:68] > 0.01).all()
    assert (covered[36:48] < -0.01).all()
    assert (covered[17:28] < -0.02).all()
    # It stands out a little under the chin, and not far.
    assert (covered[6:11] > 0.01).all()
    assert (covered[6:11] < 0.1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mask_on_a_photograph_covers_what_one_on_a_drawing_does(shape, orl, finder):
    for number in (0, 11, 22, 33, 44):
        landmarks = finder.find(orl[number].read())
        covered = depth(fit_mask(landmarks, shape), landmarks)
        assert (covered[[*range(6, 11), *range(30, 36), *range(48, 68)]] > 0).all()
        assert (covered[[*range(17, 28), *range(36, 48)]] < 0).all()


@pytest.mark.parametrize("degrees", [0, 30, 90, 180])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_mask_moves_grows_and_rolls_with_the_face(shape, degrees):
    landmarks = drawn_landmarks(15)
    fit = fit_mask(landmarks, shape)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turning = np.array([[cosine, -sine], [sine, cosine]])

    def moved(points):
        return 2.5 * points @ turning.T + [70, -30]

    other = fit_mask(moved(landmarks), shape)
    np.testing.assert_allclose(other.outline, moved(fit.outline), atol=1e-6)
    np.testing.assert_allclose(other.pins, moved(fit.pins), atol=1e-6)
    np.testing.assert_allclose(other.sheet, fit.sheet, atol=1e-9)
    for strap, expected in zip(other.straps, fit.straps, strict=True):
        np.testing.assert_allclose(strap, moved(expected), atol=1e-6)
    assert other.width == pytest.approx(2.5 * fit.width)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mirrored_face_has_the_mirrored_mask(shape):
    landmarks = drawn_landmarks(15) + np.random.default_rng(0).normal(0, 1, (68, 2))
    fit = fit_mask(landmarks, shape)
    mirrored = fit_mask(((-1, 1) * landmarks)[MIRRORED], shape)
    inside = grid_inside(fit)
    assert (depth(mirrored, (-1, 1) * inside) > -1e-6).all()
    sheet = on_sheet(fit, inside) * (-1, 1)
    np.testing.assert_allclose(on_sheet(mirrored, (-1, 1) * inside), sheet, atol=1e-6)
    assert len(mirrored.straps) == len(fit.straps)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_near_half_of_a_turned_face_is_wider_the_more_it_is_turned(shape):
    shares = []
    for turn in TURNS:
        fit = fit_mask(drawn_landmarks(turn), shape)
        shares.append((on_sheet(fit, grid_inside(fit))[:, 0] < 0).mean())
    assert shares == sorted(shares)
    assert shares[2] == pytest.approx(0.5, abs=0.02)
    assert shares[3] > 0.55
    assert shares[4] > 0.65


@pytest.mark.parametrize("shape", SHAPES)
def test_a_turned_face_shows_its_near_side_to_the_end_and_hides_its_far_side(shape):
    for turn in (0, 20, 40):
        sheet = fit_mask(drawn_landmarks(turn), shape).sheet
        assert sheet[:, 0].min() == pytest.approx(-1)
        assert sheet[:, 1].min() == 0
        assert sheet[:, 1].max() == 1
        assert (sheet[:, 0].max() < 0.9) == (turn == 40)


def test_fabric_is_foreshortened_where_the_face_turns_away():
    fit = fit_mask(drawn_landmarks(0), "cloth plain")
    height = fit.outline[:, 1].mean()
    left, right = fit.outline[:, 0].min(), fit.outline[:, 0].max()
    x = np.linspace(left + 3, right - 3, 41)
    u = on_sheet(fit, np.column_stack([x, np.full(41, height)]))[:, 0]
    fabric = np.diff(u)  # how much of it a pixel shows
    assert fabric[0] > 1.3 * fabric[20] < fabric[-1]


@pytest.mark.parametrize("turn", TURNS[1:-1])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_fabric_is_never_folded_over(shape, turn):
    fit = fit_mask(drawn_landmarks(turn), shape)
    at = grid_inside(fit)
    right, down = (on_sheet(fit, np.add(at, step)) - on_sheet(fit, at) for step in 0.1 * np.eye(2))
    assert (right[:, 0] * down[:, 1] - right[:, 1] * down[:, 0] > 0).all()


@pytest.mark.parametrize("turn", [0, 25])
def test_the_warp_is_scipys_thin_plate_spline_through_the_pins(turn):
    fit = fit_mask(drawn_landmarks(turn), "surgical")
    np.testing.assert_allclose(on_sheet(fit, fit.pins), fit.sheet, atol=1e-3)
    scipys = RBFInterpolator(fit.pins, fit.sheet, kernel="thin_plate_spline")
    asked = fit.pins.mean(axis=0) + np.random.default_rng(1).normal(0, 60, (200, 2))
    np.testing.assert_allclose(on_sheet(fit, asked), scipys(asked), atol=5e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_straps_run_from_the_mask_to_the_ears_that_are_seen(shape):
    landmarks = drawn_landmarks(0)
    fit = fit_mask(landmarks, shape)
    assert len(fit.straps) == 4
    for strap in fit.straps:
        middle = (strap[:9] + strap[:8:-1]) / 2
        assert depth(fit, middle[:1]) > 0
        assert depth(fit, middle[2:]).max() < 0
        ears = landmarks[[0, 1, 2, 14, 15, 16]]
        assert np.linalg.norm(ears - middle[-1], axis=1).min() < 0.1 * fit.width
        thickness = np.linalg.norm(strap[:9] - strap[:8:-1], axis=1) / fit.width
        assert 0.02 > thickness[0] > thickness[-1] > 0.004
    near = fit_mask(drawn_landmarks(40), shape).straps  # its left half is the near one
    assert len(near) == 2
    assert all(strap[:, 0].max() < drawn_landmarks(40)[30, 0] for strap in near)


def test_all_cloth_is_cut_alike_and_other_masks_differently():
    landmarks = drawn_landmarks(10)
    outlines = {shape: fit_mask(landmarks, shape).outline for shape in LIFELIKE_SHAPES}
    cloth = [outline for shape, outline in outlines.items() if shape.startswith("cloth")]
    assert len(cloth) == 4
    for other in cloth:
        np.testing.assert_array_equal(other, cloth[0])
    areas = [cv2.contourArea(outlines[shape].astype(np.float32)) for shape in SHAPES]
    assert areas[1] < 0.95 * min(areas[0], areas[2])  # a respirator is the narrowest


def test_landmarks_that_coincide_here_and_there_still_make_a_mask():
    landmarks = drawn_landmarks(60)
    landmarks[9:17, 0] = landmarks[:, 0].max()  # a profile: the far jaw lies on one line
    landmarks[[1, 2]] = landmarks[0]
    fit = fit_mask(landmarks, "surgical")
    assert np.isfinite(on_sheet(fit, grid_inside(fit))).all()


@pytest.mark.parametrize("scale", [0, 0.01])
def test_landmarks_too_close_together_for_a_face_are_refused(scale):
    with pytest.raises(ValueError, match=r"span \d\.\d px from ear to ear .* 4 px"):
        fit_mask(scale * drawn_landmarks(), "surgical")


def test_landmarks_of_another_shape_and_unknown_masks_are_refused():
    with pytest.raises(ValueError, match=r"\(68, 2\), not \(5, 2\)"):
        fit_mask(np.zeros((5, 2)), "surgical")
    with pytest.raises(ValueError, match="'hat'; there are surgical"):
        fit_mask(drawn_landmarks(), "hat")
