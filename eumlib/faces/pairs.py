"""Pairs files: which pictures are compared with which, in the format of LFW.

A line ``Name 1 4`` is a *mated* pair, two pictures of one person; ``NameA 1 NameB 2`` is a
*non-mated* one. The first picture is the reference, the second the probe. LFW puts a header over
them, the number of folds and of pairs of each kind in a fold; MFR2 has none. Fields are separated
by tabs, or by spaces where no name has one. Names that differ in their Unicode form alone are one.

Picture 4 of a person is the one that is named ``…_0004``, as in LFW. Where a person's pictures are
named otherwise, it is the fourth in the natural order of their names (2 before 10).
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from eumlib._common.errors import EumlibError
from eumlib._common.files import write_text
from eumlib._common.texts import TextFileError, decoded, one_form, read_text
from eumlib.faces.face_set import FaceSet

DRAWS_A_PAIR = 30  # on average, before the last pairs are picked from all that are left
_NUMBER = re.compile(r"[0-9]{1,9}")


class PairsFileError(EumlibError, ValueError):
    """A pairs file that cannot be used, or pairs that cannot be drawn; the message says where."""


@dataclass(frozen=True)
class Pair:
    """Two pictures to compare.

    Attributes:
        reference: image id of the first.
        probe: image id of the second.
        mated: whether they show one person.
    """

    reference: str
    probe: str
    mated: bool


def image_ids_by_person(face_set: FaceSet) -> dict[str, list[str]]:
    """The image ids of everyone in the set."""
    people: dict[str, list[str]] = {}
    for face in face_set:
        people.setdefault(face.identity, []).append(face.image_id)
    return people


def read_pairs(path: Path | str, people: Mapping[str, Sequence[str]]) -> list[Pair]:
    """Read a pairs file.

    Args:
        path: the file.
        people: the image ids of every person, as `image_ids_by_person` gives them.

    Raises:
        PairsFileError: the file, or one of its lines, is something else, or names a person or a
            picture that is not there; the message has the line number.

    Taught in notebook 01.
    """
    return _parsed(_text_of(path), path, people)


def folds_of(path: Path | str) -> int:
    """How many folds the header of a pairs file promises; 1 without a header of two numbers.

    The pairs follow fold by fold, as many in each.

    Raises:
        PairsFileError: no such file, or no text in it.
    """
    header = _header(_text_of(path).split("\n", 1)[0])
    return header[0] if header else 1


def make_pairs(
    people: Mapping[str, Sequence[str]],
    mated: int,
    non_mated: int,
    seed: int,
    allowed: Callable[[Pair], bool] = lambda _pair: True,
) -> list[Pair]:
    """Draw different pairs at random: people first, then their pictures, as LFW's were.

    Args:
        people: the image ids of every person.
        mated: how many mated pairs; they come first.
        non_mated: how many non-mated pairs.
        seed: of the draw.
        allowed: tells which pairs may be drawn, such as `eumlib.masks.SharedMasks.is_misleading`.

    Raises:
        PairsFileError: there are not so many pairs, or the seed is negative.

    Taught in notebook 01.
    """
    if seed < 0:
        raise PairsFileError(f"a seed is 0 or more, not {seed}")
    random = np.random.default_rng(seed)
    counts = np.array([len(image_ids) for image_ids in people.values()])
    possible = int((counts * (counts - 1) // 2).sum())
    others = int((counts.sum() ** 2 - (counts**2).sum()) // 2)
    for wanted, there, kind in ((mated, possible, "mated"), (non_mated, others, "non-mated")):
        if not 0 <= wanted <= there:
            raise PairsFileError(
                f"{wanted} {kind} pairs are asked for, and {len(people)} people with "
                f"{counts.sum()} pictures have {there}: ask for fewer (--mated, --non-mated)"
            )
    several = [image_ids for image_ids in people.values() if len(image_ids) > 1]
    everyone = list(people.values())

    def of_one_person() -> Pair:
        image_ids = several[random.integers(len(several))]
        first, second = _two_of(len(image_ids), random)
        return Pair(image_ids[first], image_ids[second], mated=True)

    def of_two_people() -> Pair:
        chosen = [everyone[place] for place in _two_of(len(everyone), random)]
        first, second = (image_ids[random.integers(len(image_ids))] for image_ids in chosen)
        return Pair(first, second, mated=False)

    all_mated = (
        Pair(*two, mated=True) for ids in several for two in itertools.combinations(ids, 2)
    )
    all_non_mated = (
        Pair(*two, mated=False)
        for left, right in itertools.combinations(everyone, 2)
        for two in itertools.product(left, right)
    )
    return [
        *_different(mated, of_one_person, filter(allowed, all_mated), allowed, random),
        *_different(non_mated, of_two_people, filter(allowed, all_non_mated), allowed, random),
    ]


def _two_of(count: int, random: np.random.Generator) -> tuple[int, int]:
    """Two different numbers below `count`, any two with the same chance."""
    first, second = int(random.integers(count)), int(random.integers(count - 1))
    return first, second + (second >= first)


def _different(
    count: int,
    draw: Callable[[], Pair],
    everything: Iterator[Pair],
    allowed: Callable[[Pair], bool],
    random: np.random.Generator,
) -> list[Pair]:
    """So many different pairs: drawn, and the last ones picked where hardly any are left."""
    found: dict[frozenset[str], Pair] = {}
    for _ in range(DRAWS_A_PAIR * count):
        if len(found) == count:
            break
        pair = draw()
        if allowed(pair):
            found.setdefault(frozenset((pair.reference, pair.probe)), pair)
    if len(found) < count:
        rest = [p for p in everything if frozenset((p.reference, p.probe)) not in found]
        if len(rest) < count - len(found):
            raise PairsFileError(
                f"{count} pairs are asked for, and {len(found) + len(rest)} are allowed: ask for "
                "fewer (--mated, --non-mated)"
            )
        picked = random.choice(len(rest), count - len(found), replace=False)
        return [*found.values(), *(rest[place] for place in picked)]
    return list(found.values())


def write_pairs(
    pairs: Sequence[Pair], path: Path | str, people: Mapping[str, Sequence[str]]
) -> None:
    """Write the pairs in LFW's format, atomically; `read_pairs` gives them back.

    Pairs of which as many are mated as not get LFW's header, one fold.

    Raises:
        PairsFileError: a picture that is nobody's, or pairs that would not be read back as they
            are: none at all, a person with a tab in the name, a pair that is not what it says.
    """
    places = {
        image_id: (name, number)
        for name, image_ids in _by_one_form(people).items()
        for number, image_id in _numbered(name, image_ids).items()
    }
    unknown = [i for pair in pairs for i in (pair.reference, pair.probe) if i not in places]
    if unknown:
        raise PairsFileError(f"{unknown[0]!r} is not among the pictures of these people")
    lines, mated = [], sum(pair.mated for pair in pairs)
    if 2 * mated == len(pairs):
        lines.append(f"1\t{mated}")
    for pair in pairs:
        (name, first), (other, second) = places[pair.reference], places[pair.probe]
        lines.append(
            f"{name}\t{first}\t{second}" if pair.mated else f"{name}\t{first}\t{other}\t{second}"
        )
    text = "\n".join(lines) + "\n"
    try:
        again = _parsed(decoded(text.encode(), path), path, people)
    except (UnicodeEncodeError, TextFileError) as error:
        raise PairsFileError(f"{path} cannot hold these names: {error}") from error
    if list(pairs) != again:
        odd = next((pair for pair, read in zip(pairs, again, strict=False) if pair != read), None)
        raise PairsFileError(f"{odd or 'a pair'} would be read back otherwise; nothing was written")
    write_text(path, text)


def _text_of(path: Path | str) -> str:
    try:
        return read_text(path)
    except TextFileError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        mend = f"; make one with: python -m eumlib pairs --out {path}" if missing else ""
        raise PairsFileError(f"no pairs file: {error}{mend}") from error


def _header(first_line: str) -> tuple[int, int] | None:
    """The number of folds, and of pairs of each kind in one; None for a line that is no header."""
    fields = _fields(first_line)
    if len(fields) not in (1, 2) or not all(map(_NUMBER.fullmatch, fields)):
        return None
    *folds, pairs = map(int, fields)
    return (folds[0] if folds else 1), pairs


def _by_one_form(people: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for name, image_ids in people.items():
        known.setdefault(one_form(name), []).extend(image_ids)
    return known


def _parsed(text: str, path: Path | str, people: Mapping[str, Sequence[str]]) -> list[Pair]:
    known = _by_one_form(people)

    @cache
    def numbered(name: str) -> dict[int, str]:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise PairsFileError(f"no person {name[:80]!r} in this face set{hint}")
        return _numbered(name, known[name])

    text = one_form(text)
    lines, pairs = text.split("\n"), []
    header = _header(lines[0])
    for number, line in enumerate(lines, 1):
        fields = _fields(line)
        if not any(fields) or (header and number == 1):
            continue
        try:
            pairs.append(_pair(fields, numbered))
        except PairsFileError as error:
            raise PairsFileError(f"{path}, line {number}: {line[:80]!r}: {error}") from None
    if not pairs:
        raise PairsFileError(f"{path} has no pairs; expected lines 'Name 1 4' or 'A 1 B 2'")
    mated = sum(pair.mated for pair in pairs)
    promised = math.prod(header) if header else mated
    if header and not mated == len(pairs) - mated == promised:
        raise PairsFileError(
            f"{path}, line 1: the header promises {promised} mated and as many non-mated pairs, "
            f"and {mated} mated and {len(pairs) - mated} non-mated follow"
        )
    return pairs


def _fields(line: str) -> list[str]:
    return [f.strip() for f in line.split("\t")] if "\t" in line else line.split()


def _pair(fields: list[str], numbered: Callable[[str], Mapping[int, str]]) -> Pair:
    if len(fields) not in (3, 4):
        raise PairsFileError(
            f"{len(fields)} fields; expected 3, 'Name 1 4', or 4, 'NameA 1 NameB 2'"
        )
    name, first, *other, second = fields
    reference = _image_id(name, first, numbered)
    probe = _image_id(other[0] if other else name, second, numbered)
    if reference == probe:
        raise PairsFileError("a picture cannot be compared with itself")
    if other == [name]:
        raise PairsFileError(f"both pictures are of {name!r}: a mated pair has 3 fields")
    return Pair(reference, probe, mated=not other)


def _image_id(name: str, number: str, numbered: Callable[[str], Mapping[int, str]]) -> str:
    pictures = numbered(name)
    if not _NUMBER.fullmatch(number):
        raise PairsFileError(f"{number[:20]!r} is not the number of a picture, 1 or more")
    if int(number) not in pictures:
        there = ", ".join(map(str, sorted(pictures)[:10])) + (", …" if len(pictures) > 10 else "")
        raise PairsFileError(f"no picture {number} of {name!r}; there are {there}")
    return pictures[int(number)]


def _numbered(name: str, image_ids: Sequence[str]) -> dict[int, str]:
    """The pictures of one person by their numbers."""
    called = re.compile(rf"(?:.*/)?{re.escape(name)}_([0-9]{{4,9}})(?:\.[^./]*)?", re.DOTALL)
    numbers = [called.fullmatch(one_form(image_id)) for image_id in image_ids]
    if not all(numbers):
        return dict(enumerate(sorted(image_ids, key=_natural), 1))
    numbered: dict[int, str] = {}
    for found, image_id in zip(numbers, image_ids, strict=True):
        number = int(found[1])
        if number in numbered:
            raise PairsFileError(
                f"{numbered[number]!r} and {image_id!r} are both picture {number} of {name!r}; "
                f"remove one"
            )
        numbered[number] = image_id
    return numbered


def _natural(image_id: str) -> list[tuple[int, str]]:
    """2 before 10: numbers by their digits' count, then by their digits; all before words."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", one_form(image_id))
    return [(len(n.lstrip("0")), n.lstrip("0")) if n else (math.inf, word) for n, word in parts] + [
        (0, image_id)
    ]
