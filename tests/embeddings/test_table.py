import numpy as np
import pandas as pd
import pytest
from builders import drawn_table

from eumlib.embeddings import (
    EmbeddingTable,
    TableError,
    mated_vectors,
    read_table,
    unit_length,
    write_table,
)
from eumlib.embeddings.table import FAILURE_COLUMNS


@pytest.fixture(scope="module")
def table():
    """Two people with two pictures each, in both views, and two faces that were not acquired."""
    drawn = drawn_table(people=2, pictures=2, dim=128)
    failures = [
        ("p0/9", "p0", "drawn", view, shape, "no face found", "no face in p0/9")
        for view, shape in (("unmasked", None), ("masked", "c"))
    ]
    failures.append(("p1/9", "p1", "drawn", "unmasked", None, "unreadable picture", "torn"))
    return EmbeddingTable.of_rows(
        drawn.rows.itertuples(index=False, name=None), drawn.vectors, failures
    )


def test_attempts_count_every_face_once_and_failures_every_face_with_one(table):
    assert table.attempts == 6
    assert table.not_acquired == 2


def test_a_face_that_fails_in_one_view_only_is_one_attempt_and_not_acquired(table):
    failure = ("p0/0", "p0", "drawn", "masked", "f", "no face found", "behind a mask")
    failures = pd.DataFrame([failure], columns=list(FAILURE_COLUMNS))
    lost = EmbeddingTable(table.rows, table.vectors, failures)
    assert (lost.attempts, lost.not_acquired) == (4, 1)


def test_a_table_without_a_column_is_refused(table):
    with pytest.raises(TableError, match="without column view, backbone"):
        EmbeddingTable(table.rows.drop(columns=["view", "backbone"]), table.vectors, table.failures)


@pytest.mark.parametrize("shape", [(7, 128), (8,), (8, 128, 1)])
def test_vectors_that_do_not_fit_the_rows_are_refused(shape, table):
    with pytest.raises(TableError, match=r"8 rows need vectors \(8, d\)") as error:
        EmbeddingTable(table.rows, np.zeros(shape, np.float32), table.failures)
    assert str(shape) in str(error.value)


def numbered_table(seed=0):
    """Two sets that share their picture names, shuffled; some pictures lack one of their views."""
    rows = [
        (f"{person}/{shot}", f"p{person}", face_set, view, None, None, None, "hog", "own", "hand")
        for face_set in ("red", "blue")
        for person in range(5)
        for shot in range(3)
        for view in ("unmasked", "masked")
        if (person, shot, view) not in {(0, 0, "unmasked"), (1, 2, "masked")}
    ]
    rows = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    vectors = np.arange(2 * len(rows), dtype=np.float32).reshape(-1, 2)
    failures = [
        ("9/0", "p4", "red", "unmasked", None, "no face found", "none"),
        ("9/1", "p9", "red", "unmasked", None, "no face found", "none"),
    ]
    return EmbeddingTable.of_rows(rows, vectors, failures)


@pytest.mark.parametrize("seed", range(3))
def test_mated_views_agree_with_a_slow_search(seed):
    table = numbered_table(seed)
    rows = list(table.rows.itertuples())
    pairs = [
        (masked.Index, unmasked.Index)
        for masked in rows
        for unmasked in rows
        if (masked.view, unmasked.view) == ("masked", "unmasked")
        and (masked.face_set, masked.image_id) == (unmasked.face_set, unmasked.image_id)
    ]
    masked, unmasked = table.mated_views()
    assert len(pairs) == 26
    assert list(zip(masked.tolist(), unmasked.tolist(), strict=True)) == pairs


def test_a_table_of_one_view_has_no_mated_views():
    with pytest.raises(TableError, match="no picture"):
        numbered_table().of_view("masked").mated_views()


def test_where_keeps_rows_with_their_vectors_and_all_failures():
    table = numbered_table()
    keep = np.arange(len(table)) % 3 == 1
    kept = table.where(keep)
    for place, row in enumerate(range(1, len(table), 3)):
        assert kept.rows.iloc[place].equals(table.rows.iloc[row])
        np.testing.assert_array_equal(kept.vectors[place], table.vectors[row])
    assert len(kept) == len(range(1, len(table), 3))
    assert kept.rows.index.tolist() == list(range(len(kept)))
    assert len(kept.failures) == 2


