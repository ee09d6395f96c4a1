import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eumlib.datasets import (
    FACE_SETS,
    FaceSetError,
    folder_faces,
    lfw_faces,
    load_faces,
    mfr2_faces,
    orl_faces,
    synthetic_faces,
)
from eumlib.decoding import UnreadablePictureError
from eumlib.generator import generate_face

SHARED = Path(__file__).parents[2] / "shared" / "data"


def save(path, picture, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **options)
    return path


@pytest.fixture(scope="module")
def pictures():
    return [generate_face(index, seed=4) for index in range(4)]


@pytest.fixture
def root(tmp_path, pictures):
    """A folder of two people with two pictures each."""
    folder = tmp_path / "people"
    save(folder / "Bob" / "1.png", pictures[0])
    save(folder / "Ann" / "a.png", pictures[1])
    save(folder / "Ann" / "b.PNG", pictures[2])
    save(folder / "Bob" / "2.bmp", pictures[3])
    return folder


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


@pytest.mark.parametrize("count", [0, -3])
def test_a_synthetic_set_without_faces_is_refused(count):
    with pytest.raises(FaceSetError, match=f"not {count}"):
        synthetic_faces(count)


def test_a_folder_gives_each_picture_with_the_name_of_its_folder(root, pictures):
    faces = folder_faces(root)
    assert faces.name == "people"
    assert [(face.image_id, face.identity) for face in faces] == [
        ("Ann/a.png", "Ann"),
        ("Ann/b.PNG", "Ann"),
        ("Bob/1.png", "Bob"),
        ("Bob/2.bmp", "Bob"),
    ]
    assert faces.identities == ["Ann", "Bob"]
    for face, number in zip(faces, (1, 2, 0, 3), strict=True):
        np.testing.assert_array_equal(face.read(), pictures[number])


def test_a_folder_leaves_other_files_alone(root, pictures):
    before = [face.image_id for face in folder_faces(root)]
    (root / "Ann" / "notes.txt").write_text("no picture")
    save(root / "cover.png", pictures[0])
    save(root / "Ann" / "deeper" / "c.png", pictures[0])
    assert [face.image_id for face in folder_faces(root)] == before


def test_the_fingerprint_of_a_folder_changes_with_its_pictures(root, pictures):
    before = folder_faces(root).fingerprint
    assert folder_faces(root).fingerprint == before
    added = save(root / "Ann" / "c.png", pictures[3])
    assert folder_faces(root).fingerprint != before
    added.unlink()
    assert folder_faces(root).fingerprint == before
    os.utime(root / "Ann" / "a.png", ns=(1, 1))
    assert folder_faces(root).fingerprint != before


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_file_that_is_no_picture_stays_in_the_set_and_raises_when_read(content, root):
    (root / "Bob" / "3.jpg").write_bytes(content)
    faces = {face.image_id: face for face in folder_faces(root)}
    assert len(faces) == 5
    with pytest.raises(UnreadablePictureError, match=r"3\.jpg does not decode"):
        faces["Bob/3.jpg"].read()


def test_a_picture_that_has_gone_is_unreadable_by_name(root):
    faces = folder_faces(root)
    (root / "Ann" / "a.png").unlink()
    with pytest.raises(UnreadablePictureError, match=r"a\.png"):
        faces[0].read()


