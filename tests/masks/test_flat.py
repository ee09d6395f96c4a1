import cv2
import numpy as np
import pytest

from eumlib.masks import COVERAGES, FLAT_SHAPE_NAMES, FLAT_SHAPES, WIDTHS, flat_shape, mask_outline
from eumlib.masks.flat import paint_flat

JAW = [
    (45, 110), (50, 130), (58, 160), (70, 180), (84, 196), (100, 208), (111, 215),
    (121, 220), (133, 216), (146, 209), (158, 198), (171, 184), (191, 163), (195, 142), (198, 122),
]  # fmt: skip
UNDER_NOSE = [(102, 143), (110, 146), (118, 148), (126, 147), (134, 144)]


@pytest.fixture(scope="module")
def landmarks():
    """A face drawn by hand; landmarks that no mask reads lie far away."""
    points = np.full((68, 2), -999, dtype=np.int32)
    points[1:16] = [(42, 115), *JAW[1:]]
    points[31:36] = UNDER_NOSE
    for number, point in {
        27: (119, 95),
        28: (118, 108),
        29: (117, 121),
        39: (105, 97),
        40: (96, 100),
        42: (135, 98),
        46: (152, 101),
    }.items():
        points[number] = point
    return points


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(1, 255, (240, 230, 3), dtype=np.uint8)


def corners(outline):
    """The polygon's corners from its smallest one on, so that polygons compare as rings."""
    ring = [tuple(point) for point in outline.tolist()]
    start = ring.index(min(ring))
    ring = ring[start:] + ring[:start]
    return min(ring, [ring[0], *ring[:0:-1]])


POLYGONS = {
    "a": [(42, 115), *JAW[1:], (135, 122), (119, 95), (105, 115)],
    "c": [(42, 115), *JAW[1:], (117, 121)],
    "e": [(42, 115), *JAW[1:], *reversed(UNDER_NOSE)],
}
# Centre x is that of landmark 28; full width is 0.8 · (191 − 58) = 106.4; the chin is at y = 220.
ELLIPSE_TOPS = {
    "b": (95 + 108) / 2,
    "d": 121,
    "f": 121 + 0.33 * (152 - 96),
}


def test_the_hand_drawn_jaw_has_the_landmarks_that_the_oracle_reads(landmarks):
    assert landmarks[3].tolist() == [58, 160]
    assert landmarks[13].tolist() == [191, 163]
    assert landmarks[8].tolist() == [121, 220]
    assert landmarks[15].tolist() == [198, 122]


@pytest.mark.parametrize("shape", POLYGONS)
def test_a_wide_mask_is_the_papers_polygon(shape, landmarks):
    outline = mask_outline(landmarks, shape)
    assert outline.dtype == np.float64
    expected = np.array(POLYGONS[shape], dtype=np.float64)
    assert corners(outline) == corners(expected)


@pytest.mark.parametrize("shape", ELLIPSE_TOPS)
def test_a_round_mask_is_the_papers_ellipse(shape, landmarks):
    outline = mask_outline(landmarks, shape)
    top, bottom = ELLIPSE_TOPS[shape], 220
    centre_x, centre_y = 118, (top + bottom) / 2
    half_width, half_height = 106.4 / 2, (bottom - top) / 2
    x, y = outline.T
    assert (x.min(), x.max()) == pytest.approx((118 - 53.2, 118 + 53.2))
    assert (y.min(), y.max()) == pytest.approx((top, bottom))
    for u, v in outline:
        on_it = ((u - centre_x) / half_width) ** 2 + ((v - centre_y) / half_height) ** 2
        assert on_it == pytest.approx(1)
    area = cv2.contourArea(outline.astype(np.float32))
    assert area == pytest.approx(np.pi * half_width * half_height, rel=0.002)


def test_masks_cover_less_of_the_nose_from_high_to_low(landmarks):
    for high, medium, low in ("ace", "bdf"):
        areas = [
            cv2.contourArea(mask_outline(landmarks, shape).astype(np.float32))
            for shape in (high, medium, low)
        ]
        assert areas[0] > areas[1] > areas[2]


def test_the_outline_moves_and_grows_with_the_face(landmarks):
    for shape in FLAT_SHAPES:
        outline = mask_outline(landmarks, shape)
        moved = mask_outline(landmarks * 3 + [20, -40], shape)
        np.testing.assert_allclose(moved, outline * 3 + [20, -40])


def slow_sides(picture, outline):
    """Pixels more than one pixel inside, and more than one pixel outside, tested one by one."""
    contour = outline.astype(np.float32)
    height, width = picture.shape[:2]
    distances = np.array(
        [
            [cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x in range(width)]
            for y in range(height)
        ]
    )
    return distances > 1, distances < -1


