import json

import cv2
import numpy as np
import pytest

from eumlib.masks import (
    PAPER_COLOURS,
    SHAPE_NAMES,
    SHAPES,
    Mask,
    MaskPlan,
    MaskRecord,
    mask_outline,
    paint_mask,
    paper_colour,
    replay,
    uniform_colour,
)

JAW = [
    (45, 110), (50, 130), (58, 160), (70, 180), (84, 196), (100, 208), (111, 215),
    (121, 220), (133, 216), (146, 209), (158, 198), (171, 184), (191, 163), (195, 142), (198, 122),
]  # fmt: skip
UNDER_NOSE = [(102, 143), (110, 146), (118, 148), (126, 147), (134, 144)]
IDS = [f"person {number // 5}/{number % 5}.jpg" for number in range(3000)]


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
    for shape in SHAPES:
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


@pytest.mark.parametrize("shape", SHAPES)
def test_painting_fills_the_outline_with_the_colour_and_nothing_else(shape, landmarks, noise):
    painted = paint_mask(noise, landmarks, Mask(shape, (255, 0, 7)))
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
    painted = paint_mask(cut, shifted, Mask(shape, (255, 0, 7)))
    inside, outside = slow_sides(cut, mask_outline(shifted, shape))
    assert (painted[inside] == (255, 0, 7)).all()
    np.testing.assert_array_equal(painted[outside], cut[outside])


def test_a_mask_wholly_outside_paints_nothing(landmarks, noise):
    for shape in SHAPES:
        painted = paint_mask(noise, landmarks + np.array([1000, 0]), Mask(shape, (0, 0, 0)))
        np.testing.assert_array_equal(painted, noise)


def test_painting_changes_neither_picture_nor_landmarks(landmarks, noise):
    picture, points = noise.copy(), landmarks.copy()
    for shape in SHAPES:
        paint_mask(picture, points, Mask(shape, (0, 0, 0)))
    np.testing.assert_array_equal(picture, noise)
    np.testing.assert_array_equal(points, landmarks)


def test_a_mask_on_a_photograph_covers_the_mouth_and_not_the_eyes(orl_picture, orl_landmarks):
    for shape in SHAPES:
        painted = paint_mask(orl_picture, orl_landmarks, Mask(shape, (0, 255, 0)))
        green = (painted == (0, 255, 0)).all(axis=2)
        for number in range(60, 68):
            x, y = orl_landmarks[number]
            assert green[y, x]
        for number in (*range(17, 27), 36, 37, 38, 43, 44, 45):
            x, y = orl_landmarks[number]
            assert not green[y, x]


def test_a_plan_gives_the_same_masks_in_any_order():
    plan = MaskPlan(seed=5)
    masks = {image_id: plan.mask_for(image_id) for image_id in IDS[:200]}
    again = MaskPlan(seed=5)
    for image_id in reversed(IDS[:200]):
        assert again.mask_for(image_id) == masks[image_id]


def test_another_seed_gives_other_masks():
    one, other = MaskPlan(seed=0), MaskPlan(seed=1)
    same = [one.mask_for(image_id) == other.mask_for(image_id) for image_id in IDS[:200]]
    assert sum(same) == 0


def test_all_six_shapes_are_drawn_about_equally():
    drawn = [MaskPlan(seed=0).mask_for(image_id).shape for image_id in IDS]
    expected = len(IDS) / 6
    chi_square = sum((drawn.count(shape) - expected) ** 2 / expected for shape in "abcdef")
    assert set(drawn) == set("abcdef")
    assert chi_square < 20.5  # its 99.9th percentile, five degrees of freedom


def test_uniform_colours_have_three_independent_uniform_values():
    colours = np.array([MaskPlan(seed=0).mask_for(image_id).colour for image_id in IDS])
    assert colours.min() == 0
    assert colours.max() == 255
    for channel in colours.T:
        counts, _ = np.histogram(channel, bins=8, range=(0, 256))
        chi_square = sum((count - len(IDS) / 8) ** 2 / (len(IDS) / 8) for count in counts)
        assert chi_square < 24.3  # its 99.9th percentile, seven degrees of freedom
    correlations = np.corrcoef(colours.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 0.07


def test_shape_and_colour_are_drawn_independently():
    masks = [MaskPlan(seed=0).mask_for(image_id) for image_id in IDS]
    for shape in SHAPES:
        reds = [mask.colour[0] for mask in masks if mask.shape == shape]
        assert abs(np.mean(reds) - 127.5) < 4 * 73.9 / len(reds) ** 0.5


def test_a_uniform_colour_is_plain_integers():
    colour = uniform_colour(np.random.default_rng(0))
    assert len(colour) == 3
    assert all(type(value) is int for value in colour)
    assert uniform_colour(np.random.default_rng(0)) == colour


def test_paper_colours_are_the_six_fixed_ones_about_equally():
    six = {(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (173, 216, 230)}
    assert set(PAPER_COLOURS.values()) == six
    plan = MaskPlan(seed=0, draw_colour=paper_colour)
    drawn = [plan.mask_for(image_id).colour for image_id in IDS]
    assert set(drawn) == six
    expected = len(IDS) / 6
    assert sum((drawn.count(colour) - expected) ** 2 / expected for colour in six) < 20.5


def test_a_plan_of_fewer_shapes_draws_only_those():
    plan = MaskPlan(seed=0, shapes=("b", "e"))
    assert {plan.mask_for(image_id).shape for image_id in IDS[:100]} == {"b", "e"}


def test_plans_that_paint_differently_are_described_differently():
    plans = [
        MaskPlan(),
        MaskPlan(seed=1),
        MaskPlan(shapes=("a",)),
        MaskPlan(draw_colour=paper_colour),
    ]
    assert len({plan.describe() for plan in plans}) == len(plans)
    assert MaskPlan(seed=1).describe() == MaskPlan(seed=1).describe()


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


def test_a_record_is_json_that_others_can_read(landmarks):
    row = json.loads(MaskRecord("s1/1", Mask("d", (173, 216, 230)), landmarks).to_json())
    assert row["image_id"] == "s1/1"
    assert (row["shape"], row["colour"]) == ("d", "#add8e6")
    assert row["landmarks"] == landmarks.tolist()


@pytest.mark.parametrize("shape", ["g", "", "A", "ab"])
def test_an_unknown_shape_is_refused_with_the_known_ones(shape, landmarks):
    with pytest.raises(ValueError, match="a, b, c, d, e, f"):
        Mask(shape, (0, 0, 0))
    with pytest.raises(ValueError, match="a, b, c, d, e, f"):
        mask_outline(landmarks, shape)


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


def test_landmarks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(68, 2\), not \(5, 2\)"):
        mask_outline(np.zeros((5, 2)), "a")


def test_every_shape_has_a_name():
    assert tuple(SHAPE_NAMES) == SHAPES
    assert len(set(SHAPE_NAMES.values())) == 6
