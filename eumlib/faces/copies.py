"""Pictures that are there twice: files that are the same, byte for byte.

Under two people, one photograph makes a non-mated pair of the highest score, which no threshold can
refuse. Under one person it makes a mated pair that is recognised without effort.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from eumlib._common.progress import progress_bar
from eumlib.faces.face_set import Face

SECONDS_UNTOLD = 5  # of reading, before progress is shown


def copies_among(faces: Iterable[Face]) -> list[tuple[Face, ...]]:
    """The faces that have one file in common, two or more at a time, in their order.

    Faces without a file of their own, and those whose file cannot be read, are alone.

    Taught in notebook 01.
    """
    faces = [face for face in faces if face.content]
    alike: dict[bytes | int, list[Face]] = {}
    with progress_bar(len(faces), "comparing files", "file", delay=SECONDS_UNTOLD) as progress:
        for place, face in enumerate(faces):
            alike.setdefault(_digest(face) or place, []).append(face)
            progress.update()
    return [tuple(group) for group in alike.values() if len(group) > 1]


def _digest(face: Face) -> bytes | None:
    try:
        return hashlib.sha256(face.content()).digest()
    except OSError:  # who reads the picture says so
        return None
