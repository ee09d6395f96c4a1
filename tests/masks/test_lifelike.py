import cv2
import numpy as np
import pytest
from drawn_faces import drawn_landmarks, drawn_picture

from eumlib.masks.fabric import sheets
from eumlib.masks.fitting import fit_mask
from eumlib.masks.lifelike import LIFELIKE_NAMES, LIFELIKE_SHAPES, paint_lifelike

CUTS = ("surgical", "respirator", "cloth plain")
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@pytest.fixture(scope="module")
def landmarks():
    return drawn_landmarks()


@pytest.fixture(scope="module")
def picture(landmarks):
    return drawn_picture(landmarks)


def coverage(picture, landmarks, shape):
    """From 0, bare, to about 1, covered: how much the fabric's colour matters at each pixel."""
    white, black = (
        paint_lifelike(picture, landmarks, shape, colour).astype(np.float64).mean(axis=2)
        for colour in (WHITE, BLACK)
    )
    return (white - black) / np.percentile(white - black, 99.5)


def brightness(painted, landmarks):
    """Mean over the left half and over the right half of the mask, well inside."""
    grey = painted.astype(np.float64).mean(axis=2)
    left, right = landmarks[[4, 48, 6]], landmarks[[12, 54, 10]]
    means = []
    for corners in (left, right):
        inside = cv2.fillPoly(np.zeros(grey.shape, np.uint8), [corners.round().astype(int)], 1)
        means.append(grey[inside > 0].mean())
    return means


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_the_same_input_gives_the_same_pixels_even_with_the_fabric_drawn_anew(
    shape, orl_picture, orl_landmarks
):
    first = paint_lifelike(orl_picture, orl_landmarks, shape, (31, 120, 200))
    sheets.cache_clear()
    for offset in (1, 2, 3, 5, 8):  # where the bytes lie must not matter either
        elsewhere = np.empty(orl_picture.size + offset, dtype=np.uint8)[offset:]
        elsewhere = elsewhere.reshape(orl_picture.shape)
        elsewhere[:] = orl_picture
        again = paint_lifelike(elsewhere, orl_landmarks.tolist(), shape, [31, 120, 200])
        np.testing.assert_array_equal(first, again)
    assert first.shape == orl_picture.shape
    assert first.dtype == np.uint8


def test_painting_changes_neither_picture_nor_landmarks(picture, landmarks):
    before, points = picture.copy(), landmarks.copy()
    for shape in LIFELIKE_SHAPES:
        paint_lifelike(before, points, shape, WHITE)
    np.testing.assert_array_equal(before, picture)
    np.testing.assert_array_equal(points, landmarks)


@pytest.mark.parametrize("shape", CUTS)
def test_nose_mouth_and_chin_are_covered_and_eyes_and_brows_are_not(shape, orl, finder):
    photographs = [orl[number].read() for number in (0, 17, 35)]
    faces = [(photograph, finder.find(photograph)) for photograph in photographs]
    faces += [(drawn_picture(points), points) for points in map(drawn_landmarks, (-35, 10))]
    for picture, landmarks in faces:
        covered = coverage(picture, landmarks, shape)
        columns, rows = np.rint(landmarks).astype(int).T
        inside = (rows < picture.shape[0]) & (columns < picture.shape[1])
        for number in (*range(7, 10), *range(30, 36), *range(48, 68)):
            assert not inside[number] or covered[rows[number], columns[number]] > 0.45
        for number in (*range(17, 27), *range(36, 48)):
            assert covered[rows[number], columns[number]] < 0.05


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_a_grey_photograph_stays_grey(shape, orl_picture, orl_landmarks, picture, landmarks):
    grey = np.repeat(picture[..., 1:2], 3, axis=2)
    for image, points in ((orl_picture, orl_landmarks), (grey, landmarks)):
        assert np.ptp(image, axis=2).max() == 0
        painted = paint_lifelike(image, points, shape, (255, 20, 90))
        assert np.ptp(painted, axis=2).max() == 0
        assert not np.array_equal(painted, image)


def test_colours_fade_with_the_photographs_own(picture, landmarks):
    grey = picture.mean(axis=2, keepdims=True)
    spreads = []
    for colourful in (0.0, 0.3, 0.6):
        faded = np.rint(grey + colourful * (picture - grey)).astype(np.uint8)
        painted = paint_lifelike(faded, landmarks, "cloth plain", (200, 30, 40))
        column, row = np.rint(landmarks[57]).astype(int)
        spreads.append(int(np.ptp(painted[row, column].astype(int))))
    assert spreads[0] == 0
    assert spreads[0] + 15 < spreads[1] < spreads[2] - 15


