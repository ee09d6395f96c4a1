import io
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from odd_pictures import save, save_worn_masks

from eumlib.faces import (
    FACE_SETS,
    LFW_SHARES,
    PICTURES_A_PERSON,
    datasets,
    generate_face,
    load_faces,
    split_by_identity,
)
from eumlib.faces.datasets import (
    FaceSetError,
    folder_faces,
    lfw_faces,
    mfr2_faces,
    orl_faces,
    synthetic_faces,
)

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_orl_has_ten_pictures_each_of_forty_people():
    faces = orl_faces()
    assert len(faces) == 400
    assert len({face.image_id for face in faces}) == 400
    assert len(faces.identities) == 40
    for identity in faces.identities:
        assert sum(face.identity == identity for face in faces) == 10


def test_orl_pictures_are_the_wheels_photographs_enlarged_three_times(orl):
    pictures = [orl[number].read() for number in (0, 199, 399)]
    for picture in pictures:
        assert picture.shape == (336, 276, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 10
        assert (picture == picture[:, :, :1]).all()
    assert not np.array_equal(pictures[0], pictures[1])


def test_synthetic_faces_are_the_generators_one_an_identity():
    faces = synthetic_faces(3, seed=4)
    assert len(faces) == len(faces.identities) == 3
    for index, face in enumerate(faces):
        assert face.image_id == face.identity == f"synthetic-4-{index:06d}"
        np.testing.assert_array_equal(face.read(), generate_face(index, 4))


def test_synthetic_faces_are_the_same_again_and_a_prefix_of_more():
    few, again, more = synthetic_faces(2, 9), synthetic_faces(2, 9), synthetic_faces(5, 9)
    assert few.fingerprint == again.fingerprint != more.fingerprint
    for one, two, three in zip(few, again, more, strict=False):
        assert one.image_id == two.image_id == three.image_id
        np.testing.assert_array_equal(one.read(), two.read())
        np.testing.assert_array_equal(one.read(), three.read())


def test_synthetic_faces_of_another_seed_are_other_faces():
    one, other = synthetic_faces(1, seed=0), synthetic_faces(1, seed=1)
    assert one.fingerprint != other.fingerprint
    assert one[0].image_id != other[0].image_id
    assert not np.array_equal(one[0].read(), other[0].read())


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (-3, 0), (10**12, 0), (3, -1)])
def test_a_synthetic_set_that_cannot_be_drawn_is_refused(count, seed):
    with pytest.raises(FaceSetError, match=f"not {count} and {seed}"):
        synthetic_faces(count, seed)


def test_a_folder_that_does_not_exist_is_refused_with_the_known_sets(tmp_path):
    with pytest.raises(FaceSetError, match="orl, synthetic") as error:
        load_faces(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(error.value)


def test_load_faces_knows_names_paths_and_options(people_folder):
    assert len(load_faces("orl")) == 400
    assert [face.image_id for face in load_faces("synthetic", count=2, seed=7)] == [
        "synthetic-7-000000",
        "synthetic-7-000001",
    ]
    assert len(load_faces(people_folder)) == len(load_faces(str(people_folder))) == 4


def test_an_option_that_a_set_does_not_have_is_refused(people_folder):
    with pytest.raises(TypeError, match="count"):
        load_faces("orl", count=3)
    with pytest.raises(TypeError, match="seed"):
        load_faces(people_folder, seed=3)


def test_faces_can_be_sent_to_other_processes(people_folder):
    for faces in (orl_faces(), synthetic_faces(1), folder_faces(people_folder)):
        again = pickle.loads(pickle.dumps(faces[0]))
        np.testing.assert_array_equal(again.read(), faces[0].read())


def test_what_is_known_to_be_cropped_to_one_face_is_noted(people_folder):
    assert orl_faces().one_face
    assert synthetic_faces(1).one_face
    assert not folder_faces(people_folder).one_face
    assert load_faces(people_folder, one_face=True).one_face


@pytest.fixture
def lfw(tmp_path, pictures):
    """A folder as LFW's archive has it, a folder in which the people are."""
    for name, number in (("Ann_Lee", 1), ("Ann_Lee", 2), ("Bob_Day", 1)):
        path = tmp_path / "lfw" / "lfw-funneled" / name / f"{name}_{number:04d}.jpg"
        save(path, pictures[number])
    return tmp_path / "lfw"


def test_lfw_is_read_from_a_folder_or_an_archive_the_same(lfw, own_home, tmp_path):
    archive = tmp_path / "lfw.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(lfw / "lfw-funneled", "lfw-funneled")
    sets = [lfw_faces(lfw), lfw_faces(lfw / "lfw-funneled"), load_faces("lfw", root=archive)]
    for faces in sets:
        assert (faces.name, faces.one_face) == ("lfw", True)
        assert [(face.image_id, face.identity) for face in faces] == [
            ("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee"),
            ("Ann_Lee/Ann_Lee_0002.jpg", "Ann_Lee"),
            ("Bob_Day/Bob_Day_0001.jpg", "Bob_Day"),
        ]
        np.testing.assert_array_equal(faces[1].read(), sets[0][1].read())
    (folder,) = (own_home / "unpacked").iterdir()
    before = folder.stat().st_mtime_ns
    assert lfw_faces(archive).fingerprint == sets[2].fingerprint
    assert folder.stat().st_mtime_ns == before


def test_an_archive_that_would_write_elsewhere_is_refused_and_leaves_nothing(own_home, tmp_path):
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("../../escaped.txt")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"out"))
    with pytest.raises(FaceSetError, match=r"evil\.tar cannot be unpacked"):
        lfw_faces(archive)
    assert list((own_home / "unpacked").iterdir()) == []
    assert not list(tmp_path.rglob("escaped.txt"))


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b torn"])
def test_a_file_that_is_no_archive_is_refused_by_name(content, own_home, tmp_path):
    (tmp_path / "lfw.tgz").write_bytes(content)
    with pytest.raises(FaceSetError, match=r"lfw\.tgz") as error:
        lfw_faces(tmp_path / "lfw.tgz")
    assert "\n" not in str(error.value)
    with pytest.raises(FaceSetError, match="no folder or archive"):
        lfw_faces(tmp_path / "nowhere")


