import numpy as np
import pytest
import torch
from drawn_faces import drawn_landmarks, drawn_picture
from PIL import Image

from eumlib.masks import LIFELIKE_SHAPES
from eumlib.masks.fitting import fit_mask, on_sheet
from eumlib.rivals import (
    PrintedMask,
    PrintedMasks,
    TextureError,
    place,
    print_on,
    unwrapped,
)

SMALL = {"half_width": 15.0, "centre": (32.0, 28.0)}


def some_texture(height=9, width=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def bilinear(texture, x, y):
    """The texture at x and y in [−1, 1], edge to edge; beyond the edge it repeats."""
    height, width = texture.shape[:2]
    x, y = float(x), float(y)
    column, row = (x + 1) / 2 * width - 0.5, (y + 1) / 2 * height - 0.5
    column, row = min(max(column, 0), width - 1), min(max(row, 0), height - 1)
    left, top = int(column), int(row)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    above = texture[top, left] * (1 - column + left) + texture[top, right] * (column - left)
    below = texture[bottom, left] * (1 - column + left) + texture[bottom, right] * (column - left)
    return above * (1 - row + top) + below * (row - top)


def is_inside(polygon, x, y):
    """Whether a ray to the right crosses the polygon's edges an odd number of times."""
    (x1, y1), (x2, y2) = polygon.T, np.roll(polygon, 1, axis=0).T
    crosses = (y1 > y) != (y2 > y)
    at = x1 + (y - y1) / np.where(crosses, y2 - y1, 1) * (x2 - x1)
    return bool((crosses & (x < at)).sum() % 2)


@pytest.mark.parametrize("turn", [0, 20, 40])
def test_a_pixel_lies_on_the_sheet_where_the_spline_says(turn):
    landmarks = drawn_landmarks(turn, **SMALL)
    placement, fit = place(landmarks, 60, 64), fit_mask(landmarks, "cloth plain")
    for row, column in np.random.default_rng(0).integers(0, 60, (50, 2)):
        ((u, v),) = on_sheet(fit, np.array([[column, row]], float))
        assert placement.grid[row, column] == pytest.approx((u, 2 * v - 1), abs=1e-4)


@pytest.mark.parametrize("turn", [0, 20, 40])
def test_the_mask_covers_the_pixels_within_its_outline(turn):
    landmarks = drawn_landmarks(turn, half_width=12.0, centre=(22.0, 19.0))
    alpha, outline = place(landmarks, 38, 44).alpha, fit_mask(landmarks, "cloth plain").outline
    parts = (np.arange(4) - 1.5) / 4
    for row in range(38):
        for column in range(44):
            inside = [is_inside(outline, column + x, row + y) for x in parts for y in parts]
            assert alpha[row, column] == pytest.approx(np.mean(inside), abs=0.3)
            if not any(is_inside(outline, column + x, row + y) for x in (-1, 1) for y in (-1, 1)):
                assert alpha[row, column] == 0 or any(inside)
    assert 200 < alpha.sum() < 800


def test_printing_is_a_loop_of_bilinear_sampling_over_pixels():
    landmarks, texture = drawn_landmarks(20, **SMALL), some_texture()
    face = np.random.default_rng(1).random((60, 64, 3))
    placement = place(landmarks, 60, 64)
    expected = face.copy()
    for row in range(60):
        for column in range(64):
            laid = bilinear(texture / 255, *placement.grid[row, column])
            share = float(placement.alpha[row, column])
            expected[row, column] = share * laid + (1 - share) * face[row, column]
    printed = print_on(
        torch.tensor(face.transpose(2, 0, 1)[None]),
        torch.tensor(texture.transpose(2, 0, 1)[None] / 255),
        *(torch.tensor(part[None], dtype=torch.float64) for part in placement),
    )
    assert printed[0].numpy().transpose(1, 2, 0) == pytest.approx(expected, abs=1e-9)


def test_gradients_flow_into_the_print():
    placement = place(drawn_landmarks(half_width=6.0, centre=(12.0, 10.0)), 22, 24)
    grids, alphas = (torch.tensor(part[None], dtype=torch.float64) for part in placement)
    random = torch.Generator().manual_seed(0)
    face = torch.rand(1, 3, 22, 24, generator=random, dtype=torch.float64)
    texture = torch.rand(1, 3, 4, 5, generator=random, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: print_on(face, given, grids, alphas), texture)


def test_a_grey_face_among_others_gets_a_grey_print():
    placement = place(drawn_landmarks(**SMALL), 60, 64)
    grids, alphas = (torch.from_numpy(np.stack([part, part])) for part in placement)
    faces = torch.rand(2, 3, 60, 64)
    faces[1] = faces[1, :1]
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    colour, grey = print_on(faces, red, grids, alphas)
    inside = placement.alpha == 1
    for channel, expected in zip(colour, (1, 0, 0), strict=True):
        assert abs(channel[inside] - expected).max() < 1e-6
    assert abs(grey[:, inside] - 0.299).max() < 1e-6


@pytest.mark.parametrize("cut", LIFELIKE_SHAPES)
def test_outside_of_its_outline_a_picture_is_as_it_was(cut):
    landmarks = drawn_landmarks(half_width=20.0, centre=(43.0, 40.0))
    picture = drawn_picture(landmarks, size=(86, 86))
    before = picture.copy()
    painted = PrintedMask("mine", some_texture(), cut).painted_on(picture, landmarks)
    assert (picture == before).all()
    outline = fit_mask(landmarks, cut).outline
    changed = np.argwhere((painted != picture).any(axis=2))
    assert len(changed) > 300
    for y, x in changed:
        assert any(is_inside(outline, x + a, y + b) for a in (-1, 0, 1) for b in (-1, 0, 1))


def test_a_picture_is_printed_on_as_a_tensor_is():
    landmarks, texture = drawn_landmarks(20), some_texture()
    picture = drawn_picture(landmarks)
    painted = PrintedMask("mine", texture).painted_on(picture, landmarks)
    printed = print_on(
        *(torch.tensor(part / 255).permute(2, 0, 1)[None].float() for part in (picture, texture)),
        *(torch.from_numpy(part)[None] for part in place(landmarks, 260, 260)),
    )
    expected = 255 * printed[0].permute(1, 2, 0).numpy()
    assert painted.astype(float) == pytest.approx(expected, abs=0.51)


@pytest.mark.parametrize("turn", [-40, -20, 0, 20, 40])
def test_the_middle_of_the_print_is_on_the_middle_of_the_face(turn):
    landmarks = drawn_landmarks(turn)
    halves = np.zeros((20, 20, 3), np.uint8)
    halves[:, :10, 0], halves[:, 10:, 2] = 255, 255
    painted = PrintedMask("halves", halves).painted_on(drawn_picture(landmarks), landmarks)
    tip = landmarks[30].round().astype(int)
    row = painted[tip[1] + 10].astype(int)
    seam = np.argmin(abs(np.where(row[:, 1] < 30, row[:, 0] - row[:, 2], 999)))
    assert abs(seam - tip[0]) < 8
    assert row[seam - 8, 0] > row[seam - 8, 2]
    assert row[seam + 8, 0] < row[seam + 8, 2]


def test_a_grey_photograph_gets_a_grey_mask():
    landmarks = drawn_landmarks()
    grey = drawn_picture(landmarks).mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    painted = PrintedMask("mine", some_texture()).painted_on(grey, landmarks)
    assert not np.ptp(painted, axis=2).any()
    assert (painted != grey).any()


def test_a_mask_out_of_sight_changes_nothing():
    landmarks = drawn_landmarks()
    picture = drawn_picture(landmarks)
    painted = PrintedMask("mine", some_texture()).painted_on(picture, landmarks + 1000)
    assert (painted == picture).all()


def test_a_face_cut_off_by_the_picture_is_printed_on_as_far_as_it_is_there():
    landmarks, mask = drawn_landmarks(), PrintedMask("mine", some_texture())
    picture = drawn_picture(landmarks)
    painted = mask.painted_on(picture, landmarks)
    assert (mask.painted_on(picture[:200, :150], landmarks) == painted[:200, :150]).all()


@pytest.mark.parametrize("turn", [0, 20])
def test_a_face_that_wears_its_own_likeness_looks_as_before(turn):
    landmarks = drawn_landmarks(turn)
    x, y = np.meshgrid(np.arange(260), np.arange(260))
    picture = np.stack([x * 255 / 260, y * 255 / 260, 0 * x], axis=2).astype(np.uint8)
    likeness = unwrapped(picture, landmarks, 84, 112).round().clip(0, 255).astype(np.uint8)
    painted = PrintedMask("likeness", likeness).painted_on(picture, landmarks)
    inside = place(landmarks, 260, 260).alpha == 1
    assert abs(painted.astype(float) - picture)[inside].mean() < 3


def test_a_texture_comes_back_from_its_file(tmp_path):
    mask = PrintedMask("mine", some_texture())
    mask.save(tmp_path / "mine.png")
    again = PrintedMask.load(tmp_path / "mine.png", "again")
    assert (again.texture == mask.texture).all()
    assert (again.name, again.shape, again.hex_colour) == ("again", "again", None)


def test_a_file_that_is_no_texture_is_refused(tmp_path):
    good, rgba, text = tmp_path / "good.png", tmp_path / "rgba.png", tmp_path / "text.png"
    PrintedMask("mine", some_texture(90, 90)).save(good)
    Image.new("RGBA", (4, 4)).save(rgba)
    text.write_text("no picture")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:2000])
    for name, words in {
        "none.png": "no texture", "rgba.png": "mode RGBA", "text.png": "not a whole PNG",
        "cut.png": "not a whole PNG",
    }.items():  # fmt: skip
        with pytest.raises(TextureError, match=words) as refused:
            PrintedMask.load(tmp_path / name, "mine")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "texture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((1, 4, 3), np.uint8)],
    ids=["grey", "float", "a line"],
)
def test_a_texture_of_another_kind_is_refused(texture):
    with pytest.raises(TextureError, match="a texture is RGB, uint8"):
        PrintedMask("mine", texture)


def test_an_unknown_cut_is_refused():
    with pytest.raises(ValueError, match="no cut 'a'"):
        PrintedMask("mine", some_texture(), "a")


def test_a_plan_gives_everyone_all_masks_and_tells_prints_apart():
    one, other = PrintedMask("mine", some_texture()), PrintedMask("mine", some_texture(seed=1))
    assert PrintedMasks([one, other]).masks_for(None) == (one, other)
    assert PrintedMasks([one]).describe() != PrintedMasks([other]).describe()
    again = PrintedMask("mine", some_texture())
    assert PrintedMasks([one]).describe() == PrintedMasks([again]).describe()
