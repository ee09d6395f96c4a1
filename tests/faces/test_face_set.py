import numpy as np
import pytest

from eumlib.faces import (
    PICTURES_A_PERSON,
    Face,
    FaceSet,
    few_of_each,
    listed_by_reason,
    split_by_identity,
)

SHARES = {"train": 0.6, "validation": 0.1, "test": 0.3}
NAMES = [f"person {number}" for number in range(2000)]


def nothing():
    raise AssertionError("nobody asked for the picture")


def drawn_set(one_face=True):
    names = ["Bob", "Ann", "Bob", "Cleo", "Ann"]
    faces = [Face(f"{name}/{n}", name, nothing) for n, name in enumerate(names)]
    return FaceSet("drawn", tuple(faces), "drawn once", one_face, labelled=one_face)


def test_a_set_is_a_sequence_of_its_faces():
    faces = drawn_set()
    assert len(faces) == 5
    assert list(faces) == [faces[number] for number in range(5)]
    assert faces.identities == ["Bob", "Ann", "Cleo"]


@pytest.mark.parametrize("one_face", [True, False])
def test_first_people_keeps_all_pictures_of_the_first_names(one_face):
    everyone = drawn_set(one_face)
    first = everyone.first_people(2)
    assert [face.image_id for face in first] == ["Bob/0", "Ann/1", "Bob/2", "Ann/4"]
    assert first.fingerprint != everyone.fingerprint
    assert (first.name, first.one_face, first.labelled) == ("drawn", one_face, one_face)
    assert list(everyone.first_people(9)) == list(everyone)


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


def test_negative_shares_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        split_by_identity(["ann"], {"train": 1.5, "test": -0.5})


def test_few_pictures_of_each_do_not_depend_on_the_order_or_on_others():
    ids = [f"{name}/{number:02d}" for name in ("ann", "bob") for number in range(15)] + ["cy/01"]
    people = [image_id.partition("/")[0] for image_id in ids]
    few = few_of_each(ids, people)
    assert {n: sum(i.startswith(n) for i in few) for n in ("ann", "bob", "cy")} == {
        "ann": PICTURES_A_PERSON, "bob": PICTURES_A_PERSON, "cy": 1,
    }  # fmt: skip
    assert few_of_each(ids[::-1], people[::-1]) == few
    assert few_of_each(ids[:15], people[:15]) == {i for i in few if i.startswith("ann")}


@pytest.mark.parametrize("count", [0, -1])
def test_the_first_of_nobody_are_refused(count):
    with pytest.raises(ValueError, match="give 1 or more"):
        FaceSet("few", (Face("a/1", "a", nothing),), "few", True).first_people(count)


def test_the_faces_of_some_people_keep_their_order():
    faces = tuple(Face(f"{name}/{i}", name, str) for i, name in enumerate("abcab"))
    everyone = FaceSet("letters", faces, "letters", one_face=True)
    some = everyone.of_people(["b", "a"])
    assert [face.image_id for face in some] == ["a/0", "b/1", "a/3", "b/4"]
    assert some.fingerprint == everyone.of_people(["a", "b"]).fingerprint
    assert len({part.fingerprint for part in (everyone, some, everyone.of_people(["a"]))}) == 3


def test_a_line_of_names_tells_how_many_and_shows_what_cannot_be_printed():
    named = [(f"ann/{number}", "torn") for number in range(7)] + [("bob/\n\x1b[2J", "a pipe")]
    assert listed_by_reason(named) == [
        r"a pipe: 1 × 'bob/\n\x1b[2J'",
        "torn: 7 × ann/0, ann/1, ann/2, ann/3, ann/4, …",
    ]
    assert listed_by_reason([]) == []
