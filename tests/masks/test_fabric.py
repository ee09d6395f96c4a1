from itertools import pairwise

import numpy as np
import pytest

from eumlib.masks import LIFELIKE_NAMES, LIFELIKE_SHAPES
from eumlib.masks.fabric import SHEET_SIZE, check_lifelike, sheets

SHADE, PATTERN, TILT, SHEEN = range(4)
PATTERNED = ("cloth striped", "cloth dotted", "cloth checked")


def channel(shape, number):
    return sheets(shape)[0][..., number]


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_a_sheet_is_its_own_mirror_image_but_for_the_side_it_faces(shape):
    for level in sheets(shape):
        mirrored = level[:, ::-1].copy()
        mirrored[..., TILT] *= -1
        np.testing.assert_allclose(level, mirrored, atol=1e-6)


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_a_sheet_drawn_again_is_the_same_to_the_bit(shape):
    first = [level.tobytes() for level in sheets(shape)]
    sheets.cache_clear()
    assert [level.tobytes() for level in sheets(shape)] == first


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_each_level_is_half_the_last_and_its_mean_over_two_by_two_pixels(shape):
    levels = sheets(shape)
    assert levels[0].shape == (*SHEET_SIZE[::-1], 4)
    assert len(levels) >= 3
    for finer, coarser in pairwise(levels):
        height, width = coarser.shape[:2]
        mean = finer.reshape(height, 2, width, 2, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(coarser, mean, atol=1e-5)


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_the_channels_keep_to_their_ranges(shape):
    shade, pattern, tilt, sheen = np.moveaxis(sheets(shape)[0], 2, 0)
    assert 0.3 < shade.min() < 0.8  # folds are to be seen
    assert 1 < shade.max() < 1.3
    assert shade.mean() == pytest.approx(0.95, abs=0.1)
    assert pattern.min() >= 0
    assert pattern.max() <= 1
    assert (tilt[:, : SHEET_SIZE[0] // 2] <= 0).all()
    assert np.abs(tilt).max() <= 1
    assert sheen.min() >= 0
    assert sheen.max() < 0.15


@pytest.mark.parametrize("shape", LIFELIKE_SHAPES)
def test_only_patterned_cloth_has_a_second_colour_and_shows_both_alike(shape):
    pattern = channel(shape, PATTERN)
    if shape in PATTERNED:
        assert (pattern < 0.05).mean() > 0.2
        assert (pattern > 0.95).mean() > 0.2
    else:
        assert not pattern.any()


def crossings(line):
    """How often a line of pixels goes up through one half."""
    return int(((line[:-1] < 0.5) & (line[1:] >= 0.5)).sum())


def test_stripes_run_across_and_checks_both_ways():
    striped, checked = channel("cloth striped", PATTERN), channel("cloth checked", PATTERN)
    assert crossings(striped[:, SHEET_SIZE[0] // 2]) in (6, 7)
    assert crossings(checked.mean(axis=0)) in (8, 9)
    assert crossings(checked.mean(axis=1)) in (5, 6)


def test_a_surgical_mask_has_three_pleats_that_cast_a_shadow_downwards():
    shade = channel("surgical", SHADE)
    height, width = shade.shape
    for u in (0.0, 0.4, 0.7):
        column = shade[:, round((1 + u) / 2 * width)]
        inner = column[round(0.25 * height) : round(0.8 * height)]
        steps = inner[4:] - inner[:-4]
        edges = np.flatnonzero(steps < -0.12)
        assert 1 + (np.diff(edges) > 10).sum() == 3
        assert steps.max() < 0.12  # no edge that is lit from below


@pytest.mark.parametrize("shape", ["respirator", "cloth plain", "cloth checked"])
def test_respirator_and_cloth_have_a_seam_down_the_middle(shape):
    shade = channel(shape, SHADE)
    half = shade.shape[1] // 2
    rows = slice(shade.shape[0] // 4, 3 * shade.shape[0] // 4)
    seam = shade[rows, half - 1 : half + 1].mean()
    beside = shade[rows, half + 9 : half + 13].mean()
    assert seam < beside - 0.1


def test_cloth_has_a_darker_hem():
    shade = channel("cloth plain", SHADE)
    height, width = shade.shape
    hem = shade[height // 3 : height // 2, : width // 30].mean()
    inside = shade[height // 3 : height // 2, width // 8 : width // 5].mean()
    assert hem < inside - 0.05


def test_sheets_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        sheets("surgical")[0][0, 0, 0] = 5


def test_every_lifelike_shape_has_a_name_of_one_line():
    assert tuple(LIFELIKE_NAMES) == LIFELIKE_SHAPES
    assert len(set(LIFELIKE_NAMES.values())) == len(LIFELIKE_SHAPES)
    assert not any("\n" in name for name in LIFELIKE_NAMES.values())


@pytest.mark.parametrize("shape", ["a", "", "cloth", "Surgical", "cloth  plain"])
def test_an_unknown_shape_is_refused_with_the_known_ones(shape):
    known = "surgical, respirator, cloth plain, cloth striped, cloth dotted, cloth checked"
    for refuse in (sheets, check_lifelike):
        with pytest.raises(ValueError, match=f"'{shape}'; there are {known}"):
            refuse(shape)
