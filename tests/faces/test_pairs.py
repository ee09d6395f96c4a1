import itertools
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eumlib.faces import (
    Pair,
    PairsFileError,
    folds_of,
    image_ids_by_person,
    make_pairs,
    read_pairs,
    write_pairs,
)
from eumlib.faces.datasets import lfw_faces, orl_faces

SHARED = Path(__file__).parents[3] / "shared" / "data"
LFW = {
    "Ann_Lee": ["Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Ann_Lee/Ann_Lee_0004.jpg"],
    "Bob_Day": ["Bob_Day/Bob_Day_0001.jpg", "Bob_Day/Bob_Day_0002.jpg"],
}
OWN = {"Ann Lee": ["Ann Lee/b.png", "Ann Lee/a10.png", "Ann Lee/a2.png"], "Bob": ["Bob/x.jpg"]}


@pytest.fixture
def read(tmp_path):
    def read(text, people=LFW):
        (tmp_path / "pairs.txt").write_text(text, encoding="utf-8")
        return read_pairs(tmp_path / "pairs.txt", people)

    return read


def test_a_file_in_lfws_format_is_read(read):
    pairs = read(
        "1\t2\nAnn_Lee\t1\t4\nBob_Day\t2\t1\nAnn_Lee\t2\tBob_Day\t1\nBob_Day\t2\tAnn_Lee\t1\n"
    )
    assert pairs == [
        Pair("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0004.jpg", mated=True),
        Pair("Bob_Day/Bob_Day_0002.jpg", "Bob_Day/Bob_Day_0001.jpg", mated=True),
        Pair("Ann_Lee/Ann_Lee_0002.jpg", "Bob_Day/Bob_Day_0001.jpg", mated=False),
        Pair("Bob_Day/Bob_Day_0002.jpg", "Ann_Lee/Ann_Lee_0001.jpg", mated=False),
    ]


def test_a_file_in_mfr2s_format_is_read(read):
    assert read("Ann_Lee 1 2\n\nAnn_Lee 1 Bob_Day 2\n") == [
        Pair("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", mated=True),
        Pair("Ann_Lee/Ann_Lee_0001.jpg", "Bob_Day/Bob_Day_0002.jpg", mated=False),
    ]


def test_pictures_with_names_of_their_own_are_counted_in_natural_order(read):
    assert read("Ann Lee\t1\t2\nAnn Lee\t3\tBob\t1\n", OWN) == [
        Pair("Ann Lee/a2.png", "Ann Lee/a10.png", mated=True),
        Pair("Ann Lee/b.png", "Bob/x.jpg", mated=False),
    ]


def test_picture_ten_of_orl_is_its_tenth(read):
    people = image_ids_by_person(orl_faces())
    assert read("s1 2 10\n", people) == [Pair("s1/2", "s1/10", mated=True)]
    shuffled = {name: sorted(image_ids) for name, image_ids in people.items()}
    assert read("s1 2 10\n", shuffled) == [Pair("s1/2", "s1/10", mated=True)]


def test_numbers_that_a_camera_gave_are_no_numbers_of_pictures(read):
    people = {"Ann": ["Ann/IMG_0042.jpg", "Ann/IMG_0007.jpg"], "Bob": ["Bob/Bob_1.jpg"]}
    assert read("Ann 1 2\n", people) == [Pair("Ann/IMG_0007.jpg", "Ann/IMG_0042.jpg", mated=True)]
    with pytest.raises(PairsFileError, match="no picture 42 of 'Ann'; there are 1, 2"):
        read("Ann 1 42\n", people)


def test_two_pictures_of_one_number_are_refused_where_they_come_up(read):
    twice = {**LFW, "Cy": ["Cy/Cy_0001.jpg", "Cy/Cy_0001.png", "Cy/Cy_0002.jpg"]}
    assert len(read("Ann_Lee 1 2\n", twice)) == 1
    with pytest.raises(PairsFileError, match=r"line 1.*_0001\.jpg' and '.*_0001\.png' are both"):
        read("Cy 1 2\n", twice)


