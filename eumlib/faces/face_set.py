"""Faces and sets of faces: photographs with the name of who is on them.

A `Face` knows how to read its picture but does not hold it, so a set of any size costs little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

NAMED = 5  # of what is told in a line; the others are counted
PICTURES_A_PERSON = 10  # to test on: some have hundreds, whose pairs would outvote all others'


@dataclass(frozen=True, slots=True)  # there may be millions
class Face:
    """One photograph of one person.

    Attributes:
        image_id: unique in its set; for a folder, the path below it.
        identity: who it is.
        read: gives the picture: RGB, uint8, ``(height, width, 3)``, upright, at working size. It
            raises `eumlib.faces.UnreadablePictureError` where the file does not decode. Worker
            processes call it, so it must be a function that can be pickled.
        worn_mask: the label of the mask that the person wears; None for a bare face.
        content: gives the bytes of the picture's file, to tell files that are the same; None where
            there is none of its own. It can be pickled, too.
    """

    image_id: str
    identity: str
    read: Callable[[], np.ndarray] = field(repr=False)
    worn_mask: str | None = None
    content: Callable[[], bytes] | None = field(default=None, repr=False)


class PassedOver(NamedTuple):
    """Something that lies among the pictures and is not in the set, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class FaceSet(Sequence[Face]):
    """An ordered set of faces.

    Attributes:
        name: short name, kept in the tables of embeddings.
        faces: the faces.
        fingerprint: changes when the pictures change; caches are keyed by it.
        one_face: whether every picture is a crop of one face, a fact that detection may use.
        labelled: whether a file of labels says of everyone if a mask is worn; then none is painted.
        passed_over: what lies among the pictures and was not taken.
    """

    name: str
    faces: tuple[Face, ...]
    fingerprint: str
    one_face: bool
    labelled: bool = False
    passed_over: tuple[PassedOver, ...] = ()

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Face:
        return self.faces[index]

    def __iter__(self) -> Iterator[Face]:
        return iter(self.faces)

    @property
    def identities(self) -> list[str]:
        """Every identity once, in the order of first appearance."""
        return list(dict.fromkeys(face.identity for face in self.faces))

    def first_people(self, count: int) -> FaceSet:
        """The faces of the first `count` identities.

        Raises:
            ValueError: fewer than one.
        """
        if count < 1:
            raise ValueError(f"the first {count} people are nobody: give 1 or more")
        kept = set(self.identities[:count])
        faces = tuple(face for face in self.faces if face.identity in kept)
        return replace(self, faces=faces, fingerprint=f"{self.fingerprint}:first {count}")

    def few_pictures(self) -> FaceSet:
        """The faces whose pictures `few_of_each` keeps."""
        few = few_of_each(
            [face.image_id for face in self.faces], [face.identity for face in self.faces]
        )
        faces = tuple(face for face in self.faces if face.image_id in few)
        fingerprint = f"{self.fingerprint}:{PICTURES_A_PERSON} pictures each"
        return replace(self, faces=faces, fingerprint=fingerprint)

    def of_people(self, identities: Iterable[str]) -> FaceSet:
        """The faces of these identities, in the order of the set."""
        kept = set(identities)
        faces = tuple(face for face in self.faces if face.identity in kept)
        names = hashlib.sha256(str(sorted(kept)).encode()).hexdigest()[:16]
        return replace(self, faces=faces, fingerprint=f"{self.fingerprint}:people {names}")


def listed_by_reason(named: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each reason: to how many it applies, and the first of them by name.

    >>> listed_by_reason([("ann/1", "not a picture"), ("bob/1", "not a picture")])
    ['not a picture: 2 × ann/1, bob/1']
    """
    names: dict[str, list[str]] = {}
    for name, reason in named:
        names.setdefault(reason, []).append(name if name.isprintable() else ascii(name))
    return [
        f"{reason}: {len(of_it)} × {', '.join(of_it[:NAMED])}{', …' if len(of_it) > NAMED else ''}"
        for reason, of_it in sorted(names.items())
    ]


def split_by_identity(identities: Sequence[str], shares: Mapping[str, float]) -> np.ndarray:
    """The part, by name, that each row's identity belongs to: an identity is never in two parts.

    An identity's place is a hash of its name, so it does not depend on the order of the rows or on
    who else is there, and shares hold only on average.

    >>> split_by_identity(["ann", "bob", "ann"], {"train": 0.5, "test": 0.5}).tolist()
    ['train', 'test', 'train']

    Raises:
        ValueError: shares that are negative or do not sum to 1.

    Taught in notebook 01.
    """
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise ValueError(f"shares must be 0 or more and sum to 1, and these do not: {dict(shares)}")
    places = {name: _hash_to_unit(name) for name in set(identities)}
    edges = np.cumsum(list(shares.values()))[:-1]
    parts = np.array(list(shares))
    return parts[np.searchsorted(edges, [places[name] for name in identities], side="right")]


def few_of_each(image_ids: Iterable[str], identities: Iterable[str]) -> set[str]:
    """The ids of `PICTURES_A_PERSON` pictures of each person at most, those with the lowest hashes.

    >>> many = [f"ann/{number:02d}" for number in range(30)]
    >>> len(few_of_each([*many, "bob/01"], ["ann"] * 30 + ["bob"]))
    11
    """
    pictures: dict[str, set[str]] = {}
    for image_id, identity in zip(image_ids, identities, strict=True):
        pictures.setdefault(identity, set()).add(image_id)
    return {
        image_id
        for of_person in pictures.values()
        for image_id in sorted(of_person, key=_hash_to_unit)[:PICTURES_A_PERSON]
    }


def _hash_to_unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
