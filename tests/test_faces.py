import os

import numpy as np
import pytest
from PIL import Image

from eumlib.faces import (
    FaceSet,
    FaceSetError,
    UnreadablePictureError,
    folder_faces,
    load_faces,
    orl_faces,
    read_picture,
    split_by_identity,
    synthetic_faces,
    to_working_size,
)
from eumlib.generator import generate_face

SHARES = {"train": 0.6, "validation": 0.1, "test": 0.3}
NAMES = [f"person {number}" for number in range(2000)]


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


def test_first_people_keeps_all_pictures_of_the_first_names(root):
    everyone = folder_faces(root)
    first = everyone.first_people(1)
    assert isinstance(first, FaceSet)
    assert [face.image_id for face in first] == ["Ann/a.png", "Ann/b.PNG"]
    assert first.fingerprint != everyone.fingerprint
    assert [face.image_id for face in everyone.first_people(9)] == [
        face.image_id for face in everyone
    ]


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda shown: shown),
        (2, lambda shown: shown[:, ::-1]),
        (3, lambda shown: shown[::-1, ::-1]),
        (4, lambda shown: shown[::-1]),
        (6, lambda shown: np.rot90(shown, 1)),
        (8, lambda shown: np.rot90(shown, -1)),
    ],
)
def test_a_rotation_noted_in_exif_is_applied(orientation, stored, root, pictures):
    shown = np.ascontiguousarray(pictures[0][:250])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(
        root / "Ann" / "camera.jpg",
        np.ascontiguousarray(stored(shown)),
        exif=exif,
        quality=98,
        subsampling=0,
    )
    picture = read_picture(path)
    assert picture.shape == shown.shape
    assert np.abs(picture.astype(int) - shown).mean() < 2


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16"])
def test_a_picture_of_another_mode_is_read_as_rgb(mode, tmp_path):
    grey = np.tile(np.linspace(0, 255, 260).astype(np.uint8), (250, 1))
    if mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(grey).convert(mode)
    picture.save(tmp_path / "grey.png")
    read = read_picture(tmp_path / "grey.png")
    assert read.shape == (250, 260, 3)
    assert read.dtype == np.uint8


def test_a_small_picture_is_enlarged_by_a_whole_factor_until_its_short_side_is_240():
    for side, factor in [(240, 1), (239, 2), (120, 2), (119, 3), (92, 3), (64, 4), (60, 4)]:
        picture = np.zeros((side, side + 10, 3), np.uint8)
        assert to_working_size(picture).shape == (factor * side, factor * (side + 10), 3)


def test_a_large_picture_is_reduced_until_its_long_side_is_1280():
    assert to_working_size(np.zeros((2560, 1920, 3), np.uint8)).shape == (1280, 960, 3)
    assert to_working_size(np.zeros((1500, 3000, 3), np.uint8)).shape == (640, 1280, 3)
    assert to_working_size(np.zeros((1280, 960, 3), np.uint8)).shape == (1280, 960, 3)


def test_a_picture_too_long_to_be_enlarged_is_left_alone():
    assert to_working_size(np.zeros((100, 600, 3), np.uint8)).shape == (100, 600, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".pgm", ".tif", ".webp"])
def test_a_truncated_picture_is_unreadable_by_name(suffix, tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (250, 250), dtype=np.uint8)
    path = save(tmp_path / f"cut{suffix}", noise)
    assert read_picture(path).shape == (250, 250, 3)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadablePictureError, match=rf"cut\{suffix} does not decode"):
        read_picture(path)


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


def test_no_identity_is_in_two_parts():
    parts = split_by_identity(NAMES * 3, SHARES)
    assert parts.shape == (6000,)
    homes = {}
    for name, part in zip(NAMES * 3, parts, strict=True):
        assert homes.setdefault(name, part) == part
    assert set(homes.values()) == set(SHARES)


def test_the_split_does_not_depend_on_the_order():
    parts = dict(zip(NAMES, split_by_identity(NAMES, SHARES), strict=True))
    shuffled = list(np.random.default_rng(0).permutation(NAMES))
    assert split_by_identity(shuffled, SHARES).tolist() == [parts[name] for name in shuffled]


def test_the_split_does_not_depend_on_who_else_is_there():
    parts = split_by_identity(NAMES, SHARES)
    for start in range(0, 2000, 400):
        few = split_by_identity(NAMES[start : start + 7], SHARES)
        assert few.tolist() == parts[start : start + 7].tolist()


@pytest.mark.parametrize(
    "shares", [SHARES, {"train": 0.8, "test": 0.2}, {"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}]
)
def test_the_split_holds_the_shares_roughly(shares):
    parts = split_by_identity(NAMES, shares).tolist()
    for part, share in shares.items():
        spread = (share * (1 - share) / len(NAMES)) ** 0.5
        assert abs(parts.count(part) / len(NAMES) - share) < 4 * spread


def test_a_part_with_no_share_gets_nobody():
    parts = split_by_identity(NAMES, {"train": 0.5, "validation": 0.0, "test": 0.5}).tolist()
    assert parts.count("validation") == 0
    assert split_by_identity(NAMES, {"all": 1.0}).tolist() == ["all"] * 2000


def test_nobody_is_split_into_nothing():
    assert split_by_identity([], SHARES).shape == (0,)


@pytest.mark.parametrize("shares", [{"train": 0.5, "test": 0.4}, {"train": 1, "test": 0.2}, {}])
def test_shares_that_do_not_sum_to_one_are_refused(shares):
    with pytest.raises(ValueError, match="sum to 1"):
        split_by_identity(["ann"], shares)


def test_a_link_that_leads_nowhere_is_kept_and_its_reading_fails_by_name(tmp_path):
    for person in ("ann", "bob"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.png").symlink_to(tmp_path / person / "gone.png")
    faces = folder_faces(tmp_path)
    assert len(faces) == 2
    with pytest.raises(UnreadablePictureError, match=r"1\.png"):
        faces[0].read()


def test_a_picture_of_one_row_is_reduced_and_not_lost():
    assert to_working_size(np.zeros((1, 5000, 3), np.uint8)).shape == (1, 1280, 3)


def test_negative_shares_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        split_by_identity(["ann"], {"train": 1.5, "test": -0.5})