@pytest.mark.parametrize("shape", FLAT_SHAPES)
def test_painting_fills_the_outline_with_the_colour_and_nothing_else(shape, landmarks, noise):
    painted = paint_flat(noise, landmarks, shape, (255, 0, 7))
    inside, outside = slow_sides(noise, mask_outline(landmarks, shape))
    assert painted.shape == noise.shape
    assert painted.dtype == np.uint8
    assert inside.sum() > 3000
    assert (painted[inside] == (255, 0, 7)).all()
    np.testing.assert_array_equal(painted[outside], noise[outside])
    rest = painted[~inside & ~outside]
    before = noise[~inside & ~outside]
    assert ((rest == (255, 0, 7)).all(axis=1) | (rest == before).all(axis=1)).all()


@pytest.mark.parametrize(
    ("shape", "left", "bottom"),
    [
        *((shape, 80, 180) for shape in "abcdef"),
        *((shape, 135, 235) for shape in "abcdef"),
    ],
)
def test_a_mask_that_reaches_out_of_the_picture_is_cut_off(shape, left, bottom, landmarks, noise):
    cut = np.ascontiguousarray(noise[:bottom, left:])
    shifted = landmarks - np.array([left, 0])
    painted = paint_flat(cut, shifted, shape, (255, 0, 7))
    inside, outside = slow_sides(cut, mask_outline(shifted, shape))
    assert (painted[inside] == (255, 0, 7)).all()
    np.testing.assert_array_equal(painted[outside], cut[outside])


def test_a_mask_wholly_outside_paints_nothing(landmarks, noise):
    for shape in FLAT_SHAPES:
        painted = paint_flat(noise, landmarks + np.array([1000, 0]), shape, (0, 0, 0))
        np.testing.assert_array_equal(painted, noise)


def test_painting_changes_neither_picture_nor_landmarks(landmarks, noise):
    picture, points = noise.copy(), landmarks.copy()
    for shape in FLAT_SHAPES:
        paint_flat(picture, points, shape, (0, 0, 0))
    np.testing.assert_array_equal(picture, noise)
    np.testing.assert_array_equal(points, landmarks)


def test_a_mask_on_a_photograph_covers_the_mouth_and_not_the_eyes(orl_picture, orl_landmarks):
    for shape in FLAT_SHAPES:
        painted = paint_flat(orl_picture, orl_landmarks, shape, (0, 255, 0))
        green = (painted == (0, 255, 0)).all(axis=2)
        for number in range(60, 68):
            x, y = orl_landmarks[number]
            assert green[y, x]
        for number in (*range(17, 27), 36, 37, 38, 43, 44, 45):
            x, y = orl_landmarks[number]
            assert not green[y, x]


@pytest.mark.parametrize("shape", ["g", "", "A", "ab", "surgical"])
def test_an_unknown_flat_shape_is_refused_with_the_known_ones(shape, landmarks, noise):
    with pytest.raises(ValueError, match="a, b, c, d, e, f"):
        mask_outline(landmarks, shape)
    with pytest.raises(ValueError, match="a, b, c, d, e, f"):
        paint_flat(noise, landmarks, shape, (0, 0, 0))


def test_landmarks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(68, 2\), not \(5, 2\)"):
        mask_outline(np.zeros((5, 2)), "a")


def test_every_flat_shape_has_its_own_name():
    assert tuple(FLAT_SHAPE_NAMES) == FLAT_SHAPES
    assert len(set(FLAT_SHAPE_NAMES.values())) == 6


def test_nists_words_name_each_shape_once(landmarks):
    shapes = {(w, c): flat_shape(w, c) for w in WIDTHS for c in COVERAGES}
    assert sorted(shapes.values()) == list(FLAT_SHAPES)
    for width in WIDTHS:
        tops = [mask_outline(landmarks, shapes[width, c])[:, 1].min() for c in COVERAGES[:2]]
        assert tops[0] < tops[1]
    for coverage in COVERAGES:
        wide, round_ = (np.ptp(mask_outline(landmarks, shapes[w, coverage])[:, 0]) for w in WIDTHS)
        assert wide > round_


@pytest.mark.parametrize(("width", "coverage"), [("broad", "high"), ("wide", "full"), ("", "")])
def test_other_words_than_nists_are_refused_with_the_known_ones(width, coverage):
    with pytest.raises(ValueError, match=r"wide, round.*high, medium, low"):
        flat_shape(width, coverage)
