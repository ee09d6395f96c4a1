"""Folders of people, ``root/Name/picture.jpg``, as face sets: the layout of LFW and of MFR2."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eumlib._common.errors import EumlibError
from eumlib._common.texts import TextFileError, one_form, read_text
from eumlib.faces.decoding import (
    PICTURE_SUFFIXES,
    UNREAD_SUFFIXES,
    UnreadablePictureError,
    is_photograph,
    read_picture,
)
from eumlib.faces.face_set import Face, FaceSet, PassedOver, listed_by_reason

LABELS_FILE = "*labels.txt"
MANY_PICTURES = 100_000  # listed in seconds, and embedded in hours
ASIDE = (".", "__MACOSX")  # hidden, and what macOS packs beside the files of a zip archive
_NOWHERE = {errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG}
_NO_MASK = re.compile(r"no[-_ ]?mask", re.IGNORECASE)
_LABEL_LINE = "'Name, 1, surgical_blue', or 'Name, 2, no-mask' for a bare face"
# A line that says something of masks, if not in our way; the classes of other tools do not.
_OF_MASKS = re.compile(
    r"mask(?:s|ed)?(?![a-z])|\S[^,;\t]*[,;\t][^,;\t]*[,;\t]|\S.*\s[0-9]+\s+\S", re.IGNORECASE
)

LINK_OUT = "link that leads out of the folder; copy what it leads to"
LINK_NOWHERE = "link that leads nowhere"
INNER_FOLDER = "folder in a person's folder"
NO_FILE = "pipe, socket or device"
NO_PICTURE = "not a picture"
NO_PERSON = "picture in no person's folder"
NOT_OF_MASKS = "not read as labels of masks"


class FaceSetError(EumlibError, ValueError):
    """A face set that cannot be used; the message says which and how to mend it."""


class PictureFile(NamedTuple):
    """A picture in the folder of a person, with what tells one version of it from another.

    Names are in Unicode's composed form, whatever the file system made of them.
    """

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


class Listing(NamedTuple):
    """What lies in a folder of people: pictures, by person and name, and all the rest."""

    pictures: list[PictureFile]
    passed_over: list[PassedOver]


def folder_faces(root: Path | str, one_face: bool = False) -> FaceSet:
    """A folder of people, ``root/Name/anything.jpg``: LFW's layout, and torchvision's ImageFolder.

    Pictures are told by their suffix, and files of other suffixes or none by how they begin. What
    else lies in the folders is in the set's ``passed_over``, links that lead out of the folder
    among it; hidden files are left alone. A file that does not decode stays in the set: reading it
    raises, and extraction records it. Names that differ in their Unicode form alone are one name.

    Args:
        root: the folder.
        one_face: whether every picture is a crop of one face, as a matter of fact.

    Raises:
        FaceSetError: no such folder, no pictures in it, pictures of fewer than two people, or two
            pictures of one name.
    """
    root = _folder(root)
    pictures, passed_over = pictures_below(root)
    passed_over += [PassedOver(path.name, NOT_OF_MASKS) for path in _labels_files(root)]
    require_two_people([picture.person for picture in pictures], root, _layout(root), passed_over)
    faces = tuple(_face(picture, picture.person, None) for picture in pictures)
    return FaceSet(
        _name(root), faces, _fingerprint(pictures), one_face, passed_over=tuple(passed_over)
    )


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
    text = _labels_text(labels)
    pictures, passed_over = pictures_below(root)
    passed_over += [PassedOver(p.name, NOT_OF_MASKS) for p in _labels_files(root) if p != labels]
    by_stem: dict[str, PictureFile] = {}
    for picture in pictures:
        if by_stem.setdefault(picture.stem, picture) is not picture:
            raise FaceSetError(
                f"{by_stem[picture.stem].path} and {picture.name} would have one label; remove one"
            )
    faces: dict[str, Face] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            person, stem, worn_mask = _label(line)
            if stem in faces:
                raise FaceSetError(f"{stem} has a label already")
        except FaceSetError as error:
            raise FaceSetError(f"{labels}, line {number}: {line[:80]!r}: {error}") from None
        if stem in by_stem:
            faces[stem] = _face(by_stem[stem], person, worn_mask)
        else:
            faces[stem] = Face(stem, person, partial(_missing, stem, labels.name), worn_mask)
    bare = [picture.image_id for stem, picture in by_stem.items() if stem not in faces]
    if bare:
        raise FaceSetError(
            f"{labels} has no label for {len(bare)} of {len(pictures)} pictures: "
            f"{', '.join(bare[:3])}; add a line for each, {_LABEL_LINE}"
        )
    require_two_people([face.identity for face in faces.values()], root, _layout(root), passed_over)
    fingerprint = _fingerprint(pictures) + hashlib.sha256(text.encode()).hexdigest()
    return FaceSet(
        _name(root), tuple(faces.values()), fingerprint, one_face, True, tuple(passed_over)
    )


def has_labels(root: Path | str) -> bool:
    """Whether a file of labels of masks lies in the folder; a list of classes is none."""
    return any(map(_may_tell_masks, _labels_files(Path(os.path.expanduser(root)))))


def pictures_below(root: Path) -> Listing:
    """The pictures in the folders of `root`, a resolved path, and what was passed over.

    Raises:
        FaceSetError: a folder that cannot be listed, a name that is not UTF-8, or two pictures
            whose names are one but for their Unicode form.
    """
    found = Listing([], [])
    try:
        for folder in _visible(root, root, found):
            if stat.S_ISDIR(folder.mode):
                for entry in _visible(folder.path, root, found):
                    _sort_in(one_form(folder.name), entry, found)
            elif _is_called_so(folder.name) or (
                stat.S_ISREG(folder.mode) and not _why_no_photograph(Path(folder.path))
            ):
                found.passed_over.append(PassedOver(folder.name, NO_PERSON))
        for picture in found.pictures:
            picture.image_id.encode()
    except OSError as error:
        raise FaceSetError(f"{root} cannot be listed, make it readable: {error}") from error
    except UnicodeEncodeError as error:  # tables of embeddings hold the names as UTF-8
        name = error.object
        raise FaceSetError(f"{root} has a name that is not UTF-8, rename it: {name!r}") from None
    announce_many(root, len(found.pictures))
    return Listing(_different(sorted(found.pictures)), sorted(found.passed_over))


def announce_many(root: Path, count: int) -> None:
    """Say what it means that a face set has many pictures."""
    if count >= MANY_PICTURES:
        print(
            f"{root} holds {count:,} pictures. Embedding them takes hours; where it is "
            f"interrupted, the same command goes on.",
            file=sys.stderr,
        )


def _layout(root: Path | str) -> str:
    return f"{root}/Name/picture.jpg, one folder per person"


class _Entry(NamedTuple):
    """What lies in a folder, and what a link that leads somewhere leads to."""

    name: str
    path: str
    mode: int
    size: int
    changed: int


def _visible(folder: Path | str, root: Path, found: Listing) -> Iterator[_Entry]:
    """What is in a folder and is not hidden; links that lead out of `root` are passed over."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(ASIDE):
                continue
            if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(root):
                below = Path(entry.path).relative_to(root).as_posix()
                found.passed_over.append(PassedOver(one_form(below), LINK_OUT))
                continue
            try:
                status = entry.stat()
            except OSError as error:
                if not entry.is_symlink() or error.errno not in _NOWHERE:
                    raise
                status = entry.stat(follow_symlinks=False)
            yield _Entry(entry.name, entry.path, status.st_mode, status.st_size, status.st_mtime_ns)


