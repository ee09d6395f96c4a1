import numpy as np
import pandas as pd
from torch import nn

from eumlib.unmasking import figures


def words_of(figure):
    return figure.layout.meta["alt"]


def test_training_curves_find_their_columns_by_name():
    figures_by_epoch = {
        "restrained": [1.0, 0.25], "validation": [0.1, 0.3], "d3": [2, 2], "d2": [1, 1.5],
        "d1": [0.9, 0.4], "epoch": [1, 2],
    }  # fmt: skip
    history = pd.DataFrame(figures_by_epoch)
    figure = figures.training_curves(history, best_epoch=2)
    drawn = {trace.name: list(trace.y) for trace in figure.data}
    assert drawn == {name: history[name].tolist() for name in history if name != "epoch"}
    assert "d1 goes from 0.900 to 0.400" in words_of(figure)
    assert "held on 100% of the first and 25% of the last" in words_of(figure)


def test_function_curves_draw_what_they_are_given():
    x = np.array([0.0, 1.0])
    figure = figures.function_curves(x, {"square": x**2, "double": 2 * x}, "t", "x", "y")
    assert [list(trace.y) for trace in figure.data] == [[0, 1], [0, 2]]
    assert (
        words_of(figure) == "square from 0.00 at 0 to 1.00 at 1; double from 0.00 at 0 to 2.00 at 1"
    )


def test_places_are_marked_and_told():
    x = np.array([0.0, 1.0])
    figure = figures.function_curves(x, {"double": 2 * x}, "t", "x", "y", {"half": 0.5})
    (line,) = figure.layout.shapes
    assert (line.x0, line.x1) == (0.5, 0.5)
    assert figure.layout.annotations[0].text == "half"
    assert words_of(figure).endswith("; half at 0.5")


def test_the_distances_to_others_stand_side_by_side_and_share_an_axis():
    history = pd.DataFrame({"epoch": [1, 2], "d2": [1.5, 1.25], "d3": [1.25, 1.25], "d1": [9, 9]})
    figure = figures.distance_to_others_curves({"a": history, "b": history.assign(d2=[2, 2])})
    assert [(trace.name[:2], list(trace.y)) for trace in figure.data] == [
        ("d2", [1.5, 1.25]), ("d3", [1.25, 1.25]), ("d2", [2, 2]), ("d3", [1.25, 1.25]),
    ]  # fmt: skip
    assert figure.layout.yaxis2.matches == "y"
    assert "a: over 2 epochs d2 minus d3 goes from +0.250 to +0.000" in words_of(figure)


def test_the_diagram_has_a_box_for_each_linear_layer_and_one_at_either_end():
    network = nn.Sequential(
        nn.Linear(4, 3), nn.BatchNorm1d(3), nn.LeakyReLU(0.2), nn.Linear(3, 4), nn.Dropout()
    )
    figure = figures.network_diagram(network, "masked", "unmasked")
    texts = [note.text for note in figure.layout.annotations if note.text]
    assert texts == [
        "masked",
        "linear 4 to 3  →  batch norm  →  LeakyReLU 0.2",
        "linear 3 to 4  →  Dropout",
        "unmasked",
    ]
    arrows = [note for note in figure.layout.annotations if note.arrowhead]
    assert [arrow.y for arrow in arrows] == [-1, -2, -3]
    assert [note.y for note in figure.layout.annotations if note.text] == [0, -1, -2, -3]
    assert words_of(figure).startswith("from top to bottom: masked; linear 4 to 3")