@pytest.mark.skipif(not SHARED.exists(), reason=f"no copy of LFW in {SHARED}")
def test_the_whole_of_lfw_has_its_people_and_pictures():
    faces = lfw_faces(SHARED / "lfw-deepfunneled.tar")
    assert len(faces) == 13_233
    assert len(faces.identities) == 5_749
    assert faces[0].image_id == "AJ_Cook/AJ_Cook_0001.jpg"
    assert faces[-1].read().shape == (250, 250, 3)


@pytest.fixture
def mfr2(tmp_path, pictures):
    return save_worn_masks(tmp_path / "mfr2", pictures, "mfr2_labels.txt")


def test_any_folder_with_a_file_of_labels_is_read_so(mfr2):
    (mfr2 / "mfr2_labels.txt").rename(mfr2 / "labels.txt")
    faces = load_faces(mfr2)
    assert (faces.name, faces.one_face) == ("mfr2", False)
    assert [face.worn_mask for face in faces] == ["surgical_blue", None, None]
    before = faces.fingerprint
    text = (mfr2 / "labels.txt").read_text().replace("surgical_blue", "cloth")
    (mfr2 / "labels.txt").write_text(text)
    assert load_faces(mfr2).fingerprint != before


def test_mfr2_without_its_folder_or_labels_is_refused_with_what_it_is(tmp_path, people_folder):
    for given in (None, tmp_path / "nowhere"):
        with pytest.raises(FaceSetError, match="needs the folder of the data set"):
            mfr2_faces(given)
    with pytest.raises(FaceSetError, match=r"one file of labels, .*and found 0"):
        mfr2_faces(people_folder)
    for name in ("a_labels.txt", "b_labels.txt"):
        (people_folder / name).write_text("")
    with pytest.raises(FaceSetError, match="and found 2"):
        load_faces(people_folder)


def test_the_names_of_all_sets_are_known_where_one_is_not():
    assert list(FACE_SETS) == ["orl", "synthetic", "lfw", "lfw_test", "mfr2"]
    with pytest.raises(FaceSetError, match="orl, synthetic, lfw, lfw_test, mfr2"):
        load_faces("olr")


def test_lfw_may_lie_among_other_things_as_scikit_learn_leaves_it(lfw, pictures):
    (lfw / "pairs.txt").write_text("10\t300\n")
    (lfw / "lfw-funneled" / "pairs_01.txt").write_text("300\n")
    (lfw / "joblib" / "sklearn").mkdir(parents=True)
    assert lfw_faces(lfw)[0].image_id == "Ann_Lee/Ann_Lee_0001.jpg"
    save(lfw / "lfw-deep" / "Cy" / "Cy_0001.jpg", pictures[0])
    with pytest.raises(FaceSetError, match=r"there are 2 \(lfw-deep, lfw-funneled\), give one"):
        lfw_faces(lfw)


