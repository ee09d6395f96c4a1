import numpy as np
import pandas as pd
import pytest

from eumlib.verification import forest_plot


def frame(**rows):
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])


def drawn_intervals(trace):
    return np.stack(
        [
            trace.x,
            np.subtract(trace.x, trace.error_x.arrayminus),
            np.add(trace.x, trace.error_x.array),
        ],
        axis=1,
    )


def test_a_forest_plot_shows_each_value_and_its_interval_under_its_name_from_the_top():
    a, b = frame(one=[1, 0, 2], two=[-1, -3, 1]), frame(one=[2, 1, 3], two=[0, -1, 1])
    figure = forest_plot({"a": a, "b": b}, "title", "points")
    for trace, table in zip(figure.data, (a, b), strict=True):
        np.testing.assert_allclose(drawn_intervals(trace), table)
        assert np.round(trace.y).tolist() == [0, 1]
    assert figure.data[0].y[0] != figure.data[1].y[0]
    axis = figure.layout.yaxis
    assert (axis.ticktext, axis.range) == (("one", "two"), (1.5, -0.5))
    assert [shape.x0 for shape in figure.layout.shapes] == [0]
    assert not figure.layout.annotations
    assert "a, two: -1.0 [-3.0, 1.0]" in figure.layout.meta["alt"]


def test_an_end_that_lies_far_outside_is_clipped_and_its_number_stands_beside_it():
    rows = {f"row {n}": [n, n - 1, n + 1] for n in range(10)}
    figure = forest_plot({"a": frame(**rows, far=[5, -400, 6])}, "title", "points")
    (note,) = figure.layout.annotations
    assert note.text == "◀ -400.0"
    assert drawn_intervals(figure.data[0])[-1, 1] == note.x > -100
    assert figure.data[0].customdata[-1].tolist() == ["far", "5", "-400", "6"]


def test_a_forest_plot_of_tables_with_other_names_is_refused():
    a, b = frame(one=[1, 0, 2]), frame(two=[1, 0, 2])
    with pytest.raises(ValueError, match="the same names in each table"):
        forest_plot({"a": a, "b": b}, "title", "points")
