"""Packed pictures as a face set: a folder of tar or Parquet files, read where they lie.

Sets of millions of photographs come so, since as many single files are slow to list and to copy.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from eumlib._common.progress import progress_bar
from eumlib.faces.face_set import Face, FaceSet
from eumlib.faces.folders import FaceSetError, announce_many, require_two_people
from eumlib.faces.parquet_files import faces_of_parquet
from eumlib.faces.tar_files import TAR_LAYOUT, faces_of_tar

PACKED_SUFFIXES = (".tar", ".parquet")
COMPRESSED_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


def packed_faces(root: Path | str, one_face: bool = False) -> FaceSet:
    """A folder of tar or Parquet files of pictures, in the order of their names.

    Image ids are ``shard.tar/member.jpg`` and ``shard.parquet/000012``, the number of the row. A
    picture that does not decode stays in the set: reading it raises, and extraction records it.

    Args:
        root: the folder.
        one_face: whether every picture is a crop of one face, as a matter of fact.

    Raises:
        FaceSetError: no such files; one that is damaged, compressed, or has no pictures; a picture
            of which nothing says who it is; fewer than two people. The message names file and
            member.
    """
    root = Path(os.path.expanduser(root)).resolve()
    paths = _packed_files(root)
    faces: list[Face] = []
    digest = hashlib.sha256()
    with progress_bar(len(paths), f"listing {root.name}", "file", delay=2) as progress:
        for path in paths:
            found = (faces_of_tar if path.suffix == ".tar" else faces_of_parquet)(path)
            if not found:
                raise FaceSetError(f"{path} has no pictures; expected {TAR_LAYOUT}")
            faces += found
            status = path.stat()
            digest.update(os.fsencode(f"{path} {status.st_size} {status.st_mtime_ns}\n"))
            progress.update()
    require_two_people([face.identity for face in faces], root, TAR_LAYOUT)
    announce_many(root, len(faces))
    return FaceSet(root.name, tuple(faces), digest.hexdigest(), one_face)


def is_packed(root: Path | str) -> bool:
    """Whether tar or Parquet files lie in the folder, and no folder of a person."""
    folder = Path(os.path.expanduser(root))
    if not os.access(folder, os.R_OK | os.X_OK):
        return False
    visible = [path for path in folder.iterdir() if path.name[0] != "."]
    names = [path.name for path in visible if path.is_file()]
    packed = any(name.endswith(PACKED_SUFFIXES + COMPRESSED_SUFFIXES) for name in names)
    return packed and not any(path.is_dir() for path in visible)


def _packed_files(root: Path) -> list[Path]:
    paths = sorted(path for path in root.iterdir() if path.is_file() and path.name[0] != ".")
    for path in paths:
        if path.name.endswith(COMPRESSED_SUFFIXES):
            raise FaceSetError(
                f"{path} is compressed as a whole, so its pictures cannot be read where they lie: "
                f"put the .tar that is in it in its place"
            )
    return [path for path in paths if path.suffix in PACKED_SUFFIXES]
