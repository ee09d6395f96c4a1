"""Pictures in tar files, read where they lie: the place of each is noted, nothing is unpacked.

Such a tar is one of WebDataset's, ``key.jpg`` with ``key.cls``, ``key.json`` (its ``identity``,
``label`` or ``cls``) or ``key.txt``, which says who it is; or it has one folder per person,
``Name/anything.jpg``.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from sys import intern
from typing import BinaryIO

import numpy as np

from eumlib._common.texts import one_form
from eumlib.faces.decoding import PICTURE_SUFFIXES, UNREAD_SUFFIXES, decode_picture
from eumlib.faces.face_set import Face
from eumlib.faces.folders import FaceSetError

TAR_LAYOUT = "key.jpg with key.cls, key.json or key.txt that says who it is, or Name/anything.jpg"
LONGEST_SIDECAR = 1 << 20  # bytes that say who it is
IDENTITY_FIELDS = ("identity", "label", "cls")
_SIDECARS = (".cls", ".json", ".txt")


@dataclass(frozen=True, slots=True)
class TarMember:
    """A picture in a tar file.

    Attributes:
        path: of the tar.
        name: of the member.
        start: of its bytes in the file.
        size: their number.
    """

    path: str
    name: str
    start: int
    size: int

    def __call__(self) -> np.ndarray:
        """The picture, as `eumlib.faces.read_picture` gives it.

        Raises:
            UnreadablePictureError: the member does not decode.
            FaceSetError: the tar has gone, or was changed since it was listed.
        """
        return decode_picture(io.BytesIO(self.content()), PurePosixPath(self.name).name)

    def content(self) -> bytes:
        """The member's bytes. FaceSetError: as above."""
        try:
            with open(self.path, "rb") as tar:
                return self.content_in(tar)
        except OSError as error:
            raise FaceSetError(f"{self.path}, {self.name} cannot be read: {error}") from error

    def content_in(self, tar: BinaryIO) -> bytes:
        """The member's bytes, from the open file."""
        tar.seek(self.start)
        content = tar.read(self.size)
        if len(content) < self.size:
            raise FaceSetError(f"{self.path} ends in the middle of {self.name}: get it whole")
        return content


def faces_of_tar(path: Path) -> list[Face]:
    """The pictures in a tar file, in their order, with who is on them.

    Raises:
        FaceSetError: the tar is damaged, or nothing says who is on a picture; the message names
            the member.
    """
    pictures: dict[str, TarMember] = {}
    sidecars: dict[tuple[str, str], TarMember] = {}
    with open(path, "rb") as tar:
        for member in _members(path, tar):
            place = PurePosixPath(member.name)
            suffix = place.suffix.lower()
            if place.name.startswith("."):
                continue
            if suffix in PICTURE_SUFFIXES + UNREAD_SUFFIXES:
                if pictures.setdefault(member.name, member) is not member:
                    raise FaceSetError(f"{path} has two members {member.name}: remove one")
            elif suffix in _SIDECARS:
                sidecars[_key_of(place), suffix] = member
        return [
            Face(
                one_form(f"{path.name}/{name}"),
                intern(one_form(_identity_of(member, sidecars, tar))),
                member,
                content=member.content,
            )
            for name, member in pictures.items()
        ]


def _members(path: Path, tar: BinaryIO) -> Iterator[TarMember]:
    """Every file in a tar.

    tarfile ends without a word where a header is damaged, or the file is cut off between members.
    """
    size, last, place = path.stat().st_size, "its beginning", str(path)
    try:
        with tarfile.open(fileobj=tar, mode="r:") as listed:
            while (member := listed.next()) is not None:
                listed.members.clear()  # it would keep them all
                last = member.name
                last.encode()
                if member.isreg():
                    if member.offset_data + member.size > size:
                        raise FaceSetError(f"{path} ends in the middle of {last}: get it whole")
                    yield TarMember(place, last, member.offset_data, member.size)
            tar.seek(listed.offset)
    except UnicodeEncodeError as error:  # tables of embeddings hold the names as UTF-8
        raise FaceSetError(f"{path} has a name that is not UTF-8: {error.object!r}") from None
    except (tarfile.TarError, OSError) as error:
        raise FaceSetError(
            f"{path} is not a tar file that can be read, it fails behind {last}: {error}"
        ) from error
    if tar.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise FaceSetError(f"{path} ends, or is damaged, behind {last}: get it whole")


def _key_of(place: PurePosixPath) -> str:
    """WebDataset's key: all up to the first dot of the name."""
    return str(place.parent / place.name.split(".")[0])


def _identity_of(
    member: TarMember, sidecars: Mapping[tuple[str, str], TarMember], tar: BinaryIO
) -> str:
    place = PurePosixPath(member.name)
    for suffix in _SIDECARS:
        if sidecar := sidecars.get((_key_of(place), suffix)):
            return _told_by(sidecar, tar)
    if not place.parent.name:
        raise FaceSetError(f"{member.path}: who is on {member.name}? Expected {TAR_LAYOUT}")
    return place.parent.name


def _told_by(sidecar: TarMember, tar: BinaryIO) -> str:
    """Who it is, of a member that says nothing else."""
    try:
        if sidecar.size > LONGEST_SIDECAR:
            raise ValueError(f"{sidecar.size} bytes")
        text = sidecar.content_in(tar).decode("utf-8-sig").strip()
        if sidecar.name.lower().endswith(".json"):
            told = json.loads(text)
            text = str(next(told[name] for name in IDENTITY_FIELDS if name in told))
        if not text or "\n" in text:
            raise ValueError(repr(text[:40]))
    except (ValueError, TypeError, StopIteration) as error:
        raise FaceSetError(
            f"{sidecar.path}: {sidecar.name} does not say who it is; expected one line, or JSON "
            f"with {' or '.join(IDENTITY_FIELDS)} ({error})"
        ) from error
    return text
