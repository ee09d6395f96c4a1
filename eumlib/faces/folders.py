"""Folders of people, ``root/Name/picture.jpg``, as face sets: the layout of LFW and of MFR2."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eumlib._common.errors import EumlibError
from eumlib.faces.decoding import (
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    UnreadablePictureError,
    read_picture,
)
from eumlib.faces.face_set import Face, FaceSet

LABELS_FILE = "*labels.txt"
MANY_PICTURES = 100_000  # listed in seconds, and embedded in hours
_NO_MASK = re.compile(r"no[-_ ]?mask", re.IGNORECASE)
_LABEL_LINE = "'Name, 1, surgical_blue', or 'Name, 2, no-mask' for a bare face"


class FaceSetError(EumlibError, ValueError):
    """A face set that cannot be used; the message says which and how to mend it."""


class PictureFile(NamedTuple):
    """A picture in the folder of a person, with what tells one version of it from another."""

    person: str
    name: str
    path: Path
    size: int
    changed: int

    @property
    def image_id(self) -> str:
        """The path below the folder of all people."""
        return f"{self.person}/{self.name}"

    @property
    def stem(self) -> str:
        """The image id without its suffix."""
        return os.path.splitext(self.image_id)[0]


def folder_faces(root: Path | str, one_face: bool = False) -> FaceSet:
    """A folder of people, ``root/Name/anything.jpg``: LFW's layout, and torchvision's ImageFolder.

    Files are told by their suffix; hidden ones, and links that lead out of the folder, are left
    alone. A file that does not decode stays in the set: reading it raises, and extraction records
    it.

    Args:
        root: the folder.
        one_face: whether every picture is a crop of one face, as a matter of fact.

    Raises:
        FaceSetError: no such folder, no pictures in it, or pictures of fewer than two people.
    """
    root = _folder(root)
    pictures = pictures_below(root)
    require_two_people([picture.person for picture in pictures], root, _layout(root))
    faces = tuple(
        Face(picture.image_id, picture.person, partial(read_picture, picture.path))
        for picture in pictures
    )
    return FaceSet(root.name, faces, _fingerprint(pictures), one_face)


def labelled_faces(root: Path | str, one_face: bool = False) -> FaceSet:
    """A folder of people of whom a file of labels says who wears which mask: MFR2's layout.

    A line of ``*labels.txt`` is ``Name, 1, surgical_blue`` for the picture ``Name/Name_0001.png``
    (or ``.jpg`` …); ``no-mask`` is a bare face. The faces come in the order of the lines. A
    labelled picture that is not there stays in the set: reading it raises, and extraction records
    it.

    Args:
        root: the folder.
        one_face: whether every picture is a crop of one face, as a matter of fact.

    Raises:
        FaceSetError: as in `folder_faces`; no file of labels or more than one; a line that is no
            label, with its number; a picture with two labels or none.
    """
    root = _folder(root)
    labels = _labels_file(root)
    pictures = pictures_below(root)
    by_stem: dict[str, PictureFile] = {}
    for picture in pictures:
        if by_stem.setdefault(picture.stem, picture) is not picture:
            raise FaceSetError(
                f"{by_stem[picture.stem].path} and {picture.name} would have one label; remove one"
            )
    faces: dict[str, Face] = {}
    for number, line in enumerate(_lines(labels), 1):
        if not line.strip():
            continue
        try:
            person, stem, worn_mask = _label(line)
            if stem in faces:
                raise FaceSetError(f"{stem} has a label already")
        except FaceSetError as error:
            raise FaceSetError(f"{labels}, line {number}: {line[:80]!r}: {error}") from None
        if stem in by_stem:
            image_id, read = by_stem[stem].image_id, partial(read_picture, by_stem[stem].path)
        else:
            image_id, read = stem, partial(_missing, stem, labels.name)
        faces[stem] = Face(image_id, person, read, worn_mask)
    bare = [picture.image_id for stem, picture in by_stem.items() if stem not in faces]
    if bare:
        raise FaceSetError(
            f"{labels} has no label for {len(bare)} of {len(pictures)} pictures: "
            f"{', '.join(bare[:3])}; add a line for each, {_LABEL_LINE}"
        )
    require_two_people([face.identity for face in faces.values()], root, _layout(root))
    written = hashlib.sha256(labels.read_bytes()).hexdigest()
    fingerprint = _fingerprint(pictures) + written
    return FaceSet(root.name, tuple(faces.values()), fingerprint, one_face, labelled=True)


def has_labels(root: Path | str) -> bool:
    """Whether a file of labels lies in the folder."""
    return bool(_labels_files(Path(os.path.expanduser(root))))


def pictures_below(root: Path) -> list[PictureFile]:
    """The pictures in the folders of `root`, a resolved path, by person and file name."""
    try:
        pictures = [
            picture
            for folder in _visible(root, root)
            if folder.is_dir()
            for entry in _visible(folder.path, root)
            if (picture := _picture(folder.name, entry))
        ]
        for picture in pictures:
            picture.image_id.encode()
    except OSError as error:
        raise FaceSetError(f"{root} cannot be listed, make it readable: {error}") from error
    except UnicodeEncodeError as error:  # tables of embeddings hold the names as UTF-8
        name = error.object
        raise FaceSetError(f"{root} has a name that is not UTF-8, rename it: {name!r}") from None
    announce_many(root, len(pictures))
    return sorted(pictures)


def announce_many(root: Path, count: int) -> None:
    """Say what it means that a face set has many pictures."""
    if count >= MANY_PICTURES:
        print(
            f"{root} holds {count:,} pictures. Embedding them takes hours; where it is "
            f"interrupted, the same command goes on.",
            file=sys.stderr,
        )


def _layout(root: Path | str) -> str:
    return f"{root}/Name/picture.jpg, a folder a person"


def _folder(root: Path | str) -> Path:
    if not os.path.isdir(os.path.expanduser(root)):
        raise FaceSetError(f"no folder {root}; expected {_layout(root)}")
    return Path(os.path.expanduser(root)).resolve()


def _visible(folder: Path | str, root: Path) -> list[os.DirEntry]:
    """What is in a folder, without what is hidden and links that lead out of `root`."""
    with os.scandir(folder) as entries:
        return [
            entry
            for entry in entries
            if not entry.name.startswith(".")
            and (not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root))
        ]


def _picture(person: str, entry: os.DirEntry) -> PictureFile | None:
    """The entry if it is a picture; a link that leads nowhere is one: reading it says so."""
    if os.path.splitext(entry.name)[1].lower() not in PICTURE_SUFFIXES + UNREAD_SUFFIXES:
        return None
    if not entry.is_file() and not (entry.is_symlink() and not os.path.exists(entry.path)):
        return None
    status = entry.stat(follow_symlinks=entry.is_file())
    return PictureFile(person, entry.name, Path(entry.path), status.st_size, status.st_mtime_ns)


def require_two_people(people: Sequence[str], root: Path, layout: str) -> None:
    """Refuse a face set in which nobody can be told from another.

    Raises:
        FaceSetError: nobody, or one person; the message says which layout is expected.
    """
    if not people:
        raise FaceSetError(
            f"no pictures in {root}; expected {layout}; pictures are {', '.join(PICTURE_SUFFIXES)}"
        )
    if len(set(people)) < 2:
        raise FaceSetError(
            f"{root} has pictures of one person only ({people[0]}); telling people apart needs two "
            f"or more; expected {layout}"
        )


def _fingerprint(pictures: Sequence[PictureFile]) -> str:
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(os.fsencode(f"{picture.path} {picture.size} {picture.changed}\n"))
    return digest.hexdigest()


def _labels_files(root: Path) -> list[Path]:
    """Files of labels; not hidden ones, which macOS leaves beside those that it copies."""
    return sorted(
        path for path in root.glob(LABELS_FILE) if path.is_file() and not path.name.startswith(".")
    )


def _labels_file(root: Path) -> Path:
    found = _labels_files(root)
    if len(found) != 1:
        names = f" ({', '.join(path.name for path in found)})" if found else ""
        raise FaceSetError(
            f"expected one file of labels, {root}/{LABELS_FILE}, and found {len(found)}{names}; "
            f"its lines are {_LABEL_LINE}"
        )
    return found[0]


def _label(line: str) -> tuple[str, str, str | None]:
    """Person, stem of the picture, and mask, of a line of labels."""
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != 3 or not all(fields) or not re.fullmatch(r"[0-9]{1,9}", fields[1]):
        raise FaceSetError(f"expected {_LABEL_LINE}")
    person, number, label = fields
    worn_mask = None if _NO_MASK.fullmatch(label) else label
    return person, f"{person}/{person}_{int(number):04d}", worn_mask


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (UnicodeDecodeError, OSError) as error:
        raise FaceSetError(f"{path} is not a text file in UTF-8: {error}") from error


def _missing(stem: str, labels: str) -> np.ndarray:
    raise UnreadablePictureError(f"{stem} has a label in {labels}, and there is no such picture")
