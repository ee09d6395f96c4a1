import os

import numpy as np
import pytest
from odd_pictures import save, save_worn_masks

from eumlib.faces import FaceSetError, UnreadablePictureError, folder_faces, folders, labelled_faces
from eumlib.faces.folders import pictures_below


def test_a_folder_gives_each_picture_with_the_name_of_its_folder(people_folder, pictures):
    faces = folder_faces(people_folder)
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


def test_a_folder_leaves_other_files_alone(people_folder, pictures):
    before = [face.image_id for face in folder_faces(people_folder)]
    (people_folder / "Ann" / "notes.txt").write_text("no picture")
    save(people_folder / "cover.png", pictures[0])
    save(people_folder / "Ann" / "deeper" / "c.png", pictures[0])
    assert [face.image_id for face in folder_faces(people_folder)] == before


def test_the_fingerprint_of_a_folder_changes_with_its_pictures(people_folder, pictures):
    before = folder_faces(people_folder).fingerprint
    assert folder_faces(people_folder).fingerprint == before
    added = save(people_folder / "Ann" / "c.png", pictures[3])
    assert folder_faces(people_folder).fingerprint != before
    added.unlink()
    assert folder_faces(people_folder).fingerprint == before
    os.utime(people_folder / "Ann" / "a.png", ns=(1, 1))
    assert folder_faces(people_folder).fingerprint != before


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_file_that_is_no_picture_stays_in_the_set_and_raises_when_read(content, people_folder):
    (people_folder / "Bob" / "3.jpg").write_bytes(content)
    faces = {face.image_id: face for face in folder_faces(people_folder)}
    assert len(faces) == 5
    with pytest.raises(UnreadablePictureError, match=r"3\.jpg does not decode"):
        faces["Bob/3.jpg"].read()


