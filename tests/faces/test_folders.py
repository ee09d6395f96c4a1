import os
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_pictures import packed, save, save_worn_masks
from PIL import Image

from eumlib.faces import (
    FaceSetError,
    UnreadablePictureError,
    folder_faces,
    folders,
    labelled_faces,
    load_faces,
)
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


def ids(faces):
    return [face.image_id for face in faces]


def test_what_is_no_picture_of_a_person_is_passed_over_and_said(people_folder, pictures):
    before = ids(folder_faces(people_folder))
    assert folder_faces(people_folder).passed_over == ()
    (people_folder / "Ann" / "notes.txt").write_text("no picture")
    (people_folder / "Ann" / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    save(people_folder / "cover.png", pictures[0])
    save(people_folder / "cover", pictures[0], format="JPEG")
    (people_folder / "pairs.txt").write_text("Ann 1 2")
    save(people_folder / "Ann" / "deeper" / "c.png", pictures[0])
    (people_folder / "Ann" / "nowhere").symlink_to("gone")
    faces = folder_faces(people_folder)
    assert ids(faces) == before
    assert faces.passed_over == (
        ("Ann/clip.mp4", "not a picture"),
        ("Ann/deeper", "folder in a person's folder"),
        ("Ann/notes.txt", "not a picture"),
        ("Ann/nowhere", "link that leads nowhere"),
        ("cover", "picture in no person's folder"),
        ("cover.png", "picture in no person's folder"),
    )


@pytest.mark.parametrize(
    "name",
    ["1.jfif", "1.JFIF", "1.jpe", "1.jif", "1.mpo", "1", "IMG_1.JPG_large", "1.jpg~", "1.jpeg.1"],
)
def test_a_photograph_is_taken_under_any_suffix_or_none(name, people_folder, pictures):
    (people_folder / "Ann" / name).write_bytes(packed(Image.fromarray(pictures[0]), "JPEG"))
    faces = folder_faces(people_folder)
    assert not faces.passed_over
    (face,) = [face for face in faces if face.image_id == f"Ann/{name}"]
    assert np.abs(face.read().astype(int) - pictures[0]).mean() < 10


@pytest.mark.parametrize("form", ["BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP", "MPO"])
def test_a_photograph_of_any_format_is_known_without_a_suffix(form, people_folder, pictures):
    content = packed(Image.fromarray(pictures[0]), form)
    (people_folder / "Ann" / "photograph").write_bytes(content)
    assert "Ann/photograph" in ids(folder_faces(people_folder))


@pytest.mark.parametrize(
    "name", ["a.cr3", "a.RAF", "a.orf", "a.rw2", "a.jxl", "a.hif", "a.jp2", "a.tga", "heic"]
)
def test_a_photograph_that_is_not_decoded_is_counted_as_unreadable(name, people_folder):
    (people_folder / "Ann" / name).write_bytes(b"\0\0\0\x18ftypheic")
    faces = {face.image_id: face for face in folder_faces(people_folder)}
    with pytest.raises(UnreadablePictureError, match=f"{name} does not decode"):
        faces[f"Ann/{name}"].read()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="a user who may read all")
def test_what_cannot_be_looked_at_is_passed_over_with_the_reason(people_folder):
    (people_folder / "Ann" / "secret").write_text("?")
    (people_folder / "Ann" / "secret").chmod(0)
    (passed,) = folder_faces(people_folder).passed_over
    assert "Permission denied" in passed.reason


def test_where_nothing_is_taken_the_error_says_what_was_passed_over(tmp_path, pictures):
    stored = save(tmp_path / "store" / "1.png", pictures[0])
    for person in ("Ann", "Bob"):
        (tmp_path / "linked" / person).mkdir(parents=True)
        (tmp_path / "linked" / person / "1.png").symlink_to(stored)
    with pytest.raises(FaceSetError, match=r"no pictures.*link that leads out.*: 2 × Ann/1\.png"):
        folder_faces(tmp_path / "linked")


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