@pytest.mark.parametrize("separator", ["\t", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n \t\n"])
def test_reading_agrees_with_a_slow_reader(separator, end, read):
    random = np.random.default_rng(len(end))
    lines, expected = [], []
    for _ in range(60):
        name, other = random.choice(list(LFW), 2)
        first, second = random.choice(LFW[name]), random.choice(LFW[other])
        if first == second:
            continue
        numbers = [str(int(image_id[-8:-4])) for image_id in (first, second)]
        parts = [name, *numbers] if name == other else [name, numbers[0], other, numbers[1]]
        lines.append(separator.join(parts))
        expected.append(Pair(first, second, mated=bool(name == other)))
    assert read("\ufeff" + end.join(lines) + end) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Ann_Lee 1", "2 fields; expected 3"),
        ("Ann_Lee 1 2 3 4", "5 fields"),
        ("Ann_Le 1 2", "no person 'Ann_Le'.*did you mean .Ann_Lee"),
        ("Zoe 1 2", "no person 'Zoe' in this face set$"),
        ("Ann_Lee 1 3", "no picture 3 of .Ann_Lee.; there are 1, 2, 4"),
        ("Ann_Lee one 2", "'one' is not the number"),
        ("Ann_Lee -1 2", "'-1' is not the number"),
        ("Ann_Lee 1 \u00b2", "'\u00b2' is not the number"),
        ("Ann_Lee 1 " + "9" * 5000, "is not the number"),
        ("Ann_Lee\t\t1\t2", "'' is not the number"),
        ("Ann_Lee 2 2", "compared with itself"),
        ("Ann_Lee 1 Ann_Lee 2", "both pictures are of .Ann_Lee"),
    ],
)
def test_a_line_that_is_no_pair_is_refused_with_its_number(line, message, read):
    with pytest.raises(PairsFileError, match=rf"pairs\.txt, line 3: .*{message}"):
        read(f"Ann_Lee 1 2\n\n{line}\n")


def test_a_header_that_promises_other_pairs_is_refused(read):
    with pytest.raises(PairsFileError, match=r"promises 2 mated.* and 1 mated and 0 non-mated"):
        read("2\t1\nAnn_Lee\t1\t2\n")
    with pytest.raises(PairsFileError, match=r"promises 1 mated.* and 2 mated and 0 non-mated"):
        read("1\nAnn_Lee\t1\t2\nAnn_Lee\t1\t4\n")
    assert len(read("1\nAnn_Lee\t1\t2\nAnn_Lee\t1\tBob_Day\t2\n")) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "10\t300\n"])
def test_a_file_without_pairs_is_refused(text, read):
    with pytest.raises(PairsFileError, match="has no pairs"):
        read(text)


def test_a_file_that_is_missing_or_no_text_is_refused_by_name(tmp_path):
    with pytest.raises(PairsFileError, match="python -m eumlib pairs"):
        read_pairs(tmp_path / "none.txt", LFW)
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PairsFileError, match=r"binary\.txt is not a text file"):
        read_pairs(tmp_path / "binary.txt", LFW)


@pytest.mark.skipif(not SHARED.exists(), reason=f"no copy of LFW in {SHARED}")
def test_lfws_own_pairs_are_all_in_lfw():
    people = image_ids_by_person(lfw_faces(SHARED / "lfw-deepfunneled.tar"))
    pairs = read_pairs(SHARED / "lfw-pairs.txt", people)
    assert len(pairs) == 6000
    assert sum(pair.mated for pair in pairs) == 3000
    lines = (SHARED / "lfw-pairs.txt").read_text().splitlines()[1:]
    for pair, line in zip(pairs, lines, strict=True):
        fields = line.split("\t")
        other = fields[0] if len(fields) == 3 else fields[2]
        assert pair.reference == f"{fields[0]}/{fields[0]}_{int(fields[1]):04d}.jpg"
        assert pair.probe == f"{other}/{other}_{int(fields[-1]):04d}.jpg"


PEOPLE = {f"p{p}": [f"p{p}/{n}" for n in range(1 + p % 4)] for p in range(12)}


