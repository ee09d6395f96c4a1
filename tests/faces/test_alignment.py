import cv2
import dlib
import numpy as np
import pytest

from eumlib.faces import AlignmentError, align_chip, align_five_points
from eumlib.faces.alignment import ARCFACE_TEMPLATE, EYES_APART, fit_similarity, five_points

ANGLES = [0, 20, 40, -30]


def similarity(degrees, scale, shift=(0, 0)):
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, shift])


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


def least_squares(points, target):
    """a, b, s, t with x' = ax − by + s, y' = bx + ay + t, by a linear solver."""
    rows, values = [], []
    for (x, y), (u, v) in zip(points, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    a, b, s, t = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    return np.array([[a, -b, s], [b, a, t]])


def umeyama(points, target):
    """The matrix by singular values, step by step as in the paper of 1991."""
    centre, goal = points.mean(axis=0), target.mean(axis=0)
    covariance = (target - goal).T @ (points - centre) / len(points)
    u, values, vt = np.linalg.svd(covariance)
    signs = np.array([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    variance = ((points - centre) ** 2).sum() / len(points)
    turn = (values * signs).sum() / variance * u @ np.diag(signs) @ vt
    return np.column_stack([turn, goal - turn @ centre])


def landmarks_at(points):
    """68 landmarks with these five points: rings around the eyes, everything else at the nose."""
    left, right, nose, mouth_left, mouth_right = np.asarray(points, float)
    landmarks = np.repeat(nose[None], 68, axis=0)
    ring = np.array([(np.cos(angle), np.sin(angle)) for angle in np.arange(6) * np.pi / 3])
    landmarks[36:42], landmarks[42:48] = left + 2 * ring, right + 2 * ring
    landmarks[48], landmarks[54] = mouth_left, mouth_right
    return landmarks


def spots(points, shape, radius):
    """A black picture with a soft white spot at each point."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = np.zeros(shape)
    for centre_x, centre_y in points:
        distance = (x - centre_x) ** 2 + (y - centre_y) ** 2
        picture = np.maximum(picture, np.exp(-distance / (2 * radius**2)))
    return np.repeat(np.uint8(255 * picture)[..., None], 3, axis=2)


def spot_near(chip, point, radius):
    """Centre of gravity of what is white around the point."""
    y, x = np.mgrid[: len(chip), : len(chip)]
    near = (x - point[0]) ** 2 + (y - point[1]) ** 2 < radius**2
    weights = chip[..., 0] * near
    return np.array([(x * weights).sum(), (y * weights).sum()]) / weights.sum()


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
    expected = align_chip(orl_picture, orl_landmarks, size=150, padding=0.25)
    np.testing.assert_array_equal(align_chip(orl_picture, orl_landmarks), expected)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("align", [align_chip, align_five_points])
def test_a_chip_is_upright_however_the_face_is_turned(
    align, degrees, orl_picture, orl_landmarks, finder
):
    centre = tuple(float(value) for value in orl_landmarks.mean(axis=0))
    turn = cv2.getRotationMatrix2D(centre, degrees, 1)
    height, width = orl_picture.shape[:2]
    turned = cv2.warpAffine(orl_picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    chip = align(turned, moved(orl_landmarks, turn).round(), size=300)
    found = finder.find(chip)
    eyes = found[42:48].mean(axis=0) - found[36:42].mean(axis=0)
    assert abs(np.degrees(np.arctan2(eyes[1], eyes[0]))) < 4


@pytest.mark.parametrize("align", [align_chip, align_five_points])
def test_a_chip_can_be_cut_where_landmarks_lie_outside_the_picture(
    align, orl_picture, orl_landmarks
):
    cut = np.ascontiguousarray(orl_picture[: orl_landmarks[8, 1] - 10])
    chip, whole = align(cut, orl_landmarks), align(orl_picture, orl_landmarks)
    assert chip.shape == whole.shape
    half = len(chip) // 2
    np.testing.assert_array_equal(chip[:half], whole[:half])
    assert (chip != whole).any()


@pytest.mark.parametrize("shape", [(5, 2), (68, 3), (2, 68), (136,), (1, 68, 2), (0, 2)])
@pytest.mark.parametrize("align", [align_chip, align_five_points])
def test_landmarks_of_another_shape_are_refused_with_both_shapes(align, shape, orl_picture):
    with pytest.raises(ValueError, match=r"\(68, 2\)") as refusal:
        align(orl_picture, np.zeros(shape, np.int32))
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize("align", [align_chip, align_five_points])
def test_a_face_too_small_to_align_is_refused_with_a_reason(align, orl_picture, orl_landmarks):
    left, right = five_points(orl_landmarks)[:2]
    apart = np.linalg.norm(right - left)
    large_enough = (orl_landmarks * (EYES_APART + 1) / apart).round()
    assert align(orl_picture, large_enough).dtype == np.uint8
    with pytest.raises(AlignmentError, match=rf"pixels apart, {EYES_APART} are needed") as refusal:
        align(orl_picture, (orl_landmarks * (EYES_APART - 1) / apart).round())
    assert refusal.value.reason == "face too small to align"
    assert isinstance(refusal.value, ValueError)


@pytest.mark.parametrize("value", [0, 50, np.nan])
@pytest.mark.parametrize("align", [align_chip, align_five_points])
def test_landmarks_that_are_one_point_or_none_are_refused(align, value, orl_picture):
    with pytest.raises(AlignmentError):
        align(orl_picture, np.full((68, 2), value))


def test_the_five_points_are_eyes_nose_and_corners_of_the_mouth(orl_landmarks):
    points = np.array([(30, 40), (70, 42), (50, 60), (35, 81), (66, 80)])
    np.testing.assert_allclose(five_points(landmarks_at(points)), points, atol=1e-12)
    (left, right, nose, mouth_left, mouth_right) = five_points(orl_landmarks)
    assert left[0] < nose[0] < right[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("scale", [0.1, 1, 7])
def test_a_similarity_is_found_again(degrees, scale):
    matrix = similarity(degrees, scale, shift=(-31, 12.5))
    points = np.random.default_rng(0).uniform(-90, 90, (5, 2))
    fit = fit_similarity(points, moved(points, matrix))
    np.testing.assert_allclose(fit.matrix, matrix, atol=1e-10)
    assert fit.scale == pytest.approx(scale)
    assert fit.agreement == pytest.approx(1)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("count", [2, 3, 5, 68])
def test_the_fit_is_that_of_a_linear_solver_and_of_umeyama(degrees, count):
    random = np.random.default_rng(count)
    points = random.uniform(0, 200, (count, 2))
    target = moved(points, similarity(degrees, 0.4, (5, 60))) + random.normal(0, 9, (count, 2))
    fit = fit_similarity(points, target)
    np.testing.assert_allclose(fit.matrix, least_squares(points, target), atol=1e-9)
    np.testing.assert_allclose(fit.matrix, umeyama(points, target), atol=1e-9)
    residual = ((moved(points, fit.matrix) - target) ** 2).sum()
    variance = ((target - target.mean(axis=0)) ** 2).sum()
    assert fit.agreement == pytest.approx(1 - residual / variance)


@pytest.mark.parametrize("degrees", ANGLES)
def test_a_mirror_image_is_never_the_fit(degrees):
    points = moved(ARCFACE_TEMPLATE * [-1, 1], similarity(degrees, 2, (300, 40)))
    fit = fit_similarity(points, ARCFACE_TEMPLATE)
    assert np.linalg.det(fit.matrix[:, :2]) > 0
    np.testing.assert_allclose(fit.matrix, umeyama(points, ARCFACE_TEMPLATE), atol=1e-9)


@pytest.mark.parametrize(("one", "other"), [((5, 2), (4, 2)), ((5, 3), (5, 3)), ((10,), (10,))])
def test_points_that_do_not_match_are_refused_with_both_shapes(one, other):
    with pytest.raises(ValueError, match=r"\(n, 2\)") as refusal:
        fit_similarity(np.ones(one), np.ones(other))
    assert f"{one} and {other}" in str(refusal.value)


def test_a_face_whose_left_and_right_are_exchanged_is_refused(orl_picture):
    mirrored = landmarks_at(ARCFACE_TEMPLATE * [-2, 2] + [230, 40])
    with pytest.raises(AlignmentError, match="do not lie as in a face"):
        align_five_points(orl_picture, mirrored)


def test_points_on_one_line_are_refused(orl_picture):
    on_a_line = landmarks_at([(50, 90), (120, 90), (85, 90), (60, 90), (110, 90)])
    with pytest.raises(AlignmentError, match="do not lie as in a face"):
        align_five_points(orl_picture, on_a_line)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize(("scale", "size"), [(1, 112), (5, 112), (2, 256)])
def test_the_five_points_land_on_the_template(degrees, scale, size):
    places = moved(ARCFACE_TEMPLATE - 56, similarity(degrees, scale, (80 * scale, 90 * scale)))
    radius = 2 * scale
    chip = align_five_points(
        spots(places, (180 * scale, 160 * scale), radius), landmarks_at(places), size
    )
    assert chip.shape == (size, size, 3)
    assert chip.dtype == np.uint8
    for point in ARCFACE_TEMPLATE * size / 112:
        found = spot_near(chip, point, 5 * radius * size / 112 / scale)
        np.testing.assert_allclose(found, point, atol=0.15)


def test_of_a_face_three_times_as_large_each_pixel_is_a_mean():
    picture = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    corner = np.array([30, 21])
    chip = align_five_points(picture, landmarks_at(3 * ARCFACE_TEMPLATE + 1 + corner))
    cut = picture[corner[1] :, corner[0] :][: 3 * 112, : 3 * 112].astype(float)
    means = cut.reshape(112, 3, 112, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(chip, means, atol=1)


@pytest.mark.parametrize("scale", [2.5, 4, 9.7])
@pytest.mark.parametrize("degrees", [0, 20])
def test_fine_stripes_on_a_large_face_turn_grey_not_into_a_pattern(scale, degrees):
    side = round(140 * scale)
    picture = np.zeros((side, side, 3), np.uint8)
    picture[:, ::2] = 255
    places = moved(ARCFACE_TEMPLATE - 56, similarity(degrees, scale, (side / 2, side / 2)))
    inside = align_five_points(picture, landmarks_at(places))[10:-10, 10:-10].astype(float)
    assert inside.mean() == pytest.approx(127.5, abs=2)
    assert inside.std() < 30  # the stripes have 127.5


def test_beyond_the_picture_the_chip_is_black(orl_picture, orl_landmarks):
    margin = 200
    wide = cv2.copyMakeBorder(orl_picture, *[margin] * 4, cv2.BORDER_CONSTANT)
    cut_off = np.ascontiguousarray(orl_picture[:, 100:])
    chip = align_five_points(cut_off, orl_landmarks - [100, 0])
    wide[:, : margin + 100] = 0
    np.testing.assert_array_equal(chip, align_five_points(wide, orl_landmarks + margin))
    assert (chip == 0).all(axis=2).mean() > 0.1


def test_a_real_face_found_again_in_its_chip_has_its_points_at_the_template(
    orl_picture, orl_landmarks, finder
):
    found = five_points(finder.find(align_five_points(orl_picture, orl_landmarks, size=336)))
    np.testing.assert_allclose(found, 3 * ARCFACE_TEMPLATE, atol=0.06 * 336)


def test_points_that_are_not_a_faces_have_a_reason_of_their_own(orl_picture, orl_landmarks):
    exchanged = orl_landmarks.copy()
    exchanged[:, 0] = exchanged[:, 0].max() + exchanged[:, 0].min() - exchanged[:, 0]
    with pytest.raises(AlignmentError, match="do not lie as in a face") as refusal:
        align_five_points(orl_picture, exchanged)
    assert refusal.value.reason == "landmarks not those of a face"