def _sort_in(person: str, entry: _Entry, found: Listing) -> None:
    """Take the entry for a picture, or pass it over.

    A link that leads nowhere is a picture if it is called like one: reading it says what is wrong.
    """
    picture = PictureFile(person, one_form(entry.name), Path(entry.path), entry.size, entry.changed)
    if stat.S_ISDIR(entry.mode):
        reason = INNER_FOLDER
    elif stat.S_ISLNK(entry.mode):
        reason = None if _is_called_so(entry.name) else LINK_NOWHERE
    elif not stat.S_ISREG(entry.mode):
        reason = NO_FILE
    else:
        reason = None if _is_called_so(entry.name) else _why_no_photograph(picture.path)
    if reason is None:
        found.pictures.append(picture)
    else:
        found.passed_over.append(PassedOver(picture.image_id, reason))


def _why_no_photograph(path: Path) -> str | None:
    try:
        return None if is_photograph(path) else NO_PICTURE
    except OSError as error:
        return f"{NO_PICTURE} by name, and its content cannot be read ({error.strerror})"


def _is_called_so(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES + UNREAD_SUFFIXES


def _different(pictures: list[PictureFile]) -> list[PictureFile]:
    paths: dict[str, Path] = {}
    for picture in pictures:
        other = paths.setdefault(picture.image_id, picture.path)
        if other != picture.path:
            raise FaceSetError(
                f"two files are {picture.image_id} but for their Unicode form, {str(other)!a} "
                f"and {str(picture.path)!a}: rename or remove one"
            )
    return pictures


def _folder(root: Path | str) -> Path:
    layout = f"expected {_layout(root)}"
    named = os.path.expanduser(root)
    try:
        if not stat.S_ISDIR(os.stat(named).st_mode):
            raise FaceSetError(f"{root} is not a folder; {layout}")
    except FileNotFoundError:
        raise FaceSetError(f"no folder {root}; {layout}") from None
    except OSError as error:
        raise FaceSetError(f"{root} cannot be read: {error.strerror}; {layout}") from error
    return Path(os.path.realpath(named))


def _name(root: Path) -> str:
    return one_form(root.name) or "faces"  # of a whole disk, as that of a camera


def _face(picture: PictureFile, person: str, worn_mask: str | None) -> Face:
    read = partial(read_picture, picture.path)
    return Face(picture.image_id, person, read, worn_mask, picture.path.read_bytes)


def require_two_people(
    people: Sequence[str], root: Path, layout: str, passed_over: Sequence[PassedOver] = ()
) -> None:
    """Refuse a face set in which nobody can be told from another.

    Raises:
        FaceSetError: nobody, or one person; the message says which layout is expected.
    """
    aside = "".join(f"; passed over, {line}" for line in listed_by_reason(passed_over))
    if not people:
        raise FaceSetError(
            f"no pictures in {root}; expected {layout}; pictures are {', '.join(PICTURE_SUFFIXES)}"
            f"{aside}"
        )
    if len(set(people)) < 2:
        raise FaceSetError(
            f"{root} has pictures of one person only ({people[0]}); telling people apart needs two "
            f"or more; expected {layout}{aside}"
        )


def _fingerprint(pictures: Sequence[PictureFile]) -> str:
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(os.fsencode(f"{picture.path} {picture.size} {picture.changed}\n"))
    return digest.hexdigest()


def _labels_files(root: Path) -> list[Path]:
    """Files that are called as labels are, in any case; hidden ones are left alone."""
    try:
        names = [name for name in os.listdir(root) if not name.startswith(ASIDE)]
    except OSError as error:
        raise FaceSetError(f"{root} cannot be listed, make it readable: {error}") from error
    called = [root / name for name in sorted(names) if name.lower().endswith(LABELS_FILE[1:])]
    return [path for path in called if os.path.isfile(path)]


def _labels_file(root: Path) -> Path:
    called = _labels_files(root)
    found = [path for path in called if _may_tell_masks(path)] or called
    if len(found) != 1:
        names = f" ({', '.join(path.name for path in found)})" if found else ""
        raise FaceSetError(
            f"expected one file of labels, {root}/{LABELS_FILE}, and found {len(found)}{names}; "
            f"its lines are {_LABEL_LINE}"
        )
    return found[0]


def _may_tell_masks(path: Path) -> bool:
    """Whether it is to be read as labels; not where all that it has are names and numbers."""
    try:
        lines = [line.strip() for line in _labels_text(path).split("\n") if line.strip()]
    except FaceSetError:
        return True  # its reading says what is wrong
    return not lines or any(map(_OF_MASKS.search, lines))


def _label(line: str) -> tuple[str, str, str | None]:
    """Person, stem of the picture, and mask, of a line of labels."""
    fields = [field.strip() for field in one_form(line).split(",")]
    if len(fields) != 3 or not all(fields) or not re.fullmatch(r"[0-9]{1,9}", fields[1]):
        raise FaceSetError(f"expected {_LABEL_LINE}; rename the file if it is something else")
    person, number, label = fields
    worn_mask = None if _NO_MASK.fullmatch(label) else label
    return person, f"{person}/{person}_{int(number):04d}", worn_mask


def _labels_text(path: Path) -> str:
    try:
        return read_text(path)
    except TextFileError as error:
        raise FaceSetError(str(error)) from error


def _missing(stem: str, labels: str) -> np.ndarray:
    raise UnreadablePictureError(f"{stem} has a label in {labels}, and there is no such picture")
