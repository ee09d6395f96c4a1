import numpy as np
import pytest
from exploration import drawn_map, drawn_views

from eumlib.colouring import COLOURINGS
from eumlib.live_maps import LiveMaps
from eumlib.map_panels import LINES, POINTS, drawn_lassos

_, VIEWS = drawn_views()
MAP = drawn_map(VIEWS)


class Pointed:
    def __init__(self, *ids):
        self.point_inds = list(ids)


@pytest.fixture
def told():
    return {"lassoed": [], "pointed at": [], "clicked": []}


@pytest.fixture
def maps(told):
    return LiveMaps(VIEWS, MAP, *(calls.append for calls in told.values()))


def test_a_lasso_in_either_panel_is_told_with_the_ids_inside(maps, told):
    maps.move(MAP, 1.0, with_lines=False)
    for panel, places in zip(maps.panels, (MAP.before, MAP.after), strict=True):
        (x0, y0), (x1, y1) = places[3] - 0.3, places[3] + 0.3
        panel.plotly_relayout(
            {"selections": [{"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1}]}
        )
        inside = np.flatnonzero((np.abs(places - places[3]) < 0.3).all(axis=1))
        assert told["lassoed"].pop().tolist() == inside.tolist()


def test_a_selection_shows_in_both_panels_and_takes_the_outline_away(maps):
    box = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
    maps.move(MAP, 1.0, with_lines=False)
    maps.panels[0].plotly_relayout({"selections": [box]})
    maps.select([1, 4])
    for panel in maps.panels:
        assert list(panel.data[POINTS].selectedpoints) == [1, 4]
        assert drawn_lassos(panel) == []
    maps.select([])
    assert maps.panels[0].data[POINTS].selectedpoints is None


def test_the_pointer_tells_which_view_it_is_at_and_nothing_beside_points(maps, told):
    points = maps.panels[1].data[POINTS]
    points._dispatch_on_hover(Pointed(5), None)
    points._dispatch_on_hover(Pointed(), None)
    points._dispatch_on_click(Pointed(7), None)
    assert told == {"lassoed": [], "pointed at": [5], "clicked": [7]}


def test_each_side_is_coloured_by_its_own_scores_and_only_the_right_one_moves(maps):
    colouring = COLOURINGS["outcome at the threshold"]
    maps.recolour(colouring, 0.5)
    maps.move(MAP, 0.25, with_lines=True)
    before, after = maps.panels
    assert list(before.data[POINTS].marker.color) == colouring(VIEWS, VIEWS.before, 0.5)
    assert list(after.data[POINTS].marker.color) == colouring(VIEWS, VIEWS.after, 0.5)
    np.testing.assert_array_equal(before.data[POINTS].x, MAP.before[:, 0])
    quarter = 0.75 * MAP.before + 0.25 * MAP.after
    np.testing.assert_allclose(after.data[POINTS].y, quarter[:, 1], atol=1e-6)
    assert len(after.data[LINES].x) == 4 * VIEWS.masked.sum()
