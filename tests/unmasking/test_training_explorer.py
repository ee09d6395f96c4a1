import pandas as pd
import pytest

from eumlib.unmasking import TrainingExplorer


def history(epochs, start):
    rows = [
        {"epoch": n, "learning_rate": 0.1, "loss": start / n, "d1": start / n, "d2": 0.2 + n / 10,
         "d3": 0.25, "restrained": n / 10, "validation": 1 + n / 10}
        for n in range(1, epochs + 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


HISTORIES = {"triplet": history(4, 0.5), "srt": history(6, 0.4)}


@pytest.fixture
def tool():
    return TrainingExplorer(HISTORIES)


def test_an_epoch_in_numbers_and_words(tool):
    assert tool.rows(3)["srt"]["d2"] == pytest.approx(0.5)
    first, _, srt = tool.words(2)
    assert first == "epoch 2"
    assert srt == ("srt: d1 0.200, d2 0.400, d3 0.250; restraint on 20% of steps; validation 1.200")


def test_a_training_that_stopped_stays_at_its_last_epoch(tool):
    assert tool.rows(6)["triplet"]["epoch"] == 4
    assert tool.moved(6)[0] == {"x": [4.0] * 3, "y": pytest.approx([0.125, 0.6, 0.25])}


def test_the_marks_lie_on_the_curves(tool):
    figure = tool.figure(3)
    curves, marks = figure.data[:10], figure.data[10:]
    assert len(marks) == 6
    for mark in marks:
        here = [curve for curve in curves if (curve.xaxis, curve.yaxis) == (mark.xaxis, mark.yaxis)]
        on_curves = [curve.y[list(curve.x).index(3)] for curve in here]
        assert list(mark.x) == [3.0] * len(here)
        assert list(mark.y) == pytest.approx(on_curves)


def test_both_sliders_go_through_the_epochs_and_start_at_the_last(tool):
    slider, figure = tool.widget().children
    assert (slider.min, slider.value, slider.max) == (1, 6, 6)
    slider.value = 2
    assert [list(trace.y) for trace in figure.data[-6:]] == [m["y"] for m in tool.moved(2)]
    static = tool.static()
    (steps,) = static.layout.sliders
    assert [step.label for step in steps.steps] == list("123456")
    assert steps.active == 5
    assert static.layout.meta["alt"].endswith("; ".join(tool.words(6)))


@pytest.mark.parametrize("histories", [{}, {"srt": history(0, 1.0)}])
def test_nothing_to_show_is_refused(histories):
    with pytest.raises(ValueError, match="one training of one epoch"):
        TrainingExplorer(histories)