def test_drawn_pairs_are_different_and_what_they_say():
    pairs = make_pairs(PEOPLE, mated=20, non_mated=100, seed=3)
    assert [pair.mated for pair in pairs] == [True] * 20 + [False] * 100
    assert len({frozenset((pair.reference, pair.probe)) for pair in pairs}) == 120
    for pair in pairs:
        same = pair.reference.split("/")[0] == pair.probe.split("/")[0]
        assert same == pair.mated
        assert pair.reference != pair.probe
    assert pairs == make_pairs(PEOPLE, mated=20, non_mated=100, seed=3)
    assert pairs != make_pairs(PEOPLE, mated=20, non_mated=100, seed=4)


def test_people_are_drawn_alike_however_many_pictures_they_have():
    people = {"many": [f"many/{n}" for n in range(100)], "few": ["few/1", "few/2", "few/3"]}
    pairs = make_pairs(people, mated=5, non_mated=2, seed=0)
    drawn = [make_pairs(people, 2, 1, seed)[0].reference.split("/")[0] for seed in range(100)]
    assert 30 < drawn.count("few") < 70
    assert len(pairs) == 7


def test_every_last_pair_can_be_drawn_and_no_more():
    everyone = [i for image_ids in PEOPLE.values() for i in image_ids]
    all_pairs = list(itertools.combinations(everyone, 2))
    mated = sum(a.split("/")[0] == b.split("/")[0] for a, b in all_pairs)
    pairs = make_pairs(PEOPLE, mated, len(all_pairs) - mated, seed=0)
    assert {frozenset((p.reference, p.probe)) for p in pairs} == set(map(frozenset, all_pairs))
    with pytest.raises(PairsFileError, match=f"{mated + 1} mated pairs.*have {mated}"):
        make_pairs(PEOPLE, mated + 1, 1, seed=0)
    with pytest.raises(PairsFileError, match="non-mated pairs are asked for"):
        make_pairs(PEOPLE, 1, len(all_pairs), seed=0)


def test_only_allowed_pairs_are_drawn_to_the_last():
    people = {name: [f"{name}/{number}" for number in range(4)] for name in "abc"}

    def even(pair):
        return (int(pair.reference[-1]) + int(pair.probe[-1])) % 2 == 0

    listed = [
        (mated, frozenset((one, other)))
        for left in people
        for right in people
        for one in people[left]
        for other in people[right]
        for mated in [left == right]
        if one < other and even(Pair(one, other, mated))
    ]
    mated = sum(kind for kind, _ in listed)
    drawn = make_pairs(people, mated, len(set(listed)) - mated, 0, even)
    assert {(p.mated, frozenset((p.reference, p.probe))) for p in drawn} == set(listed)
    with pytest.raises(PairsFileError, match=f"{mated + 1} pairs are asked for, and {mated} are"):
        make_pairs(people, mated + 1, 1, 0, even)


def test_fewer_than_no_pairs_cannot_be_drawn():
    with pytest.raises(PairsFileError, match="-1 mated pairs are asked for"):
        make_pairs(PEOPLE, -1, 2, seed=0)
    with pytest.raises(PairsFileError, match="a seed is 0 or more, not -1"):
        make_pairs(PEOPLE, 1, 2, seed=-1)


@pytest.mark.parametrize("people", [LFW, OWN, PEOPLE])
@pytest.mark.parametrize("counts", [(2, 2), (1, 2)])
def test_written_pairs_are_read_back(people, counts, tmp_path):
    pairs = make_pairs(people, *counts, seed=1)
    write_pairs(pairs, tmp_path / "pairs.txt", people)
    assert read_pairs(tmp_path / "pairs.txt", people) == pairs
    first = (tmp_path / "pairs.txt").read_text().splitlines()[0]
    assert (first == "1\t2") == (counts == (2, 2))


def test_pictures_of_nobody_are_not_written(tmp_path):
    with pytest.raises(PairsFileError, match="x/9' is not among"):
        write_pairs([Pair("x/9", "Bob/x.jpg", mated=False)], tmp_path / "pairs.txt", OWN)
    assert not (tmp_path / "pairs.txt").exists()


