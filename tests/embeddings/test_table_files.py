import tempfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import drawn_table
from hypothesis import given
from hypothesis import strategies as st
from small_files import with_a_flipped_bit

from eumlib.embeddings import (
    COLUMNS,
    EmbeddingTable,
    TableError,
    join_tables,
    read_attempted_views,
    read_table,
    table_files,
    unit_length,
    write_table,
)


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


@pytest.fixture(scope="module")
def nothing(table):
    """A table of failures alone."""
    return EmbeddingTable(table.rows[:0], np.empty((0, 6), np.float32), table.failures)


def test_a_table_of_failures_survives_writing_and_reading(nothing, tmp_path):
    write_table(nothing, tmp_path / "table.parquet")
    read = read_table(tmp_path / "table.parquet")
    assert read.vectors.shape == (0, 6)
    assert read.attempts == read.not_acquired == 2
    pd.testing.assert_frame_equal(read.failures, nothing.failures)


def test_writing_and_reading_gives_the_same_table_exactly(table, tmp_path):
    write_table(table, tmp_path / "table.parquet")
    read = read_table(tmp_path / "table.parquet")
    assert read.vectors.dtype == np.float32
    np.testing.assert_array_equal(read.vectors, table.vectors)
    pd.testing.assert_frame_equal(read.rows, table.rows)
    pd.testing.assert_frame_equal(read.failures, table.failures)
    assert read.attempts == table.attempts


def test_outcomes_can_be_read_without_the_embeddings(table, tmp_path):
    write_table(table, tmp_path / "table.parquet")
    outcomes = read_attempted_views(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(outcomes, table.attempted_views)
    assert len(outcomes) == len(table) + len(table.failures) == 11
    assert outcomes["reason"].notna().sum() == 3


def test_half_precision_keeps_three_digits_in_half_the_bytes(table, tmp_path):
    write_table(table, tmp_path / "half.parquet", precision="float16")
    read = read_table(tmp_path / "half.parquet")
    assert read.vectors.dtype == np.float32
    expected = table.vectors.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(read.vectors, expected)
    assert not np.array_equal(read.vectors, table.vectors)
    np.testing.assert_allclose(read.vectors, table.vectors, rtol=2**-11, atol=2**-24)
    embeddings = pq.read_table(tmp_path / "half.parquet")["embedding"]
    assert embeddings.type.value_type == pa.float16()


def test_writing_replaces_an_older_table(table, tmp_path):
    path = tmp_path / "folder" / "table.parquet"
    write_table(table, path)
    write_table(table.of_people(["p1"]), path)
    assert read_table(path).rows["identity"].unique().tolist() == ["p1"]
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_table_is_refused_with_the_command_that_makes_it(tmp_path):
    path = tmp_path / "none.parquet"
    with pytest.raises(TableError, match="python -m eumlib embed") as error:
        read_table(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"image_id,identity\ns1/1,s1\n", b"PAR1" * 10])
def test_a_file_that_is_not_parquet_is_refused_by_name(content, tmp_path):
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    with pytest.raises(TableError, match="not a Parquet file") as error:
        read_table(path)
    assert str(path) in str(error.value)


def test_half_of_a_table_is_refused(table, tmp_path):
    path = tmp_path / "table.parquet"
    write_table(table, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TableError, match="not a Parquet file"):
        read_table(path)


def test_another_parquet_file_is_refused_with_the_columns_that_it_lacks(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"identity": ["s1"], "view": ["masked"]}), path)
    with pytest.raises(TableError, match=r"missing: image_id, face_set, .*embedding") as error:
        read_table(path)
    assert str(path) in str(error.value)


def test_embeddings_of_varying_length_are_refused(tmp_path):
    path = tmp_path / "other.parquet"
    columns = {name: ["x", "y"] for name in COLUMNS} | {"embedding": [[1.0, 0.0], [1.0]]}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(TableError, match="missing: the fixed size"):
        read_table(path)