def test_the_fabric_has_the_colour_that_was_asked_for(picture, landmarks):
    column, row = np.rint(landmarks[57]).astype(int)
    for colour in ((220, 40, 60), (30, 200, 70), (50, 60, 210), WHITE, (90, 90, 90), BLACK):
        for shape in CUTS:
            seen = paint_lifelike(picture, landmarks, shape, colour)[row, column].astype(int)
            assert np.abs(seen - colour).max() < 60
            if np.ptp(colour) > 50:
                assert np.argsort(seen).tolist() == np.argsort(colour).tolist()


@pytest.mark.parametrize("shape", CUTS)
@pytest.mark.parametrize("colour", [WHITE, (120, 60, 90)])
def test_a_face_lit_from_one_side_gets_a_mask_lit_from_there(shape, colour, picture, landmarks):
    ramp = np.linspace(1.15, 0.35, picture.shape[1])[None, :, None]
    for light, brighter in ((ramp, 0), (ramp[:, ::-1], 1)):
        lit = np.rint(picture * light).clip(0, 255).astype(np.uint8)
        halves = brightness(paint_lifelike(lit, landmarks, shape, colour), landmarks)
        assert halves[brighter] > 1.15 * halves[1 - brighter]
    left, right = brightness(paint_lifelike(picture, landmarks, shape, colour), landmarks)
    assert left == pytest.approx(right, rel=0.03)


def test_a_dim_photograph_gets_a_dim_mask(picture, landmarks):
    means = [
        np.mean(brightness(paint_lifelike(dimmed, landmarks, "surgical", WHITE), landmarks))
        for dimmed in ((picture * share).astype(np.uint8) for share in (1, 0.5, 0.25))
    ]
    assert means[0] > means[1] + 20 > means[2] + 40


def test_a_beard_or_glasses_do_not_pass_for_a_shadow(picture, landmarks):
    bearded = picture.copy()
    cv2.circle(bearded, landmarks[57].round().astype(int).tolist(), 9, (40, 30, 30), -1)
    cv2.polylines(bearded, [landmarks[36:42].round().astype(int)], True, (20, 20, 20), 2)
    plain, masked = (
        paint_lifelike(image, landmarks, "cloth plain", WHITE) for image in (picture, bearded)
    )
    inside = coverage(picture, landmarks, "cloth plain") > 0.95
    assert np.abs(plain[inside].astype(int) - masked[inside]).mean() < 8


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_the_mirrored_picture_gets_the_mirrored_mask(shape, picture, landmarks):
    random = np.random.default_rng(0)
    noisy = np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    mirrored = landmarks.copy()  # a face drawn symmetrically: mirrored, its numbers stay in place
    mirrored[:, 0] = landmarks[:, 0] + (noisy.shape[1] - 1) - 2 * landmarks[8, 0]
    painted = paint_lifelike(noisy, landmarks, shape, (40, 120, 200))
    other = paint_lifelike(noisy[:, ::-1].copy(), mirrored, shape, (40, 120, 200))[:, ::-1]
    difference = np.abs(painted.astype(int) - other)
    assert difference.mean() < 1
    assert np.percentile(difference, 99.9) < 30


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_a_picture_twice_as_large_gets_a_mask_twice_as_large(shape, picture, landmarks):
    def enlarged(image):
        return cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)

    expected = enlarged(paint_lifelike(picture, landmarks, shape, (40, 120, 200)))
    painted = paint_lifelike(enlarged(picture), 2 * landmarks + 0.5, shape, (40, 120, 200))
    difference = np.abs(painted.astype(int) - expected)
    assert difference.mean() < 2
    assert np.percentile(difference, 99) < 50


@pytest.mark.parametrize(
    ("left", "top", "right", "bottom"), [(125, 0, 260, 260), (0, 0, 150, 170), (0, 150, 260, 170)]
)
@pytest.mark.parametrize("shape", CUTS)
def test_a_mask_that_reaches_out_of_the_picture_is_cut_off(
    shape, left, top, right, bottom, picture, landmarks
):
    cut = picture[top:bottom, left:right]
    covered = coverage(cut, landmarks - (left, top), shape)
    expected = coverage(picture, landmarks, shape)[top:bottom, left:right]
    assert ((covered > 0.5) == (expected > 0.5)).mean() > 0.98
    assert (expected > 0.5).mean() > 0.08


def test_a_mask_wholly_outside_paints_nothing(picture, landmarks):
    for shape in LIFELIKE_SHAPES:
        for offset in ((1000, 0), (0, -1000), (-300, 300)):
            painted = paint_lifelike(picture, landmarks + offset, shape, BLACK)
            np.testing.assert_array_equal(painted, picture)
            assert painted is not picture


