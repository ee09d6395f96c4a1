import io
from dataclasses import replace

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import pytest
from builders import drawn_table
from PIL import Image

from eumlib.backbones import default_backbone
from eumlib.datasets import orl_faces
from eumlib.extraction import Extraction
from eumlib.landmarks import finder_for
from eumlib.mask_plans import CLOTH, FLAT, RandomMasks
from eumlib.masks import SHAPES, Mask
from eumlib.view_pictures import ViewPictures
from eumlib.widgets import (
    EmbeddingMap,
    MaskPainter,
    highlight,
    paint_and_score,
    show,
)

POINTS = drawn_table(people=3, pictures=2).rows
PLACES = np.random.default_rng(0).standard_normal((len(POINTS), 2))


@pytest.fixture(scope="module")
def face():
    return orl_faces()[0].read()


@pytest.fixture
def embedding_map():
    return EmbeddingMap(PLACES, POINTS, lambda row: np.full((30, 20, 3), row, np.uint8), "map")


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
    before = image.value, line.value
    shape = next(w for w in of_kind(widget, ipywidgets.Dropdown) if w.description == "shape")
    shape.value = "f"
    assert (image.value, line.value) == painter.paint("one", "f", "#add8e6")
    assert (image.value, line.value) != before
    assert line.value.startswith("round, low, #add8e6: score with the bare face 0.")


def test_the_painters_static_twin_shows_every_shape(face, finder):
    page = MaskPainter({"one": face}, default_backbone(), finder).static().data
    assert page.count("<img") == len(SHAPES)
    assert "wide, high; score" in page


def test_the_twin_is_shown_where_there_is_no_kernel(monkeypatch, embedding_map):
    monkeypatch.setenv("EUMLIB_STATIC", "1")
    assert isinstance(show(embedding_map), go.Figure)
    monkeypatch.delenv("EUMLIB_STATIC")
    assert isinstance(show(embedding_map), ipywidgets.Widget)


def test_one_persons_points_are_brought_out():
    opacities = highlight(POINTS, "p1")
    assert [o == 1 for o in opacities] == (POINTS["identity"] == "p1").tolist()
    assert len(set(highlight(POINTS, None))) == 1


def test_choosing_a_person_changes_the_map(embedding_map):
    widget = embedding_map.widget()
    figure, menu = of_kind(widget, go.FigureWidget)[0], of_kind(widget, ipywidgets.Dropdown)[0]
    menu.value = "p2"
    assert list(figure.data[-1].marker.opacity) == highlight(POINTS, "p2")


def test_pointing_at_a_point_shows_its_picture(embedding_map):
    packed, line = embedding_map.look_at(5)
    assert line == "p1, picture p1/0, masked, mask a"
    assert np.asarray(Image.open(io.BytesIO(packed))).mean() == pytest.approx(5, abs=1)
