import html
import io
import re

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from exploration import drawn_map, drawn_pictures, drawn_views
from PIL import Image

from eumlib.colouring import COLOURINGS
from eumlib.explorer import Explorer
from eumlib.map_panels import LINES, POINTS, drawn_lassos
from eumlib.view_cards import view_card

_, VIEWS = drawn_views()
PICTURES = drawn_pictures(len(VIEWS))
MAPS = {
    "first": drawn_map(VIEWS),
    "space": drawn_map(VIEWS, 3),
    "second": drawn_map(VIEWS, seed=1),
}


@pytest.fixture
def explorer():
    return Explorer(VIEWS, MAPS, PICTURES.__getitem__, 0.5)


@pytest.fixture
def live(explorer):
    return Live(explorer.widget())


def all_of(widget, kind):
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += all_of(child, kind)
    return found


class Live:
    def __init__(self, widget):
        self.before, self.after = all_of(widget, go.FigureWidget)
        self.texts = all_of(widget, ipywidgets.HTML)
        self.controls = {
            control.description: control
            for kind in (
                ipywidgets.Dropdown,
                ipywidgets.FloatSlider,
                ipywidgets.Checkbox,
                ipywidgets.BoundedIntText,
                ipywidgets.Button,
            )
            for control in all_of(widget, kind)
        }

    def shown(self, words):
        return [text.value for text in self.texts if words in text.value]


def lasso(figure, ids):
    """A narrow box around each of the points, drawn as the front end draws it."""
    places = [(figure.data[POINTS].x[i], figure.data[POINTS].y[i]) for i in ids]
    path = "M{0},{1}L{2},{1}L{2},{3}L{0},{3}Z"
    lassos = [
        {"type": "path", "path": path.format(x - 1e-4, y - 1e-4, x + 1e-4, y + 1e-4)}
        for x, y in places
    ]
    figure.plotly_relayout({"selections": lassos})


class _Points:
    def __init__(self, ids):
        self.point_inds = list(ids)


def chosen(figure):
    return list(figure.data[POINTS].selectedpoints or [])


def test_a_lasso_in_either_map_selects_in_both_and_reaches_python(explorer, live, tmp_path):
    for figure, ids in ((live.before, [4, 1]), (live.after, [2, 7, 9])):
        lasso(figure, ids)
        assert explorer.selected == sorted(ids)
        assert chosen(live.before) == chosen(live.after) == sorted(ids)
        assert drawn_lassos(figure) == []  # an outline that stays would select once more
        figure.data[POINTS]._dispatch_on_selection(_Points([]), None)  # as the lasso goes
        assert chosen(figure) == sorted(ids)
    assert live.shown("3 views selected")
    explorer.save_selection(tmp_path / "chosen.csv")
    assert pd.read_csv(tmp_path / "chosen.csv")["id"].tolist() == [2, 7, 9]


def test_the_menu_of_people_needs_no_mouse(explorer, live):
    live.controls["person"].value = "p2"
    assert explorer.selected == np.flatnonzero(VIEWS.rows["identity"] == "p2").tolist()
    assert chosen(live.after) == explorer.selected
    live.controls["person"].value = ""
    assert explorer.selected == []
    lasso(live.before, [1])
    live.controls["clear selection"].click()
    assert explorer.selected == []
    assert live.after.data[POINTS].selectedpoints is None


def test_the_selection_can_be_made_in_python(explorer, live):
    explorer.select([5, 3])
    assert chosen(live.before) == [3, 5]
    with pytest.raises(ValueError, match="no view has id 999"):
        explorer.select([999])
    assert explorer.selected == [3, 5]


@pytest.mark.parametrize("name", COLOURINGS)
def test_colours_follow_the_menu_and_the_threshold(live, name):
    live.controls["colour by"].value = name
    threshold = live.controls["threshold"]
    threshold.value = (threshold.min + threshold.max) / 2
    for figure, scores in ((live.before, VIEWS.before), (live.after, VIEWS.after)):
        expected = COLOURINGS[name](VIEWS, scores, threshold.value)
        assert list(figure.data[POINTS].marker.color) == expected


def test_points_move_part_of_the_way_and_the_axes_stay(live):
    ranges = live.after.layout.xaxis.range
    for way in (1.0, 0.5, 0.0):
        live.controls["EUM’s way"].value = way
        places = np.stack([live.after.data[POINTS].x, live.after.data[POINTS].y], axis=1)
        expected = (1 - way) * MAPS["first"].before + way * MAPS["first"].after
        np.testing.assert_allclose(places, expected, atol=1e-6)
        assert live.after.layout.xaxis.range == ranges
    np.testing.assert_array_equal(live.before.data[POINTS].x, MAPS["first"].before[:, 0])


def test_flat_maps_can_be_exchanged(live):
    assert live.controls["map"].options == ("first", "second")
    live.controls["map"].value = "second"
    np.testing.assert_array_equal(live.before.data[POINTS].x, MAPS["second"].before[:, 0])
    np.testing.assert_allclose(live.after.layout.yaxis.range, MAPS["second"].ranges()[1])


def test_lines_come_and_go(live):
    live.controls["lines to the unmasked view"].value = True
    assert len(live.after.data[LINES].x) == 4 * VIEWS.masked.sum()
    live.controls["lines to the unmasked view"].value = False
    assert len(live.after.data[LINES].x) == 0


def test_pointing_shows_the_face_beside_its_pair_and_a_click_pins_the_card(explorer, live):
    packed, line = explorer.look_at(3)
    shown = np.asarray(Image.open(io.BytesIO(packed)))
    assert shown.shape == (20, 40, 3)
    assert shown[:, :20].mean() == pytest.approx(PICTURES[3].mean(), abs=2)
    assert shown[:, 20:].mean() == pytest.approx(PICTURES[2].mean(), abs=2)
    assert line == "p1, picture p1/0, mask a, id 3"
    live.after.data[POINTS]._dispatch_on_click(_Points([3]), None)
    assert view_card(VIEWS, 3, 0.5) in live.shown("nearest before the EUM")


def test_the_faces_of_a_large_selection_come_in_pages(explorer, live):
    explorer.select(range(30))
    assert live.controls["page"].max == 2
    assert explorer.faces(1).count("<img") == 24
    live.controls["page"].value = 2
    assert live.shown(explorer.faces(2))
    assert explorer.faces(2).count("<img") == 6


def test_the_static_twin_is_the_offline_page_in_a_frame(explorer, tmp_path):
    (inside,) = re.findall(r'srcdoc="([^"]*)"', explorer.static().data)
    assert html.unescape(inside) == explorer.page()
    explorer.save_page(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == explorer.page()


def test_a_live_map_has_two_dimensions():
    with pytest.raises(ValueError, match="two dimensions"):
        Explorer(VIEWS, {"space": MAPS["space"]}, PICTURES.__getitem__, 0.5)