def test_of_view_keeps_the_rows_of_that_view():
    table = numbered_table()
    for view in ("masked", "unmasked"):
        expected = [i for i in range(len(table)) if table.rows["view"][i] == view]
        kept = table.of_view(view)
        assert len(kept) == 28
        np.testing.assert_array_equal(kept.vectors, table.vectors[expected])
        assert set(kept.rows["view"]) == {view}


def test_of_people_keeps_the_rows_and_failures_of_these_people():
    table = numbered_table()
    wanted = ["p4", "p1", "nobody"]
    expected = [i for i in range(len(table)) if table.rows["identity"][i] in wanted]
    kept = table.of_people(wanted)
    np.testing.assert_array_equal(kept.vectors, table.vectors[expected])
    assert kept.rows["identity"].tolist() == table.rows["identity"][expected].tolist()
    assert kept.failures["identity"].tolist() == ["p4"]
    assert kept.attempts == len({(r.face_set, r.image_id) for r in kept.rows.itertuples()}) + 1
    assert len(table.of_people([])) == 0


def test_first_people_keeps_the_people_that_come_first():
    table = numbered_table()
    order = []
    for identity in table.rows["identity"]:
        if identity not in order:
            order.append(identity)
    for count in (1, 3):
        kept = table.first_people(count)
        expected = [i for i in range(len(table)) if table.rows["identity"][i] in order[:count]]
        np.testing.assert_array_equal(kept.vectors, table.vectors[expected])
        assert set(kept.failures["identity"]) <= set(order[:count])
    assert len(table.first_people(99)) == len(table)


def test_unit_length_divides_each_row_by_its_length():
    scaled = unit_length(np.array([[3.0, 4.0], [0.0, -2.0], [1e-6, 0.0]]))
    np.testing.assert_allclose(scaled, [[0.6, 0.8], [0, -1], [1, 0]], rtol=1e-6)
    assert scaled.dtype == np.float32
    assert unit_length(np.empty((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("row", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [-np.inf, np.nan]])
def test_rows_without_a_length_are_refused_with_their_number(row):
    vectors = np.array([[1.0, 0.0], [0.5, 0.5], row, [1.0, 1.0], row])
    with pytest.raises(ValueError, match=r"^2 embeddings.* row 2"):
        unit_length(vectors)


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


def arrays(n=6, dim=4, seed=0):
    return np.random.default_rng(seed).standard_normal((n, dim))


def test_a_table_of_ones_own_arrays_has_a_row_a_view_of_unit_length(tmp_path):
    people, unmasked, masked = ["ann", "bob"] * 3, arrays(), 3 * arrays(seed=1)
    table = EmbeddingTable.from_arrays(identity=people, unmasked=unmasked, masked=masked)
    first, second = table.mated_views()
    np.testing.assert_array_equal(second, np.arange(6))
    for row in range(6):
        for view, given in ((first[row], masked[row]), (second[row], unmasked[row])):
            np.testing.assert_allclose(
                table.vectors[view], given / np.sqrt(sum(x * x for x in given)), rtol=1e-6
            )
            assert table.rows["identity"][view] == people[row]
    assert table.attempts == 6
    write_table(table, tmp_path / "own.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "own.parquet").rows, table.rows)


def test_arrays_of_unmasked_faces_alone_are_a_table_too():
    table = EmbeddingTable.from_arrays(identity=np.arange(6), unmasked=arrays().tolist())
    assert table.rows["view"].unique() == ["unmasked"]
    assert table.rows["identity"].tolist() == list("012345")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unmasked": np.ones(6)}, r"unmasked must be \(6, d\), one row per identity, not \(6,\)"),
        ({"masked": arrays(5)}, r"masked must be \(6, d\), one row per identity, not \(5, 4\)"),
        ({"masked": arrays(6, 3)}, r"of one recogniser, not \(6, 4\) and \(6, 3\)"),
        ({"unmasked": np.full((6, 4), "x")}, "unmasked must be numbers, not <U1"),
        ({"masked": np.eye(6, 4)}, "masked: 2 embeddings are zero or not finite; .* row 4"),
        ({"unmasked": np.full((6, 4), np.nan)}, "unmasked: 6 embeddings are zero or not finite"),
        ({"identity": ["ann", None] * 3}, "3 identities are missing; the first is row 1"),
        ({"identity": []}, r"identity must be \(n,\) names"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
    given = {"identity": ["ann", "bob"] * 3, "unmasked": arrays(), "masked": arrays(seed=1)}
    with pytest.raises(TableError, match=message):
        EmbeddingTable.from_arrays(**given | changes)