def test_links_that_lead_out_of_the_folder_are_passed_over_and_said(
    people_folder, tmp_path, pictures
):
    before = ids(folder_faces(people_folder))
    outside = save(tmp_path / "outside" / "secret.png", pictures[0])
    (people_folder / "Ann" / "link.png").symlink_to(outside)
    (people_folder / "Mallory").symlink_to(outside.parent, target_is_directory=True)
    faces = folder_faces(people_folder)
    assert ids(faces) == before
    assert [name for name, reason in faces.passed_over if "leads out" in reason] == [
        "Ann/link.png",
        "Mallory",
    ]


def test_circles_of_links_stop_nothing(people_folder):
    before = ids(folder_faces(people_folder))
    (people_folder / "Ann" / "circle").symlink_to("circle")
    (people_folder / "Ann" / "up").symlink_to("..", target_is_directory=True)
    (people_folder / "here").symlink_to(".", target_is_directory=True)
    (people_folder / "round").symlink_to("round")
    faces = folder_faces(people_folder)
    assert ids(faces) == before
    assert dict(faces.passed_over)["Ann/circle"] == "link that leads nowhere"
    (people_folder / "Ann" / "circle.png").symlink_to("circle.png")
    (face,) = [face for face in folder_faces(people_folder) if "circle" in face.image_id]
    with pytest.raises(UnreadablePictureError, match=r"circle\.png does not decode"):
        face.read()
    with pytest.raises(FaceSetError, match="symbolic links"):
        folder_faces(people_folder / "round")


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
    save(people_folder / "__MACOSX" / "Ann" / "._a.png", pictures[0])
    (people_folder / "Ann" / ".circle").symlink_to(".circle")
    faces = folder_faces(people_folder)
    assert ids(faces) == before
    assert not faces.passed_over


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_only_regular_files_are_pictures(people_folder):
    before = [face.image_id for face in folder_faces(people_folder)]
    os.mkfifo(people_folder / "Ann" / "pipe.png")
    (people_folder / "Ann" / "piped.png").symlink_to(people_folder / "Ann" / "pipe.png")
    (people_folder / "Ann" / "folder.png").mkdir()
    faces = folder_faces(people_folder)
    assert ids(faces) == before
    assert dict(faces.passed_over) == {
        "Ann/folder.png": "folder in a person's folder",
        "Ann/pipe.png": "pipe, socket or device",
        "Ann/piped.png": "pipe, socket or device",
    }


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


@pytest.fixture
def twice(tmp_path, pictures):
    """One person under the two Unicode forms of her name, and another."""
    for form, number in (("NFC", 1), ("NFD", 2)):
        save(tmp_path / unicodedata.normalize(form, "Zoë") / f"é{number}.png", pictures[number])
    save(tmp_path / "Bob" / unicodedata.normalize("NFD", "é.png"), pictures[0])
    return tmp_path


def test_names_that_differ_in_their_unicode_form_are_one_person(twice, pictures):
    faces = folder_faces(twice)
    assert faces.identities == ["Bob", "Zoë"]
    assert ids(faces) == ["Bob/é.png", "Zoë/é1.png", "Zoë/é2.png"]
    for face, number in zip(faces, (0, 1, 2), strict=True):
        np.testing.assert_array_equal(face.read(), pictures[number])


def test_one_person_in_two_forms_is_one_person_only(twice):
    (twice / "Bob" / unicodedata.normalize("NFD", "é.png")).unlink()
    with pytest.raises(FaceSetError, match=r"one person only \(Zoë\)"):
        folder_faces(twice)


def test_two_pictures_that_would_have_one_name_are_refused(twice, pictures):
    save(twice / unicodedata.normalize("NFD", "Zoë") / "é1.png", pictures[3])
    with pytest.raises(FaceSetError, match=r"two files are Zoë/é1\.png but for their Unicode form"):
        folder_faces(twice)


def put(kind, path, content):
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no picture")
    elif kind == "picture":
        path.write_bytes(content)
    elif kind == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(path)
    else:
        path.symlink_to(
            {"circle": path, "outside": "/", "inside": "../Bob/1.png"}.get(kind, "gone")
        )


