import numpy as np
import pandas as pd

from eumlib.study import change_map


def test_the_map_has_every_change_where_its_row_and_column_cross():
    changes = pd.DataFrame({"flat": [-30.0, -10.0], "cloth, worn": [5.0, -40.0]}, ["all", "some"])
    figure = change_map(changes, "title")
    (map_,) = figure.data
    np.testing.assert_array_equal(map_.z, changes)
    assert list(map_.y) == ["all", "some"]
    assert list(map_.x) == ["flat", "cloth, worn"]
    assert map_.zmid == 0
    assert "trained on some: -10 % on flat, -40 % on cloth, worn" in figure.layout.meta["alt"]