def test_joined_tables_are_the_rows_and_failures_one_after_the_other(table, nothing, tmp_path):
    parts = [table.of_people(["p0"]), table.of_people(["nobody"]), table.of_people(["p1"])]
    for number, part in enumerate(parts):
        write_table(part, tmp_path / f"{number}.parquet")
    join_tables([tmp_path / f"{number}.parquet" for number in range(3)], tmp_path / "all.parquet")
    joined = read_table(tmp_path / "all.parquet")
    pd.testing.assert_frame_equal(joined.rows, table.rows)
    np.testing.assert_array_equal(joined.vectors, table.vectors)
    pd.testing.assert_frame_equal(joined.failures, table.failures)
    with pytest.raises(ValueError, match="one at least"):
        join_tables([], tmp_path / "none.parquet")
    assert not (tmp_path / "none.parquet").exists()


@pytest.mark.parametrize("length", [7, 0.5, np.nan])
def test_embeddings_that_are_not_of_length_1_are_refused_by_row(length, table, tmp_path):
    vectors = table.vectors.copy()
    vectors[1] *= length
    write_table(EmbeddingTable(table.rows, vectors, table.failures), tmp_path / "t.parquet")
    expected = (
        r"t\.parquet: embeddings that are not of length 1 in 1 of 8 rows; .* row 1, the masked"
    )
    with pytest.raises(TableError, match=expected):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("note", [b"{", b"[]", b'{"failures": 3}'])
def test_a_damaged_note_on_failures_is_refused(note, table, tmp_path):
    write_table(table, tmp_path / "t.parquet")
    arrow = pq.read_table(tmp_path / "t.parquet").replace_schema_metadata({b"eumlib": note})
    pq.write_table(arrow, tmp_path / "t.parquet")
    with pytest.raises(TableError, match="note on failures to acquire cannot be read"):
        read_table(tmp_path / "t.parquet")


def changed(table, name, **columns):
    """A file of the table with other columns."""
    write_table(table, name)
    arrow = pq.read_table(name)
    for column, values in columns.items():
        arrow = arrow.set_column(arrow.schema.get_field_index(column), column, values)
    pq.write_table(arrow, name)
    return name


def embeddings_of(table, change, kind=None):
    rows = [list(map(float, vector)) for vector in table.vectors]
    change(rows)
    return pa.array(rows, pa.list_(kind or pa.float32(), table.dim))


def texts(table, column, row, text):
    return pa.array(table.rows[column].mask(table.rows.index == row, text), pa.string())


def test_numbers_that_are_missing_are_refused_by_row_and_picture(table, tmp_path):
    def no_list(rows):
        rows[3] = None

    def no_number(rows):
        rows[3][7] = None

    for change in (no_list, no_number):
        path = changed(table, tmp_path / "t.parquet", embedding=embeddings_of(table, change))
        with pytest.raises(TableError, match=r"missing numbers in 1 of 8.*row 3, .* view of p0/1"):
            read_table(path)


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("identity", None, "no identity in 1 of 8 rows; the first is row 3, the masked view of p0"),
        ("image_id", None, "no image_id in 1 of 8"),
        ("view", "nonmasked", "another view than unmasked or masked in 1 of 8"),
        ("view", "unmasked", "a mask on an unmasked view"),
        ("mask_shape", None, "or none on a masked one"),
    ],
)
def test_rows_that_do_not_say_what_they_are_are_refused(column, text, message, table, tmp_path):
    path = changed(table, tmp_path / "t.parquet", **{column: texts(table, column, 3, text)})
    with pytest.raises(TableError, match=message) as error:
        read_table(path)
    assert str(path) in str(error.value)
    with pytest.raises(TableError, match=message):
        read_attempted_views(path)


def test_a_view_that_is_there_twice_is_refused(table, tmp_path):
    twice = EmbeddingTable(
        pd.concat([table.rows, table.rows[2:4]], ignore_index=True),
        np.concatenate([table.vectors, table.vectors[2:4]]),
        table.failures,
    )
    write_table(twice, tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r"a view that is there already in 2 of 10 rows.* row 8"):
        read_table(tmp_path / "t.parquet")


