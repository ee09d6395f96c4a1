import plotly.graph_objects as go
import pytest
from jinja2 import TemplateNotFound

from eumlib._common.looks import SERIES, figure_html, finished, template, with_interval


def test_a_figure_has_its_sentence_as_a_label_and_no_script_of_its_own():
    figure = finished(go.Figure().add_scatter(x=[0], y=[1]), "One", 'a "point" <at> 1')
    page = figure_html(figure.to_dict(), "first")
    assert 'aria-label="a &quot;point&quot; &lt;at&gt; 1"' in page
    assert "cdn" not in page


def test_what_is_put_into_a_template_is_escaped():
    assert "<title>a &lt;b&gt;</title>" in template("maps/explorer.html").render(title="a <b>")
    with pytest.raises(TemplateNotFound):
        template("_reports/nothing.html")


@pytest.mark.parametrize(
    ("numbers", "form", "shown"),
    [
        ((1.25, 1, 1.5), "{:.2f}", "1.25 [1.00, 1.50]"),
        ((-0.5, -1, 0), "{:+.1f}", "-0.5 [-1.0, +0.0]"),
        ((1, float("nan"), 2), "{:.1f}", "–"),
        ((None, 0, 1), "{:.1f}", "–"),
    ],
)
def test_a_value_stands_before_its_interval(numbers, form, shown):
    assert with_interval(*numbers, form) == shown


def test_series_are_told_apart():
    assert len(set(SERIES)) == len(SERIES)
