"""What a node of a cluster needs to compute shards, and how it makes sure that it can.

Bits are the same on two machines only where the libraries are, and where both see the same
pictures. A node that sees none would otherwise call every one of them a failure to acquire.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import dlib
import numpy as np
import PIL
import torch

import eumlib
from eumlib._common.errors import EumlibError
from eumlib.embeddings.extraction import VERSION, Extraction, ExtractionError, Shard, Step
from eumlib.faces import Face, UnreadablePictureError

STEP_SECONDS = 1.0  # between two messages of a worker


def versions() -> dict[str, str]:
    """What decides the digits of an embedding, in this process."""
    libraries = {module.__name__: module.__version__ for module in (cv2, dlib, np, PIL, torch)}
    return {"eumlib": eumlib.__version__, "extraction": VERSION, **libraries}


@dataclass(frozen=True)
class Order:
    """What all shards of an extraction share; each comes with its own faces.

    Attributes:
        extraction: without faces, for one process.
        sample: a picture that the machine could read that asked for the work; None if it found
            none.
        pixels: the hash of its pixels there.
    """

    extraction: Extraction
    sample: Face | None
    pixels: str

    @classmethod
    def of(cls, extraction: Extraction, faces: Sequence[Face]) -> Order:
        """The order of an extraction; the sample is the first of the faces that can be read."""
        alone = replace(extraction, face_set=replace(extraction.face_set, faces=()), workers=1)
        for face in faces:
            try:
                return cls(alone, face, _hash_of(face))
            except UnreadablePictureError:
                continue
        return cls(alone, None, "")

    def begin(self) -> None:
        """Prepare this process, a core of a node.

        Raises:
            ExtractionError: the sample is another picture here, or is not there.
        """
        cv2.setNumThreads(1)
        if self.sample is None:
            return
        named = f"{self.sample.image_id} of {self.extraction.face_set.name}"
        mend = "let every node have the same pictures under the same path"
        try:
            seen = _hash_of(self.sample)
        except EumlibError as error:
            raise ExtractionError(f"{named} cannot be read there: {error}; {mend}") from error
        if seen != self.pixels:
            raise ExtractionError(f"{named} has other pixels there than here; {mend}")

    def steps(self, shard: Shard) -> Iterator[Step]:
        """`Extraction.steps` of one shard, gathered so that a second lies between two."""
        done, told = 0, time.monotonic()
        for step in self.extraction.steps([shard]):
            done += step.faces
            if step.table is not None or time.monotonic() - told > STEP_SECONDS:
                yield step._replace(faces=done)
                done, told = 0, time.monotonic()


def _hash_of(face: Face) -> str:
    return hashlib.sha256(face.read().tobytes()).hexdigest()