def test_columns_of_other_kinds_are_text_where_they_can_be(table, tmp_path):
    numbers = pa.array(table.rows["identity"].str[1:].astype(int))
    categories = pa.array(table.rows["face_set"].astype("category"))
    path = changed(table, tmp_path / "t.parquet", identity=numbers, face_set=categories)
    read = read_table(path)
    assert read.rows["identity"].tolist() == [name[1:] for name in table.rows["identity"]]
    assert read.rows["face_set"].tolist() == table.rows["face_set"].tolist()
    path = changed(table, tmp_path / "t.parquet", identity=pa.array(np.arange(8) / 2))
    with pytest.raises(TableError, match="column identity holds double, not text"):
        read_table(path)


def test_embeddings_of_whole_numbers_or_of_none_are_refused(table, tmp_path):
    whole = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(8 * 4, np.int32)), 4)
    with pytest.raises(TableError, match="lists of 4 int32, not of floating numbers"):
        read_table(changed(table, tmp_path / "t.parquet", embedding=whole))


def test_double_precision_is_read_as_single(table, tmp_path):
    doubles = embeddings_of(table, lambda rows: None, pa.float64())
    read = read_table(changed(table, tmp_path / "t.parquet", embedding=doubles))
    np.testing.assert_array_equal(read.vectors, table.vectors)


@pytest.mark.parametrize("gone", ["image_id", "reason", "view"])
def test_failures_of_faces_that_are_not_named_are_refused(gone, table, tmp_path):
    failures = table.failures.assign(**{gone: None})
    write_table(EmbeddingTable(table.rows, table.vectors, failures), tmp_path / "t.parquet")
    with pytest.raises(TableError, match="a failure does not say"):
        read_table(tmp_path / "t.parquet")


def test_a_flipped_bit_is_found_or_without_effect(table, tmp_path):
    path = tmp_path / "t.parquet"
    write_table(table, path)
    whole, expected = path.read_bytes(), read_table(path)
    refused = 0
    for damaged in with_a_flipped_bit(whole, 300):
        path.write_bytes(damaged)
        try:
            read = read_table(path)
        except TableError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
        else:  # statistics that nobody reads, say
            pd.testing.assert_frame_equal(read.rows, expected.rows)
            pd.testing.assert_frame_equal(read.failures, expected.failures)
            np.testing.assert_array_equal(read.vectors, expected.vectors)
    assert refused > 200


def test_what_is_no_file_is_refused(table, tmp_path):
    for path in (tmp_path, "/dev/null"):
        with pytest.raises(TableError, match="is not a file: name the table itself"):
            read_table(path)


def test_parts_are_joined_in_groups_of_many_rows(table, tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS_A_GROUP", 20)
    parts = []
    for number in range(7):
        rows = table.rows.assign(face_set=f"set {number}")
        parts.append(tmp_path / f"{number}.parquet")
        write_table(EmbeddingTable(rows, table.vectors, table.failures[:0]), parts[-1])
    join_tables(parts, tmp_path / "all.parquet")
    groups = pq.ParquetFile(tmp_path / "all.parquet").metadata
    sizes = [groups.row_group(number).num_rows for number in range(groups.num_row_groups)]
    assert sizes == [24, 24, 8]
    assert read_table(tmp_path / "all.parquet").rows["face_set"].nunique() == 7


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)


@given(
    pictures=st.lists(st.tuples(names, names), min_size=1, max_size=6, unique_by=lambda p: p[1]),
    precision=st.sampled_from(["float32", "float16"]),
    dim=st.integers(1, 5),
)
def test_whatever_the_names_a_table_is_read_as_it_was_written(pictures, precision, dim):
    rows = [
        (image, person, "set", view, shape, None, None, "hog", "unmasked", "own")
        for person, image in pictures
        for view, shape in (("unmasked", None), ("masked", "a"))
    ]
    vectors = unit_length(np.random.default_rng(dim).standard_normal((len(rows), dim)) + 0.01)
    failures = [(f"{pictures[0][1]}.", pictures[0][0], "set", "unmasked", None, "torn", "ü\n")]
    table = EmbeddingTable.of_rows(rows, vectors, failures)
    with tempfile.TemporaryDirectory() as folder:
        write_table(table, f"{folder}/t.parquet", precision)
        read = read_table(f"{folder}/t.parquet")
    pd.testing.assert_frame_equal(read.rows, table.rows)
    pd.testing.assert_frame_equal(read.failures, table.failures)
    np.testing.assert_allclose(read.vectors, table.vectors, atol=5e-4)