def test_what_macos_leaves_beside_lfw_is_not_taken_for_it(lfw):
    side = b"\x00\x05\x16\x07"
    for folder in (lfw / "__MACOSX" / "lfw-funneled" / "Ann_Lee", lfw / "other" / "Ann_Lee"):
        folder.mkdir(parents=True)
        (folder / "._Ann_Lee_0001.jpg").write_bytes(side)
    (lfw / "__MACOSX" / "Ann_Lee").mkdir()
    (lfw / "__MACOSX" / "Ann_Lee" / "Ann_Lee_0001.jpg").write_bytes(side)
    (lfw / "lfw-funneled" / "Ann_Lee" / "._Ann_Lee_0001.jpg").write_bytes(side)
    faces = lfw_faces(lfw)
    assert len(faces) == 3
    assert not faces.passed_over


@pytest.mark.skipif(sys.platform == "win32", reason="permissions and limits of POSIX")
def test_an_unpacked_archive_is_open_to_others_and_a_full_disk_is_named(lfw, own_home, tmp_path):
    archive = tmp_path / "lfw.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(lfw / "lfw-funneled", "lfw-funneled")
    code = (
        "import resource, sys; from eumlib.faces import FaceSetError, load_faces\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try: load_faces('lfw', root=sys.argv[1])\n"
        "except FaceSetError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(archive)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "lfw.tar cannot be unpacked into" in told
    assert "make room on its disk, or name another one in EUMLIB_HOME\n" in told
    assert list((own_home / "unpacked").iterdir()) == []
    lfw_faces(archive)
    (folder,) = (own_home / "unpacked").iterdir()
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_pipe_is_no_archive_and_not_waited_for(tmp_path, own_home):
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(FaceSetError, match=r"no folder or archive .*pipe\.tar that can be read"):
        lfw_faces(tmp_path / "pipe.tar")


def test_a_folder_that_is_not_lfw_is_refused_with_what_was_expected(people_folder):
    with pytest.raises(FaceSetError, match=r"is not LFW: expected Name/Name_0001\.jpg"):
        lfw_faces(people_folder)


def test_without_a_root_lfw_is_the_users_own_copy_where_a_variable_names_it(lfw, monkeypatch):
    monkeypatch.setenv("EUMLIB_LFW", str(lfw))
    assert load_faces("lfw").fingerprint == lfw_faces(lfw).fingerprint
    monkeypatch.setenv("EUMLIB_LFW", str(lfw / "nowhere"))
    with pytest.raises(FaceSetError, match=r"nowhere .*; without a root and EUMLIB_LFW"):
        load_faces("lfw")


def test_the_test_people_of_lfw_are_those_of_the_study(tmp_path, pictures):
    for number in range(20):
        for place in range(1, 13):
            save(tmp_path / f"P_{number:02d}" / f"P_{number:02d}_{place:04d}.jpg", pictures[0])
    everyone, test = lfw_faces(tmp_path), load_faces("lfw_test", root=tmp_path)
    part = split_by_identity(everyone.identities, LFW_SHARES)
    assert 0 < len(test.identities) < 20
    assert test.identities == [
        n for n, p in zip(everyone.identities, part, strict=True) if p == "test"
    ]
    assert len(test) == PICTURES_A_PERSON * len(test.identities)
    assert test.fingerprint != everyone.fingerprint


def test_without_a_root_lfw_is_fetched(lfw, own_home, tmp_path, monkeypatch):
    monkeypatch.delenv("EUMLIB_LFW", raising=False)
    with tarfile.open(tmp_path / "fetched.tgz", "w:gz") as tar:
        tar.add(lfw / "lfw-funneled", "lfw_funneled")
    monkeypatch.setattr(datasets, "fetch", {"lfw-funneled.tgz": tmp_path / "fetched.tgz"}.get)
    assert len(load_faces("lfw")) == 3


@pytest.mark.parametrize("suffix", ["tar", "tgz"])
@pytest.mark.parametrize("damage", ["cut between members", "cut", "overwritten"])
def test_half_an_archive_is_refused_and_leaves_nothing(suffix, damage, lfw, own_home, tmp_path):
    archive = tmp_path / f"lfw.{suffix}"
    with tarfile.open(archive, "w:gz" if suffix == "tgz" else "w") as tar:
        tar.add(lfw / "lfw-funneled", "lfw-funneled")
    with tarfile.open(archive) as tar:
        last = tar.getmembers()[-1].offset
    content = bytearray(archive.read_bytes())
    middle = last if suffix == "tar" else len(content) // 2
    if damage == "overwritten":
        content[middle : middle + 512] = b"x" * 512
    else:
        del content[middle + (damage == "cut") * 700 :]
    archive.write_bytes(content)
    with pytest.raises(FaceSetError, match=rf"lfw\.{suffix} cannot be unpacked"):
        lfw_faces(archive)
    assert list((own_home / "unpacked").iterdir()) == []
