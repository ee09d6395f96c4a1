from dataclasses import replace

import ipywidgets
import numpy as np
import pytest

from eumlib.embeddings import (
    Extraction,
    MaskPainter,
    ViewPictures,
    default_backbone,
    paint_and_score,
)
from eumlib.faces import finder_for
from eumlib.faces.datasets import orl_faces
from eumlib.masks import CLOTH, FLAT, SHAPES, Mask, RandomMasks


@pytest.fixture(scope="module")
def face():
    return orl_faces()[0].read()


def of_kind(widget, kind):
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += of_kind(child, kind)
    return found


def test_a_larger_mask_lowers_the_score_more(face, finder):
    small = paint_and_score(face, Mask("f", (0, 0, 0)), default_backbone(), finder)
    large = paint_and_score(face, Mask("a", (0, 0, 0)), default_backbone(), finder)
    assert large.score < small.score < 1
    assert (large.picture != face).any()


def test_the_score_is_that_of_the_table_of_embeddings(face):
    faces = orl_faces().first_people(1)
    plan = RandomMasks(3, kinds=(FLAT, CLOTH))
    first = replace(faces, faces=faces.faces[:1])
    table = Extraction(first, plan, default_backbone()).run()
    for row, mask in enumerate(plan.masks_for(faces[0]), 1):
        painted = paint_and_score(face, mask, default_backbone(), finder_for(faces))
        assert painted.score == pytest.approx(
            float(table.vectors[0] @ table.vectors[row]), abs=1e-5
        )
        np.testing.assert_array_equal(ViewPictures(faces, table.rows)(row), painted.picture)
    np.testing.assert_array_equal(ViewPictures(faces, table.rows)(0), face)


def test_the_painters_controls_repaint(face, finder):
    painter = MaskPainter({"one": face}, default_backbone(), finder)
    widget = painter.widget()
    image, line = of_kind(widget, ipywidgets.Image)[0], of_kind(widget, ipywidgets.Label)[0]
    sliders = {w.description: w for w in of_kind(widget, ipywidgets.SelectionSlider)}
    assert (image.value, line.value) == painter.paint("one", "a", "#add8e6")
    sliders["coverage"].value = "low"
    sliders["shape"].value = "round"
    assert (image.value, line.value) == painter.paint("one", "f", "#add8e6")
    assert line.value.startswith("round, low, #add8e6: score with the bare face 0.")
    sliders["colour"].label = "red"
    assert (image.value, line.value) == painter.paint("one", "f", "#ff0000")
    (picker,) = of_kind(widget, ipywidgets.ColorPicker)
    picker.value = "#123456"
    assert (image.value, line.value) == painter.paint("one", "f", "#123456")
    assert not sliders["coverage"].disabled
    sliders["shape"].value = "surgical"
    assert sliders["coverage"].disabled
    assert (image.value, line.value) == painter.paint("one", "surgical", "#123456")


def test_the_painters_static_twin_shows_every_shape(face, finder):
    page = MaskPainter({"one": face}, default_backbone(), finder).static().data
    assert page.count("<img") == len(SHAPES)
    assert "wide, high; score" in page