def test_an_empty_folder_is_refused_with_what_was_expected(tmp_path):
    with pytest.raises(FaceSetError, match=r"no pictures.*expected .*/Name/picture\.jpg") as error:
        folder_faces(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_pictures_that_lie_in_no_persons_folder_are_refused(tmp_path, pictures):
    save(tmp_path / "1.png", pictures[0])
    save(tmp_path / "2.png", pictures[1])
    with pytest.raises(FaceSetError, match=r"expected .*/Name/picture\.jpg"):
        folder_faces(tmp_path)


def test_a_folder_of_one_person_is_refused_with_what_was_expected(tmp_path, pictures):
    save(tmp_path / "Ann" / "1.png", pictures[0])
    save(tmp_path / "Ann" / "2.png", pictures[1])
    with pytest.raises(
        FaceSetError, match=r"one person only \(Ann\).*expected .*/Name/picture\.jpg"
    ):
        folder_faces(tmp_path)


def test_a_folder_that_does_not_exist_is_refused_with_the_known_sets(tmp_path):
    with pytest.raises(FaceSetError, match="orl, synthetic") as error:
        load_faces(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(error.value)


def test_links_that_lead_out_of_the_folder_are_left_alone(root, tmp_path, pictures):
    before = [face.image_id for face in folder_faces(root)]
    outside = save(tmp_path / "outside" / "secret.png", pictures[0])
    (root / "Ann" / "link.png").symlink_to(outside)
    (root / "Mallory").symlink_to(outside.parent, target_is_directory=True)
    assert [face.image_id for face in folder_faces(root)] == before


def test_links_within_the_folder_are_followed(root, pictures):
    (root / "Ann" / "link.png").symlink_to(root / "Bob" / "1.png")
    faces = {face.image_id: face for face in folder_faces(root)}
    np.testing.assert_array_equal(faces["Ann/link.png"].read(), pictures[0])


def test_load_faces_knows_names_paths_and_options(root):
    assert len(load_faces("orl")) == 400
    assert [face.image_id for face in load_faces("synthetic", count=2, seed=7)] == [
        "synthetic-7-000000",
        "synthetic-7-000001",
    ]
    assert len(load_faces(root)) == len(load_faces(str(root))) == 4


def test_an_option_that_a_set_does_not_have_is_refused(root):
    with pytest.raises(TypeError, match="count"):
        load_faces("orl", count=3)
    with pytest.raises(TypeError, match="seed"):
        load_faces(root, seed=3)


def test_a_link_that_leads_nowhere_is_kept_and_its_reading_fails_by_name(tmp_path):
    for person in ("ann", "bob"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.png").symlink_to(tmp_path / person / "gone.png")
    faces = folder_faces(tmp_path)
    assert len(faces) == 2
    with pytest.raises(UnreadablePictureError, match=r"1\.png"):
        faces[0].read()


def test_faces_can_be_sent_to_other_processes(root):
    for faces in (orl_faces(), synthetic_faces(1), folder_faces(root)):
        again = pickle.loads(pickle.dumps(faces[0]))
        np.testing.assert_array_equal(again.read(), faces[0].read())


def test_what_is_known_to_be_cropped_to_one_face_is_noted(root):
    assert orl_faces().one_face
    assert synthetic_faces(1).one_face
    assert not folder_faces(root).one_face
    assert load_faces(root, one_face=True).one_face


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
    with pytest.raises(FaceSetError, match=r"lfw\.tgz"):
        lfw_faces(tmp_path / "lfw.tgz")
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
    """Two people with and without masks, in MFR2's layout."""
    lines = []
    for name, labels in {"AnnLee": ["surgical_blue", "no-mask"], "BobDay": ["no-mask"]}.items():
        for number, label in enumerate(labels, 1):
            save(tmp_path / "mfr2" / name / f"{name}_{number:04d}.png", pictures[number])
            lines.append(f"{name}, {number}, {label}")
    (tmp_path / "mfr2" / "mfr2_labels.txt").write_text("\n".join(lines) + "\n\n")
    return tmp_path / "mfr2"


def test_labels_say_who_wears_which_mask(mfr2):
    faces = load_faces("mfr2", root=mfr2)
    assert (faces.name, faces.one_face, faces.labelled) == ("mfr2", True, True)
    assert [(face.image_id, face.identity, face.worn_mask) for face in faces] == [
        ("AnnLee/AnnLee_0001.png", "AnnLee", "surgical_blue"),
        ("AnnLee/AnnLee_0002.png", "AnnLee", None),
        ("BobDay/BobDay_0001.png", "BobDay", None),
    ]
    assert faces[0].read().shape == (288, 288, 3)


def test_any_folder_with_a_file_of_labels_is_read_so(mfr2):
    (mfr2 / "mfr2_labels.txt").rename(mfr2 / "labels.txt")
    faces = load_faces(mfr2)
    assert (faces.name, faces.one_face) == ("mfr2", False)
    assert [face.worn_mask for face in faces] == ["surgical_blue", None, None]
    before = faces.fingerprint
    text = (mfr2 / "labels.txt").read_text().replace("surgical_blue", "cloth")
    (mfr2 / "labels.txt").write_text(text)
    assert load_faces(mfr2).fingerprint != before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("BobDay 2 no-mask", "line 4: 'BobDay 2 no-mask' is not"),
        ("BobDay, two, no-mask", "line 4"),
        ("BobDay, 2,", "line 4"),
        ("BobDay, 1, cloth", "line 4: BobDay/BobDay_0001 has a label already"),
    ],
)
def test_a_line_of_labels_that_is_none_is_refused_with_its_number(line, message, mfr2):
    labels = mfr2 / "mfr2_labels.txt"
    labels.write_text(labels.read_text().strip() + f"\n{line}\n")
    with pytest.raises(FaceSetError, match=message):
        mfr2_faces(mfr2)


def test_a_picture_without_a_label_is_refused_by_name(mfr2, pictures):
    save(mfr2 / "BobDay" / "BobDay_0002.png", pictures[0])
    with pytest.raises(FaceSetError, match=r"no label for 1 pictures: BobDay/BobDay_0002"):
        mfr2_faces(mfr2)


def test_a_label_without_its_picture_stays_and_its_reading_fails(mfr2):
    (mfr2 / "BobDay" / "BobDay_0001.png").unlink()
    faces = mfr2_faces(mfr2)
    assert len(faces) == 3
    with pytest.raises(UnreadablePictureError, match="BobDay/BobDay_0001 has a label"):
        faces[2].read()


def test_mfr2_without_its_folder_or_labels_is_refused_with_what_it_is(tmp_path, root):
    for given in (None, tmp_path / "nowhere"):
        with pytest.raises(FaceSetError, match="needs the folder of the data set"):
            mfr2_faces(given)
    with pytest.raises(FaceSetError, match=r"one file of labels, .*and found 0"):
        mfr2_faces(root)
    for name in ("a_labels.txt", "b_labels.txt"):
        (root / name).write_text("")
    with pytest.raises(FaceSetError, match="and found 2"):
        load_faces(root)


def test_the_names_of_all_sets_are_known_where_one_is_not():
    assert list(FACE_SETS) == ["orl", "synthetic", "lfw", "mfr2"]
    with pytest.raises(FaceSetError, match="orl, synthetic, lfw, mfr2"):
        load_faces("olr")
