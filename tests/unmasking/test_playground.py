import pytest

from eumlib.unmasking import LossPlayground, SelfRestrainedTripletLoss, TripletLoss


@pytest.fixture
def playground():
    return LossPlayground({"triplet": TripletLoss(2), "SRT": SelfRestrainedTripletLoss(2)})


def parts(widget):
    figure, *sliders = widget.children
    return figure, sliders


def test_a_slider_moves_its_point_and_the_words(playground):
    figure, sliders = parts(playground.widget())
    before = figure.layout.annotations[0].text
    sliders[0].value = 180
    assert figure.data[1].y[0] == pytest.approx(-1)
    assert figure.layout.annotations[0].text != before
    expected = playground.figure(*(slider.value for slider in sliders))
    assert figure.layout.annotations[0].text == expected.layout.annotations[0].text


def test_a_dragged_handle_moves_the_slider_and_snaps_to_the_circle(playground):
    figure, sliders = parts(playground.widget())
    shapes = [shape.to_plotly_json() for shape in figure.layout.shapes]
    shapes[2] |= {"x0": -2.1, "x1": -1.9, "y0": -0.1, "y1": 0.1}
    figure.layout.shapes = shapes
    assert [slider.value for slider in sliders] == pytest.approx([30, 0, -90])
    assert figure._config["edits"] == {"shapePosition": True}  # else plotly lets none be dragged
    handle = figure.layout.shapes[2]
    assert ((handle.x0 + handle.x1) / 2, (handle.y0 + handle.y1) / 2) == pytest.approx((-1, 0))


def test_the_static_twin_turns_the_anchor_by_a_slider(playground):
    figure = playground.static()
    (slider,) = figure.layout.sliders
    labels = [step.label for step in slider.steps]
    place = labels.index("180")
    changed, layout = slider.steps[place].args
    anchor = [trace.name for trace in figure.data].index("anchor")
    assert changed["y"][anchor][0] == pytest.approx(-1)
    assert slider.steps[place].method == "update"
    at_180 = playground.figure(180, 0, -60)
    assert layout["annotations"][0]["text"] == at_180.layout.annotations[0].text
    assert labels[slider.active] == "30"


def test_it_starts_where_one_loss_runs_past_the_positive_and_the_other_turns_back(playground):
    triplet, srt = playground.static().data[-2:]
    assert triplet.x[0] > 0  # right of the positive, which is at the top; the negative is left
    assert triplet.x[1] > triplet.x[0]
    assert srt.x[1] < srt.x[0]
