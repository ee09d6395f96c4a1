import os

import pytest
from packing import encoded, write_parquet, write_tar

from eumlib.faces import FaceSetError, folders, load_faces, packed_faces


@pytest.fixture
def folder(tmp_path, pictures):
    root = tmp_path / "shards"
    root.mkdir()
    first, second, third, fourth = map(encoded, pictures)
    write_tar(root / "b-000.tar", {"1.png": first, "1.cls": b"Ann", "2.png": second, "2.cls": b"B"})
    write_tar(root / "a-000.tar", {"Ann/3.png": third})
    write_parquet(root / "c.parquet", {"image": [fourth], "label": [4]})
    (root / "README.md").write_text("no pictures")
    (root / ".hidden.tar").write_text("no tar")
    return root


def test_a_folder_of_tars_and_parquets_is_a_face_set_by_the_names_of_its_files(folder):
    faces = load_faces(folder)
    assert faces.name == "shards"
    assert [(face.image_id, face.identity) for face in faces] == [
        ("a-000.tar/Ann/3.png", "Ann"), ("b-000.tar/1.png", "Ann"), ("b-000.tar/2.png", "B"),
        ("c.parquet/000000", "4"),
    ]  # fmt: skip
    assert not faces.one_face
    assert load_faces(folder, one_face=True).one_face


def test_its_fingerprint_changes_with_its_files(folder):
    before = packed_faces(folder).fingerprint
    assert packed_faces(folder).fingerprint == before
    os.utime(folder / "a-000.tar", ns=(1, 1))
    assert packed_faces(folder).fingerprint != before


def test_a_folder_of_people_stays_one_whatever_lies_beside_them(people_folder, folder):
    (folder / "b-000.tar").rename(people_folder / "b-000.tar")
    assert load_faces(people_folder).identities == ["Ann", "Bob"]


def test_a_compressed_tar_is_refused_by_name(folder):
    (folder / "d.tar.gz").write_bytes(b"")
    with pytest.raises(FaceSetError, match=r"d\.tar\.gz is compressed as a whole"):
        load_faces(folder)


def test_a_file_without_pictures_or_a_set_of_one_person_is_refused(folder):
    write_tar(folder / "e.tar", {"1.cls": b"Ann"})
    with pytest.raises(FaceSetError, match=r"e\.tar has no pictures; expected key\.jpg"):
        load_faces(folder)
    for name in ("b-000.tar", "c.parquet", "e.tar"):
        (folder / name).unlink()
    with pytest.raises(FaceSetError, match=r"one person only \(Ann\).*key\.jpg with"):
        load_faces(folder)


def test_many_pictures_are_announced(folder, monkeypatch, capsys):
    monkeypatch.setattr(folders, "MANY_PICTURES", 4)
    packed_faces(folder)
    assert "holds 4 pictures" in capsys.readouterr().err


def test_a_folder_that_may_not_be_listed_is_refused_as_ever(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *given: False)
    with pytest.raises(FaceSetError, match="no pictures in"):
        load_faces(folder)
