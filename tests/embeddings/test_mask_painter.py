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


def painter_of(pictures, finder, threshold=0.5):
    return MaskPainter(pictures, default_backbone(), finder, threshold)


def test_the_painters_controls_repaint(face, finder):
    painter = painter_of({"one": face}, finder)
    widget = painter.widget()
    (image,), (words,) = of_kind(widget, ipywidgets.Image), of_kind(widget, ipywidgets.HTML)
    menus = {w.description: w for w in of_kind(widget, ipywidgets.Dropdown)}
    (picker,) = of_kind(widget, ipywidgets.ColorPicker)

    def shows(shape, colour):
        picture, lines = painter.paint("one", shape, colour)
        return image.value == picture and words.value == "<br>".join(lines)

    assert shows("a", "#add8e6")
    menus["coverage"].value = "low"
    menus["shape"].value = "round"
    assert shows("f", "#add8e6")
    menus["colour"].label = "red"
    assert shows("f", "#ff0000")
    picker.value = "#123456"
    assert shows("f", "#123456")
    assert not menus["coverage"].disabled
    menus["shape"].value = "surgical"
    assert menus["coverage"].disabled
    assert shows("surgical", "#123456")


def test_the_painter_tells_the_score_of_the_nearest_other_person_and_who_is_accepted(face, finder):
    people = {f.identity: f.read() for f in orl_faces() if f.image_id in ("s1/1", "s2/1", "s3/1")}
    painted = paint_and_score(people["s1"], Mask("a", (0, 0, 0)), default_backbone(), finder)
    scores = {}
    for name in ("s2", "s3"):
        landmarks = finder.find(people[name])
        chip = default_backbone().align(people[name], landmarks)
        (bare,) = default_backbone().embed(chip[None])
        scores[name] = float(bare @ painted.embedding / np.linalg.norm(bare))
    nearest = max(scores, key=scores.get)
    threshold = (painted.score + scores[nearest]) / 2
    _, lines = painter_of(people, finder, threshold).paint("s1", "a", "#000000")
    assert lines[0] == f"wide, high, #000000; operating threshold {threshold:.3f}"
    assert lines[1] == f"with the same face, bare: {painted.score:.3f}, accepted"
    assert lines[2] == f"with the nearest other, {nearest}: {scores[nearest]:.3f}, rejected"


def test_one_face_alone_has_no_other(face, finder):
    _, lines = painter_of({"one": face}, finder).paint("one", "a", "#000000")
    assert len(lines) == 2


def test_a_picture_without_a_face_is_told_and_does_not_stop_the_others(face, finder):
    grey = np.full_like(face, 128)
    painter = painter_of({"one": face, "wall": grey}, finder)
    _, lines = painter.paint("one", "a", "#000000")
    assert len(lines) == 2
    widget = painter.widget()
    (words,) = of_kind(widget, ipywidgets.HTML)
    menus = {w.description: w for w in of_kind(widget, ipywidgets.Dropdown)}
    menus["face"].value = "wall"
    assert words.value.startswith("wall: ")
    menus["face"].value = "one"
    assert words.value.count("<br>") == 1


def test_a_name_of_a_colour_can_be_chosen_again_after_another_colour(face, finder):
    widget = painter_of({"one": face}, finder).widget()
    menus = {w.description: w for w in of_kind(widget, ipywidgets.Dropdown)}
    (picker,) = of_kind(widget, ipywidgets.ColorPicker)
    picker.value = "#123456"
    assert menus["colour"].label == "other"
    menus["colour"].label = "light blue"
    assert picker.value == "#add8e6"


def test_the_painters_static_twin_shows_every_shape(face, finder):
    page = painter_of({"one": face}, finder).static().data
    assert page.count("<img") == len(SHAPES)
    assert "wide, high; score" in page