def test_a_photograph_of_a_kind_that_is_not_decoded_is_counted_too(people_folder):
    (people_folder / "Ann" / "c.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (face,) = [face for face in folder_faces(people_folder) if face.image_id == "Ann/c.HEIC"]
    with pytest.raises(UnreadablePictureError, match=r"c\.HEIC does not decode"):
        face.read()


def test_a_picture_that_has_gone_is_unreadable_by_name(people_folder):
    faces = folder_faces(people_folder)
    (people_folder / "Ann" / "a.png").unlink()
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


def test_links_that_lead_out_of_the_folder_are_left_alone(people_folder, tmp_path, pictures):
    before = [face.image_id for face in folder_faces(people_folder)]
    outside = save(tmp_path / "outside" / "secret.png", pictures[0])
    (people_folder / "Ann" / "link.png").symlink_to(outside)
    (people_folder / "Mallory").symlink_to(outside.parent, target_is_directory=True)
    assert [face.image_id for face in folder_faces(people_folder)] == before


def test_links_within_the_folder_are_followed(people_folder, pictures):
    (people_folder / "Ann" / "link.png").symlink_to(people_folder / "Bob" / "1.png")
    faces = {face.image_id: face for face in folder_faces(people_folder)}
    np.testing.assert_array_equal(faces["Ann/link.png"].read(), pictures[0])


def test_a_link_that_leads_nowhere_is_kept_and_its_reading_fails_by_name(tmp_path):
    for person in ("ann", "bob"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.png").symlink_to(tmp_path / person / "gone.png")
    faces = folder_faces(tmp_path)
    assert len(faces) == 2
    with pytest.raises(UnreadablePictureError, match=r"1\.png"):
        faces[0].read()


def test_hidden_files_and_folders_are_left_alone(people_folder, pictures):
    before = [face.image_id for face in folder_faces(people_folder)]
    save(people_folder / ".thumbnails" / "a.png", pictures[0])
    (people_folder / "Ann" / "._a.png").write_bytes(b"what macOS leaves on other people's disks")
    assert [face.image_id for face in folder_faces(people_folder)] == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_only_regular_files_are_pictures(people_folder):
    before = [face.image_id for face in folder_faces(people_folder)]
    os.mkfifo(people_folder / "Ann" / "pipe.png")
    (people_folder / "Ann" / "piped.png").symlink_to(people_folder / "Ann" / "pipe.png")
    (people_folder / "Ann" / "folder.png").mkdir()
    assert [face.image_id for face in folder_faces(people_folder)] == before


def test_the_order_is_that_of_names_and_keeps_people_together(tmp_path, pictures):
    for image_id in ("Ann-Lee/1.png", "Ann/2.png", "Ann/10.png", "Ann.B/1.png", "ann/1.png"):
        save(tmp_path / image_id, pictures[0][:8, :8])
    assert [face.image_id for face in folder_faces(tmp_path)] == [
        "Ann/10.png", "Ann/2.png", "Ann-Lee/1.png", "Ann.B/1.png", "ann/1.png",
    ]  # fmt: skip


def test_a_list_of_pictures_agrees_with_a_slow_one(people_folder):
    (people_folder / "Cy").symlink_to(people_folder / "Bob", target_is_directory=True)
    slow = [
        (path.parent.name, path.name, path, path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(people_folder.glob("*/*"))
    ]
    assert len(slow) == 6
    assert pictures_below(people_folder) == (slow, [])


def test_a_name_that_no_table_could_hold_is_refused(people_folder):
    os.mkdir(os.fsencode(people_folder) + b"/Zo\xeb")
    with open(os.fsencode(people_folder) + b"/Zo\xeb/1.png", "wb") as file:
        file.write(b"")
    with pytest.raises(FaceSetError, match=r"not UTF-8, rename it: 'Zo\\udceb/1\.png'"):
        folder_faces(people_folder)


def test_that_there_is_very_much_to_do_is_said(people_folder, monkeypatch, capsys):
    folder_faces(people_folder)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(folders, "MANY_PICTURES", 4)
    folder_faces(people_folder)
    assert "holds 4 pictures. Embedding them takes hours" in capsys.readouterr().err


@pytest.fixture
def labelled(tmp_path, pictures):
    return save_worn_masks(tmp_path / "worn", pictures, "labels.txt")


def test_labels_say_who_wears_which_mask(labelled):
    faces = labelled_faces(labelled)
    assert (faces.name, faces.one_face, faces.labelled) == ("worn", False, True)
    assert [(face.image_id, face.identity, face.worn_mask) for face in faces] == [
        ("AnnLee/AnnLee_0001.png", "AnnLee", "surgical_blue"),
        ("AnnLee/AnnLee_0002.png", "AnnLee", None),
        ("BobDay/BobDay_0001.png", "BobDay", None),
    ]
    assert faces[0].read().shape == (288, 288, 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("BobDay 2 no-mask", "expected 'Name, 1, surgical_blue'"),
        ("BobDay, two, no-mask", "expected"),
        ("BobDay, 2,", "expected"),
        ("BobDay, 2, cloth, blue", "expected"),
        ("BobDay, \u00b2, cloth", "expected"),
        ("BobDay, 1, cloth", "BobDay/BobDay_0001 has a label already"),
    ],
)
def test_a_line_of_labels_that_is_none_is_refused_with_its_number(line, message, labelled):
    labels = labelled / "labels.txt"
    labels.write_text(labels.read_text().strip() + f"\n{line}\n")
    with pytest.raises(FaceSetError, match=rf"labels\.txt, line 4: '{line}': {message}"):
        labelled_faces(labelled)


def test_a_picture_without_a_label_is_refused_by_name(labelled, pictures):
    save(labelled / "BobDay" / "BobDay_0002.png", pictures[0])
    with pytest.raises(FaceSetError, match=r"no label for 1 of 4 .*: BobDay/BobDay_0002\.png; add"):
        labelled_faces(labelled)


def test_a_label_without_its_picture_stays_and_its_reading_fails(labelled):
    (labelled / "BobDay" / "BobDay_0001.png").unlink()
    faces = labelled_faces(labelled)
    assert len(faces) == 3
    with pytest.raises(UnreadablePictureError, match="BobDay/BobDay_0001 has a label"):
        faces[2].read()


def test_a_label_counts_for_pictures_of_any_suffix_but_not_for_two(labelled, pictures):
    (labelled / "BobDay" / "BobDay_0001.png").unlink()
    save(labelled / "BobDay" / "BobDay_0001.JPG", pictures[0], format="JPEG")
    assert labelled_faces(labelled)[2].image_id == "BobDay/BobDay_0001.JPG"
    save(labelled / "BobDay" / "BobDay_0001.bmp", pictures[0])
    with pytest.raises(FaceSetError, match=r"BobDay_0001\..* and BobDay_0001\..*one label"):
        labelled_faces(labelled)


@pytest.mark.parametrize("bare", ["no-mask", "No-Mask", "no_mask", "no mask", "nomask"])
def test_a_bare_face_is_told_however_its_label_is_spelt(bare, labelled):
    labels = labelled / "labels.txt"
    labels.write_text(labels.read_text().replace("no-mask", bare))
    assert [face.worn_mask for face in labelled_faces(labelled)] == ["surgical_blue", None, None]


def test_a_set_is_labelled_even_where_nobody_wears_a_mask(labelled, people_folder):
    labels = labelled / "labels.txt"
    labels.write_text(labels.read_text().replace("surgical_blue", "no-mask"))
    faces = labelled_faces(labelled)
    assert faces.labelled
    assert not any(face.worn_mask for face in faces)
    assert not folder_faces(people_folder).labelled


def test_labels_change_the_fingerprint(labelled):
    before = labelled_faces(labelled).fingerprint
    labels = labelled / "labels.txt"
    labels.write_text(labels.read_text().replace("surgical_blue", "cloth"))
    assert labelled_faces(labelled).fingerprint != before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"", "no label for 3 of 3 pictures: AnnLee/AnnLee_0001.png, "),
    ],
)
def test_a_file_that_holds_no_labels_is_refused(content, message, labelled):
    (labelled / "labels.txt").write_bytes(content)
    with pytest.raises(FaceSetError, match=message):
        labelled_faces(labelled)


def test_there_must_be_one_file_of_labels_and_two_people(labelled):
    (labelled / "more_labels.txt").write_text("")
    with pytest.raises(FaceSetError, match=r"found 2 \(labels\.txt, more_labels\.txt\)"):
        labelled_faces(labelled)
    (labelled / "labels.txt").unlink()
    for picture in (labelled / "BobDay").iterdir():
        picture.unlink()
    (labelled / "more_labels.txt").write_text("AnnLee, 1, cloth\nAnnLee, 2, no-mask\n")
    with pytest.raises(FaceSetError, match=r"one person only \(AnnLee\)"):
        labelled_faces(labelled)
    (labelled / "more_labels.txt").unlink()
    with pytest.raises(FaceSetError, match=r"one file of labels, .*and found 0;.*no-mask"):
        labelled_faces(labelled)


def test_a_hidden_file_of_labels_is_left_alone(labelled):
    (labelled / "._labels.txt").write_bytes(b"\x00\x05\x16\x07")
    assert len(labelled_faces(labelled)) == 3
    (labelled / "labels.txt").unlink()
    assert not folders.has_labels(labelled)