@pytest.mark.parametrize(
    ("pairs", "people", "message"),
    [
        ([], OWN, "has no pairs"),
        ([Pair("Bob/x.jpg", "Ann Lee/b.png", mated=True)], OWN, "no picture 3 of .Bob"),
        ([Pair("Ann Lee/b.png", "Bob/x.jpg", mated=True)], OWN, "no picture|read back otherwise"),
        ([Pair("Ann Lee/b.png", "Ann Lee/a2.png", mated=False)], OWN, "both pictures are of"),
        ([Pair("Bob/x.jpg", "Bob/x.jpg", mated=True)], OWN, "with itself"),
        ([Pair("a/1", "a/2", mated=True)], {"a\tb": ["a/1", "a/2"]}, "no person 'a'"),
        ([Pair("a/1", "a/2", mated=True)], {"a\nb": ["a/1", "a/2"]}, "1 fields"),
        ([Pair("a/1", "a/2", mated=True)], {"a ": ["a/1", "a/2"]}, "no person 'a'"),
    ],
)
def test_pairs_that_would_not_be_read_back_are_not_written(pairs, people, message, tmp_path):
    with pytest.raises(PairsFileError, match=message):
        write_pairs(pairs, tmp_path / "pairs.txt", people)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "folds"), [("10\t300\nA\t1\t2\n", 10), ("300\nA 1 2\n", 1), ("A 1 2\n", 1), ("\n", 1)]
)
def test_the_header_tells_the_folds(tmp_path, text, folds):
    path = tmp_path / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    assert folds_of(path) == folds


def test_folds_of_a_file_that_is_not_there_are_refused_as_its_pairs_are(tmp_path):
    with pytest.raises(PairsFileError, match="no pairs file"):
        folds_of(tmp_path / "pairs.txt")


def test_names_that_differ_in_their_unicode_form_are_one_person(read):
    composed, apart = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    for known in (composed, apart):
        people = {known: [f"{known}/{known}_0001.jpg", f"{known}/{known}_0003.jpg"], **LFW}
        for typed in (composed, apart):
            pairs = read(f"{typed} 1 3\n{typed} 3 Ann_Lee 1\n", people)
            assert [pair.reference for pair in pairs] == people[known]
    both = {composed: [f"{composed}/a.jpg"], apart: [f"{apart}/b.jpg"]}
    assert read("Zoë 1 2\n", both) == [Pair(f"{composed}/a.jpg", f"{apart}/b.jpg", mated=True)]


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "HEIC", "cr3", "JPG_large", ""])
def test_a_number_in_a_name_counts_whatever_the_suffix_is(suffix, read):
    named = f"Cy/Cy_0004.{suffix}" if suffix else "Cy/Cy_0004"
    people = {"Cy": ["Cy/Cy_0001.jpg", "Cy/Cy_0003.jpg", named]}
    assert read("Cy 3 4\n", people) == [Pair("Cy/Cy_0003.jpg", named, mated=True)]
    with pytest.raises(PairsFileError, match="no picture 2 of 'Cy'; there are 1, 3, 4"):
        read("Cy 1 2\n", people)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_pairs_and_folds_are_read_in_the_encodings_of_windows_too(encoding, end, tmp_path):
    people = {"Zoë": ["Zoë/1", "Zoë/2"], **LFW}
    path = tmp_path / "pairs.txt"
    path.write_bytes(f"1\t1{end}Zoë\t1\t2{end}Zoë\t1\tAnn_Lee\t4{end}".encode(encoding))
    assert [pair.probe for pair in read_pairs(path, people)] == ["Zoë/2", LFW["Ann_Lee"][2]]
    path.write_bytes(f"3\t1{end}".encode(encoding))
    assert folds_of(path) == 3


