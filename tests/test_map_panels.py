import numpy as np
from exploration import drawn_map, drawn_views

from eumlib.map_panels import LINES, POINTS, map_panel, mate_lines, points_inside

_, VIEWS = drawn_views()
MAP = drawn_map(VIEWS)


def test_point_i_is_view_i_and_its_shape_says_whether_it_is_masked():
    figure = map_panel(VIEWS, MAP.ranges(), "before")
    points = figure.data[POINTS]
    assert len(figure.data) == 2
    assert [row[0] for row in points.customdata] == list(range(len(VIEWS)))
    assert list(points.marker.symbol) == ["x" if m else "circle" for m in VIEWS.masked]
    assert figure.data[LINES].x == ()
    assert "masked" in figure.layout.meta["alt"]
    np.testing.assert_allclose([figure.layout.xaxis.range, figure.layout.yaxis.range], MAP.ranges())


def test_a_line_leads_from_each_masked_view_through_the_middle_to_its_mate():
    lines = mate_lines(VIEWS, VIEWS.after, MAP.after)
    x, y, text = (np.reshape(lines[key], (-1, 4)) for key in ("x", "y", "text"))
    for (start, middle, end, gap), ys, words, i in zip(
        x, y, text, np.flatnonzero(VIEWS.masked), strict=True
    ):
        mate = VIEWS.mates[i]
        assert (start, ys[0]) == tuple(MAP.after[i])
        assert (end, ys[2]) == tuple(MAP.after[mate])
        assert middle == (start + end) / 2
        assert np.isnan(gap)
        assert set(words) == {f"masked and unmasked: cosine {VIEWS.after.mate[i]:.3f}"}


def winding(corners, place):
    """The angle under which the outline is seen from the place, in turns."""
    to = [complex(*(np.array(corner) - place)) for corner in corners]
    angles = [np.angle(b / a) for a, b in zip(to, to[1:] + to[:1], strict=True)]
    return round(sum(angles) / (2 * np.pi))


def test_a_lasso_holds_the_points_around_which_it_winds():
    random = np.random.default_rng(0)
    places = random.uniform(-1, 1, (300, 2))
    hook = [(-0.8, -0.8), (0.9, -0.7), (0.8, 0.8), (0.1, 0.7), (0.2, -0.1), (-0.6, 0.2)]
    path = "M" + "L".join(f"{x},{y}" for x, y in hook) + "Z"
    lasso = {"type": "path", "path": path}
    expected = [i for i, place in enumerate(places) if winding(hook, place)]
    assert points_inside([lasso], places).tolist() == expected
    assert 50 < len(expected) < 250


def test_boxes_and_lassos_add_up_and_none_selects_nothing():
    places = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    box = {"type": "rect", "x0": 1.5, "x1": 0.5, "y0": 0.5, "y1": 1.5}
    lasso = {"type": "path", "path": "M2.5,2.5L3.5,2.5L3.5,3.5L2.5,3.5Z"}
    assert points_inside([box, lasso], places).tolist() == [1, 3]
    assert points_inside([], places).tolist() == []
