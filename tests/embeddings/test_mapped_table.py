import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import drawn_table

from eumlib.embeddings import (
    EmbeddingTable,
    MappedTable,
    TableError,
    map_table,
    open_table,
    read_table,
    write_table,
)
from eumlib.unmasking import split_for_validation

TABLE = drawn_table(people=9, pictures=3)


@pytest.fixture(autouse=True)
def home(own_home):
    return own_home


@pytest.fixture
def folder(tmp_path):
    """A table in three parts; views of one picture are in different parts."""
    place = np.random.default_rng(0).permutation(len(TABLE)) % 3
    for number in range(3):
        part = TABLE.where(place == number)
        (tmp_path / "parts").mkdir(exist_ok=True)
        write_table(part, tmp_path / "parts" / f"{number}.parquet", "float16")
    return tmp_path / "parts"


def test_a_folder_of_parts_is_the_table_of_all_its_rows(folder):
    mapped = map_table(folder)
    parts = [read_table(path) for path in sorted(folder.iterdir())]
    vectors = np.concatenate([part.vectors for part in parts])
    assert mapped.vectors.dtype == np.float16
    np.testing.assert_array_equal(mapped.vectors[np.arange(len(mapped))], vectors)
    people = mapped.people["identity"].to_pylist()
    names = [name for part in parts for name in part.rows["identity"]]
    assert [people[number] for number in mapped.rows["person"]] == names
    assert mapped.rows["view"].tolist() == [v for part in parts for v in part.rows["view"]]


def test_vectors_are_unpacked_once_for_the_same_content(folder, home):
    first = map_table(folder)
    (unpacked,) = (home / "vectors").iterdir()
    before = unpacked.stat().st_mtime_ns
    (folder / "0.parquet").rename(folder / "00.parquet")
    assert map_table(folder).fingerprint == first.fingerprint
    assert unpacked.stat().st_mtime_ns == before
    (folder / "2.parquet").unlink()
    assert map_table(folder).fingerprint != first.fingerprint


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_a_table_on_disk_splits_people_as_one_in_memory_does(tmp_path, precision):
    write_table(TABLE, tmp_path / "t.parquet", precision)
    on_disk = split_for_validation(map_table(tmp_path / "t.parquet"))
    in_memory = split_for_validation(read_table(tmp_path / "t.parquet"))
    for mapped, table in zip(on_disk, in_memory, strict=True):
        numbers = mapped.rows.index.to_numpy()
        assert mapped.vectors.dtype == precision
        np.testing.assert_array_equal(mapped.vectors[numbers], table.vectors)


def test_a_small_table_is_read_and_a_large_one_or_a_folder_stays_on_disk(folder, monkeypatch):
    assert isinstance(open_table(folder / "0.parquet"), EmbeddingTable)
    assert isinstance(open_table(folder), MappedTable)
    monkeypatch.setattr("eumlib.embeddings.mapped_table.LARGE", 100)
    assert isinstance(open_table(folder / "0.parquet"), MappedTable)


def test_what_is_no_table_is_refused_by_name(folder, tmp_path):
    with pytest.raises(TableError, match=r"no table .*nowhere"):
        open_table(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match=r"empty holds no tables"):
        open_table(tmp_path / "empty")
    write_table(drawn_table(dim=8), folder / "3.parquet")
    with pytest.raises(TableError, match=r"3.parquet has embeddings of 8 numbers, and .*0.parquet"):
        map_table(folder)
    (folder / "3.parquet").write_bytes(b"torn")
    with pytest.raises(TableError, match=r"3.parquet is not a Parquet file"):
        map_table(folder)


def test_a_part_that_is_torn_in_the_middle_leaves_nothing_half_unpacked(folder, home):
    path = folder / "1.parquet"
    whole = bytearray(path.read_bytes())
    place = pq.ParquetFile(path).metadata.row_group(0)
    column = next(
        place.column(i)
        for i in range(place.num_columns)
        if place.column(i).path_in_schema.startswith("embedding")
    )
    start = column.data_page_offset
    whole[start : start + 40] = bytes(40)
    path.write_bytes(bytes(whole))
    with pytest.raises(TableError, match=r"1.parquet cannot be read to its end"):
        map_table(folder)
    assert not list((home / "vectors").iterdir())


def test_rows_without_a_name_or_of_another_length_are_refused_by_file(folder):
    path = folder / "1.parquet"
    arrow = pq.read_table(path)
    for name, wrong, said in (
        ("identity", pa.nulls(len(arrow), pa.string()), "have no identity"),
        ("embedding", pa.nulls(len(arrow), arrow["embedding"].type), "1.parquet has rows without"),
    ):
        place = arrow.schema.get_field_index(name)
        pq.write_table(arrow.set_column(place, arrow.schema.field(name), wrong), path)
        with pytest.raises(TableError, match=said):
            map_table(folder)
    long = drawn_table(people=2)
    long.vectors[3] *= 2
    write_table(long, path)
    with pytest.raises(TableError, match=r"1.parquet: 1 embeddings are not of length 1.* row 3"):
        map_table(folder)


def test_where_there_is_no_room_the_file_and_what_it_takes_are_named(folder, home):
    home.mkdir()
    (home / "vectors").write_text("a file in the way")
    with pytest.raises(TableError, match=r"cannot be unpacked into .*0\.0 GB: make room.*HOME"):
        map_table(folder)
