import ipywidgets
import plotly.graph_objects as go
import pytest

from eumlib._common.sliding import under_a_slider, with_its_own_slider


class Parabola:
    """A curve that stays, and two marks that move: one on the curve, one on its axis."""

    def figure(self, value):
        figure = go.Figure(go.Scatter(x=[0, 1, 2], y=[0, 1, 4]))
        for mark in self.moved(value):
            figure.add_scatter(**mark)
        return figure.update_layout(height=300, title={"text": self.words(value)[0]})

    def moved(self, value):
        return [{"x": [value], "y": [value**2]}, {"x": [value], "y": [0.0]}]

    def words(self, value):
        return [f"at {value}", f"height {value**2}"]


def test_the_slider_moves_the_last_traces_and_the_words():
    slider, figure = under_a_slider(Parabola(), ipywidgets.FloatSlider(1.0, max=2)).children
    assert [list(trace.y) for trace in figure.data[1:]] == [[1.0], [0.0]]
    slider.value = 2.0
    assert list(figure.data[0].y) == [0, 1, 4]
    assert [(*trace.x, *trace.y) for trace in figure.data[1:]] == [(2.0, 4.0), (2.0, 0.0)]
    assert figure.layout.title.text == "at 2.0<br>height 4.0"


def test_its_own_slider_has_a_step_a_stop_and_says_the_same():
    figure = with_its_own_slider(Parabola(), [0.0, 1.0, 2.0], 1, "place", "{:.2f}")
    (slider,) = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["0.00", "1.00", "2.00"]
    assert (slider.active, slider.currentvalue.prefix) == (1, "place ")
    assert [list(trace.y) for trace in figure.data[1:]] == [[1.0], [0.0]]
    places, words, moving = slider.steps[2].args
    assert places == {"x": [[2.0], [2.0]], "y": [[4.0], [0.0]]}
    assert words == {"title.text": "at 2.0<br>height 4.0"}
    assert list(moving) == [1, 2]
    assert figure.layout.height > 300
    assert figure.layout.meta["alt"] == "With a slider; at first: at 1.0; height 1.0"


@pytest.mark.parametrize("start", [0, 2])
def test_it_starts_at_the_stop_that_is_asked_for(start):
    figure = with_its_own_slider(Parabola(), [0.0, 1.0, 2.0], start, "place", "{:.0f}")
    assert list(figure.data[1].x) == [float(start)]
    assert figure.layout.title.text == f"at {float(start)}"