KINDS = ["picture", "text", "folder", "pipe", "circle", "outside", "inside", "nowhere"]
ODD_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20
).filter(lambda name: name not in (".", "..")) | st.sampled_from(
    [
        "1.jpg",
        "2.JFIF",
        "Zoë",
        "Zoe\u0308",
        "con.png",
        "a.heic",
        ".hidden",
        "b.txt",
        "\n",
        "\x1b[2J",
    ]
)


@given(st.dictionaries(ODD_NAMES, st.sampled_from(KINDS), max_size=8))
def test_all_that_is_not_hidden_is_taken_or_passed_over_whatever_it_is(entries):
    content = packed(Image.new("L", (9, 9)), "PNG")
    with tempfile.TemporaryDirectory() as root:
        for person in ("Ann", "Bob"):
            (Path(root) / person).mkdir()
            (Path(root) / person / "1.png").write_bytes(content)
        for name, kind in entries.items():
            if name != "1.png":
                put(kind, Path(root) / "Ann" / name, content)
        listed = [n for n in os.listdir(Path(root) / "Ann") if not n.startswith((".", "__MACOSX"))]
        expected = sorted(f"Ann/{unicodedata.normalize('NFC', name)}" for name in listed)
        if len(set(expected)) < len(expected):
            return  # two of one name, whose refusal has a test of its own
        faces = folder_faces(root)
        found = [*ids(faces), *(name for name, _ in faces.passed_over)]
        assert sorted(name for name in found if name != "Bob/1.png") == expected
        for face in faces:
            kind = entries.get(os.path.basename(face.image_id), "picture")
            if kind in ("picture", "inside"):
                assert face.read().shape == (243, 243, 3)


def test_a_disk_without_a_name_of_its_own_gives_the_set_one():
    assert folders._name(Path("/")) == "faces"


def test_a_folder_that_is_none_is_refused_with_the_reason(tmp_path, people_folder):
    for path, reason in {
        tmp_path / "nowhere": "no folder",
        people_folder / "Ann" / "a.png": "is not a folder",
        people_folder / "Ann" / "a.png" / "deeper": "Not a directory",
        tmp_path / ("n" * 300): "name too long",
    }.items():
        for read in (folder_faces, labelled_faces):
            with pytest.raises(FaceSetError, match=reason) as error:
                read(path)
            assert "\n" not in str(error.value)


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
        (b"\xff\xfe\x00", "not a text file in UTF-8 or UTF-16"),
        ("AnnLee, 1, né-mask".encode("cp1252"), "save it as UTF-8"),
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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_labels_may_be_in_another_encoding_case_or_unicode_form(encoding, labelled, pictures):
    text = (labelled / "labels.txt").read_text() + "Zoë, 1, no-mask\n"
    (labelled / "labels.txt").unlink()
    composed, apart = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    save(labelled / apart / f"{composed}_0001.png", pictures[0])
    for form in ("NFC", "NFD"):
        encoded = unicodedata.normalize(form, text).encode(encoding)
        (labelled / "MFR2_Labels.TXT").write_bytes(encoded)
        assert folders.has_labels(labelled)
        face = labelled_faces(labelled)[-1]
        assert (face.image_id, face.identity) == ("Zoë/Zoë_0001.png", "Zoë")
        assert face.read().shape == (288, 288, 3)


