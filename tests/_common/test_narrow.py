"""What a figure looks like where it is narrow, by the places of its panels."""

import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from eumlib._common.looks import finished
from eumlib._common.narrow import narrow_layout


def two_panels(**options):
    figure = make_subplots(1, 2, subplot_titles=["one", "two"], **options)
    for col in (1, 2):
        figure.add_scatter(x=[0, 1], y=[0, 1], name=f"line {col}", row=1, col=col)
    return finished(figure, "Two panels", "two panels")


def applied(figure):
    """The figure after Plotly.relayout, by plotly's own reading of the paths."""
    height, changes = narrow_layout(figure.to_plotly_json())
    changed = go.Figure(figure).update_layout(height=height)
    for path, value in changes.items():
        changed.layout[path] = value
    return changed.layout


def test_panels_of_a_row_stand_one_below_the_other_and_keep_their_titles():
    layout = applied(two_panels())
    assert layout.xaxis.domain == layout.xaxis2.domain == (0, 1)
    assert layout.yaxis.domain[0] > layout.yaxis2.domain[1]
    assert layout.yaxis.domain[1] == pytest.approx(1)
    assert layout.yaxis2.domain[0] == pytest.approx(0)
    for title, axis in zip(layout.annotations, (layout.yaxis, layout.yaxis2), strict=True):
        assert (title.x, title.y) == (0.5, pytest.approx(axis.domain[1]))
    assert layout.height > 2 * 190


def test_columns_are_read_one_after_the_other():
    figure = make_subplots(2, 2, specs=[[{}, {"rowspan": 2}], [{}, None]])
    layout = applied(finished(figure, "", ""))  # x and x3 are left, x2 is right
    tops = [axis.domain[1] for axis in (layout.yaxis, layout.yaxis3, layout.yaxis2)]
    assert tops == sorted(tops, reverse=True)


def test_panels_that_shared_their_labels_have_them_now():
    assert applied(two_panels(shared_yaxes=True)).yaxis2.showticklabels


def test_a_panel_with_many_names_has_a_row_for_each():
    names = [f"system {number}" for number in range(12)]
    figure = make_subplots(1, 2, shared_yaxes=True)
    for col in (1, 2):
        figure.add_scatter(x=[*range(12)], y=names, row=1, col=col)
    layout = applied(finished(figure, "", ""))
    plot = layout.height - layout.margin.t - layout.margin.b
    for axis in (layout.yaxis, layout.yaxis2):
        assert plot * (axis.domain[1] - axis.domain[0]) >= 12 * 20


def test_one_column_stays_as_it_is():
    figure = make_subplots(2, 1)
    figure = finished(figure, "", "", height=500)
    layout = applied(figure)
    assert layout.yaxis.domain == figure.layout.yaxis.domain
    plot = layout.height - layout.margin.t - layout.margin.b
    assert plot == 500 - figure.layout.margin.t - figure.layout.margin.b


def test_a_long_title_has_room_for_its_lines():
    short, long = (
        applied(finished(go.Figure(), words, "")) for words in ("Short", "A long title " * 8)
    )
    assert max(map(len, long.title.text.split("<br>"))) <= 44
    assert long.title.text.count("<br>") > 1
    assert long.margin.t > short.margin.t


def test_a_slider_stands_below_all_rows_of_the_legend():
    figure = two_panels()
    figure.update_layout(sliders=[{"steps": [{"label": "1", "method": "skip"}]}])
    few = applied(figure)
    figure.add_scatter(x=[0], y=[0], name="a name as long as a row of the legend is wide")
    more = applied(figure)
    assert more.sliders[0].pad.t > few.sliders[0].pad.t
    assert more.margin.b > more.sliders[0].pad.t
    assert few.title.text == "Two panels"


def test_traces_of_one_group_count_once_and_hidden_ones_not_at_all():
    figure = two_panels()
    before = applied(figure).margin.b
    figure.add_scatter(x=[0], y=[0], name="line 1", legendgroup="line 1", showlegend=False)
    figure.add_scatter(x=[0], y=[0], showlegend=False)
    assert applied(figure).margin.b == before


def test_a_figure_without_anything_is_no_error():
    height, _ = narrow_layout({"data": [], "layout": {}})
    assert height > 0