@pytest.mark.parametrize("shape", CUTS)
def test_pixels_far_from_the_mask_are_not_touched(shape, landmarks):
    noise = np.random.default_rng(0).integers(0, 256, (260, 260, 3), dtype=np.uint8)
    fit = fit_mask(landmarks, shape)
    drawn = np.concatenate([fit.outline, *fit.straps])
    near = 0.15 * fit.width
    left, top = (drawn.min(axis=0) - near).astype(int)
    right, bottom = (drawn.max(axis=0) + near).astype(int)
    painted = paint_lifelike(noise, landmarks, shape, (10, 200, 30))
    painted[top:bottom, left:right] = noise[top:bottom, left:right]
    np.testing.assert_array_equal(painted, noise)


@pytest.mark.parametrize("shape", CUTS)
def test_edges_are_soft_and_as_soft_as_the_photographs(shape, picture, landmarks):
    widths = []
    for blur in (0.3, 2.5):
        covered = coverage(cv2.GaussianBlur(picture, (0, 0), blur), landmarks, shape)
        column = covered[:, round(landmarks[8, 0])]
        edge = column[np.flatnonzero(column > 0.5)[-1] - 8 :]
        widths.append(int(((edge > 0.05) & (edge < 0.6)).sum()))
    assert 1 <= widths[0] <= 4
    assert widths[0] < widths[1] <= 9


@pytest.mark.parametrize("shape", CUTS)
def test_a_shadow_lies_along_the_masks_edge_and_nothing_outside_is_brightened(shape, landmarks):
    flat = np.full((260, 260, 3), 180, dtype=np.uint8)
    painted = paint_lifelike(flat, landmarks, shape, BLACK).astype(int)
    fit = fit_mask(landmarks, shape)
    outside = np.full((260, 260), 255, dtype=np.uint8)
    for polygon in (fit.outline, *fit.straps):
        cv2.fillPoly(outside, [polygon.round().astype(int)], 0)
    bare = cv2.erode(outside, np.ones((9, 9))) > 0
    assert painted[bare].max() == 180
    column, row = landmarks[8].round().astype(int)
    below = painted[row : row + 40, column, 1]
    assert 180 * 0.6 < below[below > 60][4] < 180  # past the soft edge: darkened skin


def test_patterned_cloth_has_a_second_colour_darker_or_paler_than_the_first(picture, landmarks):
    inside = coverage(picture, landmarks, "cloth plain") > 0.95
    for colour, wanted in (((240, 220, 120), np.less), ((60, 20, 90), np.greater)):
        plain = paint_lifelike(picture, landmarks, "cloth plain", colour)[inside].mean()
        for shape in ("cloth striped", "cloth dotted", "cloth checked"):
            patterned = paint_lifelike(picture, landmarks, shape, colour)[inside]
            assert wanted(patterned.mean(), plain)
            assert patterned.std() > 30


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_pictures_can_be_painted_on(value, landmarks):
    flat = np.full((260, 260, 3), value, dtype=np.uint8)
    for shape in LIFELIKE_SHAPES:
        painted = paint_lifelike(flat, landmarks, shape, (200, 100, 50))
        assert np.ptp(painted[170, 100:160].astype(int)) > 0


@pytest.mark.parametrize("shape", ["a", "", "cloth", "Surgical"])
def test_an_unknown_shape_is_refused_with_the_known_ones(shape, picture, landmarks):
    with pytest.raises(ValueError, match=f"'{shape}'; there are surgical, .*cloth checked"):
        paint_lifelike(picture, landmarks, shape, BLACK)


def test_landmarks_of_another_shape_or_of_no_face_are_refused(picture):
    with pytest.raises(ValueError, match=r"\(68, 2\), not \(5, 2\)"):
        paint_lifelike(picture, np.zeros((5, 2)), "surgical", BLACK)
    with pytest.raises(ValueError, match="a mask needs a face of 4 px"):
        paint_lifelike(picture, np.zeros((68, 2)), "surgical", BLACK)


@pytest.mark.parametrize("colour", [(0, 0), (0, 0, 0, 0), (0, 0, 256), (-1, 0, 0), ()])
def test_a_colour_that_is_none_is_refused(colour, picture, landmarks):
    with pytest.raises(ValueError, match="three numbers from 0 to 255, not"):
        paint_lifelike(picture, landmarks, "surgical", colour)


def test_every_shape_paints_differently(picture, landmarks):
    assert tuple(LIFELIKE_NAMES) == LIFELIKE_SHAPES
    painted = {
        paint_lifelike(picture, landmarks, shape, (90, 120, 200)).tobytes()
        for shape in LIFELIKE_SHAPES
    }
    assert len(painted) == len(LIFELIKE_SHAPES)
