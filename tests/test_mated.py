import numpy as np
import pytest
from builders import drawn_table

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.mated import mated_vectors


def shuffled(table, seed):
    order = np.random.default_rng(seed).permutation(len(table))
    rows = table.rows.iloc[order].reset_index(drop=True)
    return EmbeddingTable(rows, table.vectors[order], table.failures)


def test_each_masked_view_stands_beside_its_own_picture_whatever_the_order():
    tables = [shuffled(drawn_table(people=3, pictures=2, seed=seed), seed) for seed in (1, 2)]
    found = mated_vectors(*tables)
    expected = []
    for table in tables:
        rows = list(zip(table.rows.itertuples(), table.vectors, strict=True))
        bare = {row.image_id: vector for row, vector in rows if row.view == "unmasked"}
        expected += [
            (vector, bare[row.image_id], f"drawn/{row.identity}")
            for row, vector in rows
            if row.view == "masked"
        ]
    masked, unmasked, people = zip(*expected, strict=True)
    np.testing.assert_array_equal(found.masked, masked)
    np.testing.assert_array_equal(found.unmasked, unmasked)
    assert found.people.tolist() == list(people)


def test_embeddings_that_are_not_finite_are_refused_by_row():
    table = drawn_table()
    table.vectors[5, 2] = np.nan
    with pytest.raises(TableError, match="the first is row 5, the masked view of p0/2"):
        mated_vectors(drawn_table(), table)


def test_a_table_without_masked_views_is_refused():
    with pytest.raises(TableError, match="both a masked and an unmasked view"):
        mated_vectors(drawn_table().of_view("unmasked"))
