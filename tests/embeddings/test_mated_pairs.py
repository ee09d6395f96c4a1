import numpy as np
import pytest
from builders import drawn_table

from eumlib.embeddings import (
    EmbeddingTable,
    MatedPairs,
    TableError,
    map_table,
    mated_vectors,
    write_table,
)


def renamed(table, face_set):
    return EmbeddingTable(table.rows.assign(face_set=face_set), table.vectors, table.failures)


ONE, OTHER = drawn_table(people=4), renamed(drawn_table(people=3, seed=1), "a-b")


def slow_pairs(*tables):
    for table in tables:
        rows = list(table.rows.itertuples())
        for masked, vector in zip(rows, table.vectors, strict=True):
            for bare, other in zip(rows, table.vectors, strict=True):
                mated = masked.image_id == bare.image_id
                if mated and (masked.view, bare.view) == ("masked", "unmasked"):
                    yield vector, other, f"{bare.face_set}/{bare.identity}"


def on_disk(table, path):
    write_table(table, path)
    return map_table(path)


@pytest.mark.parametrize("mapped", [(), (0,), (1,), (0, 1)])
def test_pairs_agree_with_a_slow_loop_wherever_the_tables_lie(tmp_path, own_home, mapped):
    tables = [
        on_disk(table, tmp_path / f"{number}.parquet") if number in mapped else table
        for number, table in enumerate((ONE, OTHER))
    ]
    masked, unmasked, people = map(np.array, zip(*slow_pairs(ONE, OTHER), strict=True))
    found = mated_vectors(*tables)
    np.testing.assert_array_equal(found.masked, masked)
    np.testing.assert_array_equal(found.unmasked, unmasked)
    assert found.people.tolist() == people.tolist()


def test_some_pairs_are_every_nth():
    pairs, every = MatedPairs.of_tables(ONE, OTHER), mated_vectors(ONE, OTHER)
    assert len(pairs) == 28
    third = pairs.some(10).read()
    np.testing.assert_array_equal(third.unmasked, every.unmasked[::3])
    assert third.people.tolist() == every.people[::3].tolist()
    assert len(pairs.some(28)) == 28


def test_the_fingerprint_is_that_of_the_vectors():
    moved = drawn_table(people=4)
    moved.vectors[0, 0] += 0.01
    prints = [MatedPairs.of_tables(table).fingerprint for table in (ONE, drawn_table(people=4))]
    assert prints[0] == prints[1] != MatedPairs.of_tables(moved).fingerprint


def test_a_table_of_one_view_on_disk_has_no_pairs(tmp_path, own_home):
    bare = on_disk(ONE.of_view("unmasked"), tmp_path / "t.parquet")
    with pytest.raises(TableError, match="both a masked and an unmasked view"):
        MatedPairs.of_tables(bare)
