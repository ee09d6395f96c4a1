import numpy as np
import pytest
from builders import drawn_table

from eumlib.maps import figures

TABLE = drawn_table(people=8, pictures=4, noise=1.2, mask=1.0)


def words_of(figure):
    return figure.layout.meta["alt"]


def test_the_map_has_one_point_a_row_told_apart_by_shape_and_a_line_to_each_mate():
    rows = TABLE.rows.iloc[::-1].reset_index(drop=True)
    places = np.random.default_rng(0).standard_normal((len(rows), 2))
    figure = figures.embedding_map(places, rows, "map")
    points, lines = figure.data[-1], figure.data[0]
    np.testing.assert_array_equal(np.stack([points.x, points.y], axis=1), places)
    shapes = [figures.VIEW_SYMBOLS[view] for view in rows["view"]]
    assert list(points.marker.symbol) == shapes
    starts, ends = np.array(lines.x)[0::3], np.array(lines.x)[1::3]
    mates = {(row.image_id, row.view): places[i, 0] for i, row in enumerate(rows.itertuples())}
    drawn = set(zip(starts, ends, strict=True))
    assert drawn == {
        (x, mates[image_id, "unmasked"])
        for (image_id, view), x in mates.items()
        if view == "masked"
    }
    assert "32 masked" in words_of(figure)


def test_a_map_with_too_few_coordinates_is_refused():
    with pytest.raises(ValueError, match="64 points need as many coordinates, not 3"):
        figures.embedding_map(np.zeros((3, 2)), TABLE.rows, "map")
