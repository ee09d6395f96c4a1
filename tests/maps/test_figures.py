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


def test_probes_stand_at_their_angle_and_the_cone_ends_at_the_threshold():
    scores = {"mated": np.array([1.0, 0.5]), "non-mated": np.array([0.0])}
    figure = figures.acceptance_cone(scores, threshold=0.5)
    cone, mated, non_mated = figure.data
    assert max(cone.theta) == pytest.approx(60)
    np.testing.assert_allclose(np.abs(mated.theta), [0, 60], atol=1e-6)
    assert np.abs(non_mated.theta) == pytest.approx([90])
    assert set(mated.r) != set(non_mated.r)
    assert mated.marker.symbol != non_mated.marker.symbol
    assert "within 60 degrees: 100% of mated, 0% of non-mated" in words_of(figure)