def test_what_is_no_text_file_is_refused_in_a_line(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "latin").write_bytes("André 1 2".encode("latin-1"))
    for path, reason in {
        tmp_path: "is a folder",
        tmp_path / "circle": "symbolic links",
        tmp_path / "binary": "is not a text file",
        tmp_path / "latin": "save it as UTF-8",
        tmp_path / "latin" / "deeper": "Not a directory",
        tmp_path / ("n" * 300): "name too long",
        os.devnull: "is a pipe or a device",
    }.items():
        for read in (folds_of, lambda path: read_pairs(path, LFW)):
            with pytest.raises(PairsFileError, match=f"no pairs file: .*{reason}") as error:
                read(path)
            assert "\n" not in str(error.value)


def refusal(call, *arguments):
    """What a call is refused with; None where it is not."""
    try:
        call(*arguments)
    except PairsFileError as error:
        assert "\n" not in str(error)  # noqa: PT017 — it need not be refused
        return str(error)
    return None


NAMES = st.text(min_size=1, max_size=8) | st.sampled_from(
    ["1", "1 2", "a b", "Zoë", "Zoe\u0308", "\ufeffa", "a\r", "a\tb", "\x85", "CON", "-1", "a/b"]
)
NAMING = st.sampled_from(["{0}/{0}_{1:04d}.jpg", "{0}/{1}", "{0}/IMG {1}.JPG", "{1}"])


@st.composite
def drawn_people(draw):
    """People of odd names, each with one to four pictures."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    naming = draw(NAMING)
    counts = [draw(st.integers(1, 4)) for _ in names]
    numbers = itertools.count(1)
    return {
        name: [naming.format(name, next(numbers)) for _ in range(count)]
        for name, count in zip(names, counts, strict=True)
    }


def is_plain(name):
    fits = not set(name) & set("\t\n\r\0") and name.strip() == name
    return fits and name.isprintable() and not name.startswith("\ufeff")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@given(drawn_people(), st.integers(0, 4), st.integers(0, 4), st.integers(0, 9))
def test_pairs_of_odd_names_are_read_as_they_were_written_or_not_written(
    folder, people, mated, non_mated, seed
):
    path = folder / "pairs.txt"
    path.unlink(missing_ok=True)
    counts = [len(image_ids) for image_ids in people.values()]
    mated = min(mated, sum(count * (count - 1) // 2 for count in counts))
    non_mated = min(non_mated, sum(one * two for one, two in itertools.combinations(counts, 2)))
    pairs = make_pairs(people, mated, non_mated, seed)
    forms = {unicodedata.normalize("NFC", name) for name in people}
    if refusal(write_pairs, pairs, path, people):
        assert not path.exists()
        assert not pairs or len(forms) < len(people) or not all(map(is_plain, people))
    else:
        assert read_pairs(path, people) == pairs
        for encoding in ("utf-8-sig", "utf-16", "utf-32"):
            path.write_bytes(path.read_bytes().decode("utf-8-sig").encode(encoding))
            assert read_pairs(path, people) == pairs
            path.write_bytes(path.read_bytes().decode(encoding).encode())


FIELDS = st.sampled_from(
    ["Ann_Lee", "Bob_Day", "1", "2", "4", "\u00b2", "9" * 5000, "-1", "Ann", ""]
)
LINES = st.lists(FIELDS | st.text(max_size=5), max_size=5)


@given(st.lists(LINES, max_size=6), st.sampled_from(["\t", " ", "  "]))
def test_nonsense_in_lines_is_refused_in_a_line_and_never_otherwise(folder, lines, separator):
    path = folder / "lines.txt"
    text = "\n".join(separator.join(line) for line in lines)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused = refusal(read_pairs, path, LFW)
    if not refused:  # then a plain loop finds the same pictures
        known = {image_id for image_ids in LFW.values() for image_id in image_ids}
        for pair in read_pairs(path, LFW):
            assert {pair.reference, pair.probe} <= known
            people = {image_id.partition("/")[0] for image_id in (pair.reference, pair.probe)}
            assert pair.mated == (len(people) == 1)
    refusal(folds_of, path)


@given(st.binary(max_size=300))
def test_any_bytes_are_pairs_or_are_refused_in_a_line(folder, content):
    path = folder / "bytes.txt"
    path.write_bytes(content)
    assert refusal(read_pairs, path, LFW)
    refusal(folds_of, path)
