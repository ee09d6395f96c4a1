import numpy as np
from exploration import drawn_map, drawn_views

from eumlib.map_panels import LINES, POINTS, map_panel, mate_lines

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
