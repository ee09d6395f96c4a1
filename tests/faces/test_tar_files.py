import io
import json
import os
import pickle
import tarfile

import numpy as np
import pytest
from packing import encoded, write_tar

from eumlib.faces import FaceSetError, UnreadablePictureError
from eumlib.faces.tar_files import faces_of_tar


@pytest.fixture
def path(tmp_path, pictures):
    """A tar of WebDataset's kind: who it is stands in members of three kinds."""
    return write_tar(
        tmp_path / "a.tar",
        {
            "0001.jpg": encoded(pictures[0], "JPEG"),
            "0001.cls": b"17\n",
            "0001.txt": b"a caption\nof two lines",
            "0002.json": json.dumps({"identity": "Ann", "label": 3}).encode(),
            "0002.png": encoded(pictures[1]),
            "deep/0003.left.png": encoded(pictures[2]),
            "deep/0003.txt": "Bob Ñ".encode(),
            "._0001.jpg": b"what macOS leaves",
            "0004.npy": b"something else",
        },
    )


def test_members_are_read_where_they_lie_as_tarfile_reads_them(path, pictures):
    faces = faces_of_tar(path)
    assert [(face.image_id, face.identity) for face in faces] == [
        ("a.tar/0001.jpg", "17"), ("a.tar/0002.png", "Ann"), ("a.tar/deep/0003.left.png", "Bob Ñ"),
    ]  # fmt: skip
    with tarfile.open(path) as tar:
        for face in faces:
            name = face.image_id.removeprefix("a.tar/")
            with open(path, "rb") as packed:
                assert face.read.content_in(packed) == tar.extractfile(name).read()
    np.testing.assert_array_equal(faces[1].read(), pictures[1])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(faces[2])).read(), pictures[2])
    assert os.listdir(path.parent) == ["a.tar"]


def test_a_folder_a_person_says_who_it_is(tmp_path, pictures):
    members = {f"./lfw/{name}/1.png": encoded(pictures[0]) for name in ("Ann", "Bob")}
    faces = faces_of_tar(write_tar(tmp_path / "b.tar", members))
    assert [face.identity for face in faces] == ["Ann", "Bob"]


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_come_in_every_format(tmp_path, pictures, kind):
    name = "/".join(("x" * 80, "y" * 80, "Ann", "1.png"))
    path = write_tar(tmp_path / "c.tar", {name: encoded(pictures[3])}, kind)
    (face,) = faces_of_tar(path)
    assert (face.image_id, face.identity) == (f"c.tar/{name}", "Ann")
    np.testing.assert_array_equal(face.read(), pictures[3])


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"1.jpg": b""}, r"who is on 1\.jpg\?"),
        ({"1.jpg": b"", "1.cls": b" "}, r"1\.cls does not say who"),
        ({"1.jpg": b"", "1.txt": b"a\nb"}, r"1\.txt does not say who"),
        ({"1.jpg": b"", "1.txt": b"\xff"}, r"1\.txt does not say who"),
        ({"1.jpg": b"", "1.json": b"{"}, r"1\.json does not say who"),
        ({"1.jpg": b"", "1.json": b"[1]"}, r"1\.json does not say who"),
        ({"1.jpg": b"", "1.json": b'{"name": 1}'}, r"1\.json does not say who"),
        ({"1.jpg": b"", "1.txt": b"a" * ((1 << 20) + 1)}, r"1\.txt does not say who.*1048577"),
    ],
)
def test_a_picture_of_nobody_is_refused_with_its_file(tmp_path, members, told):
    path = write_tar(tmp_path / "d.tar", members)
    with pytest.raises(FaceSetError, match=rf"d\.tar: .*{told}"):
        faces_of_tar(path)


def test_a_picture_that_does_not_decode_raises_when_it_is_read(tmp_path, pictures):
    members = {"Ann/1.png": b"torn", "Ann/2.heic": b"", "Ann/3.png": encoded(pictures[0])}
    torn, unread, whole = faces_of_tar(write_tar(tmp_path / "e.tar", members))
    for face, name in ((torn, "1.png"), (unread, "2.heic")):
        with pytest.raises(UnreadablePictureError, match=f"^{name} does not decode"):
            face.read()
    assert whole.read().shape == pictures[0].shape


def places(path):
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda b, at: b[: at["0002.png"].offset_data + 9], r"a\.tar .*middle of 0002\.png"),
        (lambda b, at: b[: at["0002.png"].offset], r"a\.tar .*behind 0002\.json"),
        (
            lambda b, at: b.replace(b[at["0002.png"].offset :][:512], b"x" * 512),
            r"a\.tar .*behind 0002\.json",
        ),
        (lambda b, at: b"x" * 2000, r"a\.tar is not a tar file"),
        (lambda b, at: b"", r"a\.tar is not a tar file"),
        (lambda b, at: b[: at["0004.npy"].offset + 1024], r"a\.tar .*behind 0004\.npy"),
    ],
)
def test_a_damaged_tar_is_refused_with_its_name_and_a_member(path, damage, told):
    path.write_bytes(damage(path.read_bytes(), places(path)))
    with pytest.raises(FaceSetError, match=told):
        faces_of_tar(path)


def test_a_tar_that_changes_after_it_was_listed_is_no_failure_to_acquire(path):
    last = faces_of_tar(path)[-1]
    os.truncate(path, 1000)
    with pytest.raises(FaceSetError, match=r"a\.tar ends in the middle of deep/0003\.left\.png"):
        last.read()
    path.unlink()
    with pytest.raises(FaceSetError, match=r"a\.tar, deep/0003\.left\.png cannot be read"):
        last.read()


def test_two_members_of_one_name_are_refused(path, pictures):
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("0002.png"), io.BytesIO())
    with pytest.raises(FaceSetError, match=r"a\.tar has two members 0002\.png"):
        faces_of_tar(path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    path = write_tar(tmp_path / "f.tar", {os.fsdecode(b"Ann/\xff.png"): b""}, tarfile.GNU_FORMAT)
    with pytest.raises(FaceSetError, match=r"f\.tar has a name that is not UTF-8"):
        faces_of_tar(path)