@pytest.mark.parametrize(
    "classes",
    ["0 AnnLee\n1 BobDay\n", "AnnLee\nBobDay\n", "0: AnnLee\n1: BobDay\n", "AnnLee,0\nBobDay,1",
     "AnnLee\t0\nBobDay\t1", "0 Ann Lee\n1 Bob Day\n", "AnnLee/AnnLee_0001.png 0\n", "0\n1\n"],
)  # fmt: skip
def test_a_list_of_classes_called_labels_stops_no_folder_and_is_said(classes, labelled):
    worn = labelled_faces(labelled)
    (labelled / "labels.txt").rename(labelled / "mfr2_labels.txt")
    (labelled / "labels.txt").write_text(classes)
    faces = load_faces(labelled)  # beside labels of masks
    assert [face.worn_mask for face in faces] == [face.worn_mask for face in worn]
    assert faces.passed_over == (("labels.txt", "not read as labels of masks"),)
    (labelled / "mfr2_labels.txt").unlink()
    faces = load_faces(labelled)  # alone
    assert not faces.labelled
    assert len(faces) == 3
    assert faces.passed_over == (("labels.txt", "not read as labels of masks"),)
    with pytest.raises(FaceSetError, match=r"labels\.txt, line 1: "):
        labelled_faces(labelled)


@pytest.mark.parametrize(
    "line",
    ["AnnLee;1;surgical_blue", "AnnLee 1 surgical_blue", "AnnLee\t1\tcloth", "AnnLee_0001 no-mask",
     "AnnLee, one, cloth", "surgical mask", "AnnLee_0001.png,masked"],
)  # fmt: skip
def test_labels_of_masks_in_another_shape_are_refused_and_not_taken_for_classes(line, labelled):
    (labelled / "labels.txt").write_text(f"{line}\n")
    with pytest.raises(FaceSetError, match=r"line 1: .* rename the file if it is something else"):
        load_faces(labelled)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_labels_that_are_no_file_are_not_waited_for(people_folder):
    os.mkfifo(people_folder / "pipe_labels.txt")
    (people_folder / "circle_labels.txt").symlink_to("circle_labels.txt")
    (people_folder / "folder_labels.txt").mkdir()
    assert len(load_faces(people_folder)) == 4


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)
MASKS = st.sampled_from(["no-mask", "surgical_blue", "cloth", "Ü 3"])


@pytest.fixture(scope="module")
def two_folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("labelled")
    for person in ("Ann", "Bob"):
        save(root / person / f"{person}_0001.png", np.zeros((9, 9, 3), np.uint8))
    return root


@given(
    st.lists(st.tuples(NAMES, st.integers(0, 99_999), MASKS), max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([",", ", ", " ,\t"]),
)
def test_labels_are_read_as_they_were_written_or_refused_in_a_line(
    two_folders, labels, encoding, end, comma
):
    """What was written is what a plain loop over the lines says; names of any kind may not do."""
    labels = [("Ann", 1, "cloth"), ("Bob", 1, "no-mask"), *labels]
    text = end.join(comma.join(map(str, label)) for label in labels) + end
    (two_folders / "labels.txt").write_bytes(text.encode(encoding))
    expected = {}
    for name, number, mask in labels:
        person = unicodedata.normalize("NFC", name).strip()
        expected[f"{person}/{person}_{number:04d}"] = (person, None if mask == "no-mask" else mask)
    plain = all(set(name).isdisjoint(",\n\r") and name.strip() for name, _, _ in labels)
    if plain and len(expected) == len(labels):
        faces = labelled_faces(two_folders)
        assert {os.path.splitext(f.image_id)[0] if f.identity in ("Ann", "Bob") else f.image_id: (
            f.identity, f.worn_mask) for f in faces} == expected  # fmt: skip
    else:
        refused = None
        try:
            labelled_faces(two_folders)
        except FaceSetError as error:
            refused = str(error)
        assert refused is None or "\n" not in refused


@given(st.binary(max_size=200))
def test_any_bytes_in_a_file_of_labels_are_labels_classes_or_refused_in_a_line(
    two_folders, content
):
    (two_folders / "labels.txt").write_bytes(content)
    refused = None
    try:
        assert len(load_faces(two_folders)) >= 2
    except FaceSetError as error:
        refused = str(error)
    assert refused is None or "\n" not in refused


def test_a_hidden_file_of_labels_is_left_alone(labelled):
    (labelled / "._labels.txt").write_bytes(b"\x00\x05\x16\x07")
    assert len(labelled_faces(labelled)) == 3
    (labelled / "labels.txt").unlink()
    assert not folders.has_labels(labelled)
