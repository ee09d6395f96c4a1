import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from exploration import drawn_map, drawn_pictures, drawn_views

from eumlib.maps import MissingScatterError, ScatterExplorer, outcomes
from eumlib.maps.page import OUTCOME_COLOURS

_, VIEWS = drawn_views()
PICTURES = drawn_pictures(len(VIEWS))
MAP = drawn_map(VIEWS)


@pytest.fixture
def explorer():
    return ScatterExplorer(VIEWS, MAP, PICTURES.__getitem__, 0.5)


def drawn(explorer):
    """The widgets of the two maps, and the texts below them: marks, pointed at, selected."""
    _, both, *texts = explorer.widget().children
    return both.children, texts


def test_what_is_selected_in_one_map_is_so_in_the_other_and_in_python(explorer):
    (before, after), _ = drawn(explorer)
    assert explorer.selected == []
    before.selection = [7, 2]  # as a lasso does
    assert list(after.selection) == [7, 2]
    assert explorer.selected == [2, 7]
    after.selection = [4]
    assert explorer.selected == [4]
    explorer.select([5, 3, 3])
    assert sorted(before.selection) == sorted(after.selection) == explorer.selected == [3, 5]
    with pytest.raises(ValueError, match="no view has id 999"):
        explorer.select([999])


def test_points_have_the_colours_of_their_outcomes(explorer):
    (before, after), _ = drawn(explorer)
    for shown, side in ((before, VIEWS.before), (after, VIEWS.after)):
        colours = [tuple(round(255 * part) for part in colour[:3]) for colour in shown.color]
        found = [colours[round(code)] for code in shown.points[:, 2]]
        expected = [tuple(bytes.fromhex(OUTCOME_COLOURS[word][1:])) for word in outcomes(side, 0.5)]
        assert found == expected
        assert len(set(found)) > 1


def test_a_view_that_is_pointed_at_is_shown_beside_its_unmasked_picture(explorer):
    (before, _), (_, pointed, _) = drawn(explorer)
    view = int(np.flatnonzero(VIEWS.masked)[3])
    before.hovering = view
    assert pointed.value.count("<img") == 2
    assert VIEWS.rows["image_id"][view] in pointed.value
    assert f"before mated {VIEWS.before.mated[view]:.3f}" in pointed.value
    assert f"after mated {VIEWS.after.mated[view]:.3f}" in pointed.value
    before.hovering = int(VIEWS.mates[view])
    assert pointed.value.count("<img") == 1


def test_one_selected_view_has_its_nearest_in_the_full_space(explorer):
    (before, _), (_, _, chosen) = drawn(explorer)
    before.selection = [9]
    words = re.sub("<img[^>]*>", "", chosen.value)
    for side in (VIEWS.before, VIEWS.after):
        for other, score in zip(*(part[9] for part in side.neighbours), strict=True):
            assert f"{VIEWS.rows['image_id'][other]}, unmasked {score:.3f}" in words
    assert chosen.value.count("<img") == 8


def test_of_many_selected_views_the_first_faces_are_read():
    asked = []
    views = drawn_views(people=20, pictures=5)[1]
    pictures = drawn_pictures(len(views))
    explorer = ScatterExplorer(
        views, drawn_map(views), lambda row: asked.append(row) or pictures[row], 0.5
    )
    (before, _), (_, _, chosen) = drawn(explorer)
    assert asked == []
    before.selection = list(range(100))
    assert "100 views of" in chosen.value
    assert asked == list(range(40))


def test_names_cannot_become_markup():
    rows = VIEWS.rows.assign(identity="<b>'\"&")
    explorer = ScatterExplorer(replace(VIEWS, rows=rows), MAP, PICTURES.__getitem__, 0.5)
    (before, _), (_, pointed, chosen) = drawn(explorer)
    before.hovering, before.selection = 1, [1]
    assert "<b>" not in pointed.value + chosen.value


def test_maps_of_other_views_or_dimensions_are_refused():
    for joint in (replace(MAP, before=MAP.before[1:]), drawn_map(VIEWS, 3)):
        with pytest.raises(ValueError, match="in two dimensions, not"):
            ScatterExplorer(VIEWS, joint, PICTURES.__getitem__, 0.5)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jscatter", None)
    with pytest.raises(MissingScatterError, match=r"\.\[scatter\]"):
        ScatterExplorer(VIEWS, MAP, PICTURES.__getitem__, 0.5)
