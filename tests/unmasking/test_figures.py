import numpy as np
import pandas as pd

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
