import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packing import encoded, write_parquet

from eumlib.faces import FaceSetError, UnreadablePictureError, parquet_files
from eumlib.faces.parquet_files import faces_of_parquet


def columns(pictures):
    content = [encoded(picture) for picture in pictures]
    return {"image": [*content, b"torn"], "identity": ["Ann", "Bob", "Ann", "Bob", "Cid"]}


def test_rows_are_read_from_their_row_groups(tmp_path, pictures):
    path = write_parquet(tmp_path / "a.parquet", columns(pictures) | {"other": [0.0] * 5})
    faces = faces_of_parquet(path)
    assert [(face.image_id, face.identity) for face in faces] == [
        ("a.parquet/000000", "Ann"), ("a.parquet/000001", "Bob"), ("a.parquet/000002", "Ann"),
        ("a.parquet/000003", "Bob"), ("a.parquet/000004", "Cid"),
    ]  # fmt: skip
    for number in (3, 0, 2, 1):
        np.testing.assert_array_equal(faces[number].read(), pictures[number])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(faces[1])).read(), pictures[1])
    with pytest.raises(UnreadablePictureError, match=r"^a\.parquet/000004 does not decode"):
        faces[4].read()


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_hugging_faces_structs_and_numbered_people_are_read(tmp_path, pictures, kind):
    structs = pa.array(
        [{"bytes": encoded(pictures[0]), "path": "a.png"}, {"bytes": None, "path": None}, None],
        pa.struct([("bytes", kind), ("path", pa.string())]),
    )
    path = write_parquet(tmp_path / "b.parquet", {"image": structs, "label": [7, 8, 9]})
    faces = faces_of_parquet(path)
    assert [face.identity for face in faces] == ["7", "8", "9"]
    np.testing.assert_array_equal(faces[0].read(), pictures[0])
    for face in faces[1:]:
        with pytest.raises(UnreadablePictureError, match=r"b\.parquet/00000\d has no bytes"):
            face.read()


def test_one_row_group_is_in_memory_at_a_time(tmp_path, pictures, monkeypatch):
    faces = faces_of_parquet(write_parquet(tmp_path / "c.parquet", columns(pictures)))
    groups = []
    opened = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda file, group, *given, **named: (
            groups.append(group) or opened(file, group, *given, **named)
        ),
    )
    for face in faces[:4]:
        face.read()
    assert groups == [0, 1]
    monkeypatch.setattr(parquet_files, "MOST_BYTES_AT_ONCE", 1000)
    with pytest.raises(FaceSetError, match=r"c\.parquet: row group 0 has .*row groups of some"):
        faces_of_parquet(tmp_path / "c.parquet")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"embedding": [b""], "identity": ["a"]}, "no column of pictures.*embedding, identity"),
        ({"image": ["a path"], "identity": ["a"]}, "no column of pictures"),
        ({"image": [b""], "name": ["a"]}, "does not say who is on a picture.*image, name"),
        ({"image": [b"", b""], "identity": ["a", None]}, "row 1: identity is missing"),
        ({"image": [b"", b""], "identity": ["", "a"]}, "row 0: identity is missing"),
    ],
)
def test_other_columns_are_refused_with_what_there_is(tmp_path, given, told):
    path = write_parquet(tmp_path / "d.parquet", given)
    with pytest.raises(FaceSetError, match=rf"d\.parquet.*{told}"):
        faces_of_parquet(path)


def test_a_damaged_file_is_refused_by_name(tmp_path, pictures):
    path = write_parquet(tmp_path / "e.parquet", columns(pictures))
    whole = path.read_bytes()
    last = faces_of_parquet(path)[3]
    place = pq.read_metadata(path).row_group(1).column(0).data_page_offset + 1000
    path.write_bytes(whole[:place] + b"x" * 40 + whole[place + 40 :])
    with pytest.raises(FaceSetError, match=r"e\.parquet is damaged in row group 1"):
        last.read()
    path.write_bytes(whole[:-20])
    with pytest.raises(FaceSetError, match=r"e\.parquet is not a Parquet file"):
        faces_of_parquet(path)
    path.unlink()
    with pytest.raises(FaceSetError, match=r"e\.parquet is not a Parquet file"):
        last.read()
