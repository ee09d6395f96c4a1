from dataclasses import replace

import numpy as np
import pytest

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.rivals import Student, Unchanged, embed_maps, seen_by
from eumlib.rivals.network_protocol import numbers_in


@pytest.fixture(scope="module")
def table(maps, recogniser):
    vectors = embed_maps(Unchanged.of(recogniser), maps, np.arange(len(maps)))
    order = np.random.default_rng(0).permutation(len(maps))
    rows = maps.rows.iloc[order].reset_index(drop=True)
    return EmbeddingTable.of_rows(list(rows.itertuples(index=False)), vectors[order], [])


def test_views_are_found_whatever_the_order_of_the_table(table, maps):
    numbers = numbers_in(maps, table.rows)
    for place, number in enumerate(numbers):
        for column in ("image_id", "view"):
            assert maps.rows[column][number] == table.rows[column][place]


def test_the_recogniser_itself_gives_the_table_again(table, maps, recogniser):
    again = seen_by(Unchanged.of(recogniser), table, maps, ["unmasked", "masked"])
    np.testing.assert_allclose(again.vectors, table.vectors, atol=1e-5)


def test_only_the_views_that_are_named_are_the_rivals(table, maps, recogniser):
    rival = Student.of(recogniser)
    for weights in rival.recogniser.head.parameters():
        weights.data.mul_(1.5)
    changed = seen_by(rival, table, maps, ["masked"])
    masked = (table.rows["view"] == "masked").to_numpy()
    np.testing.assert_array_equal(changed.vectors[~masked], table.vectors[~masked])
    expected = embed_maps(rival, maps, numbers_in(maps, table.rows[masked]))
    np.testing.assert_array_equal(changed.vectors[masked], expected)
    assert abs(changed.vectors[masked] - table.vectors[masked]).max() > 0.01


def test_a_view_without_maps_is_named(table, maps, recogniser):
    odd = replace(table, rows=table.rows.assign(image_id=table.rows["image_id"] + "x"))
    with pytest.raises(TableError, match=r"24 views have no feature maps.*p\d/\dx"):
        seen_by(Unchanged.of(recogniser), odd, maps, ["unmasked", "masked"])
