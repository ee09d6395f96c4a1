"""Find the 68 landmarks of a face.

The 68 points follow the iBUG 300-W scheme, counted from 0: jaw 0–16, brows 17–26, nose 27–35,
eyes 36–47, mouth 48–67.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import dlib
import numpy as np

from eumlib._common.fetching import fetch
from eumlib.faces.decoding import UnreadablePictureError
from eumlib.faces.detection import CroppedFaceDetector, FaceDetector, FaceNotFoundError
from eumlib.faces.face_set import Face, FaceSet


class LocatedFace(NamedTuple):
    """Where a face is.

    Attributes:
        landmarks: ``(68, 2)`` int32, x and y in pixels; points may lie outside the picture.
        detector: the step of the detector chain that found the face.
    """

    landmarks: np.ndarray
    detector: str


class LandmarkFinder:
    """A face detector, then dlib's predictor of 68 landmarks (Kazemi and Sullivan, 2014).

    Taught in notebook 01.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._predictor = _predictor()

    def locate(self, picture: np.ndarray) -> LocatedFace:
        """The landmarks of the face in the picture, and how it was found.

        Args:
            picture: RGB, uint8, ``(height, width, 3)``.

        Raises:
            FaceNotFoundError: no face was found.
        """
        found = self._detector.detect(picture)
        shape = self._predictor(picture, dlib.rectangle(*found.box))
        points = [(point.x, point.y) for point in shape.parts()]
        return LocatedFace(np.array(points, dtype=np.int32), found.detector)

    def find(self, picture: np.ndarray) -> np.ndarray:
        """The landmarks alone, ``(68, 2)`` int32; as `locate`."""
        return self.locate(picture).landmarks


@lru_cache(maxsize=1)
def landmark_finder() -> LandmarkFinder:
    """This process's finder for pictures of which nothing is known."""
    return LandmarkFinder(FaceDetector())


@lru_cache(maxsize=1)
def cropped_landmark_finder() -> LandmarkFinder:
    """This process's finder for pictures that are crops of one face."""
    return LandmarkFinder(CroppedFaceDetector())


def finder_source(face_set: FaceSet) -> Callable[[], LandmarkFinder]:
    """Gives, in any process, the finder that suits the face set."""
    return cropped_landmark_finder if face_set.one_face else landmark_finder


def finder_for(face_set: FaceSet) -> LandmarkFinder:
    """The finder that suits the face set, by what is known of its pictures."""
    return finder_source(face_set)()


@lru_cache(maxsize=1)
def _predictor() -> dlib.shape_predictor:
    return dlib.shape_predictor(str(fetch("shape_predictor_68_face_landmarks.dat")))


def where_found(faces: Iterable[Face], finder: LandmarkFinder) -> Iterator[Face]:
    """Those whose picture decodes and shows a face that is found, in their order, one by one.

    To look at some; who counts, counts the others, too (`eumlib.embeddings.failures`).
    """
    for face in faces:
        try:
            finder.locate(face.read())
        except (UnreadablePictureError, FaceNotFoundError):
            continue
        yield face


def check_landmarks(landmarks: np.ndarray) -> None:
    """Raise ValueError unless `landmarks` is ``(68, 2)``."""
    if np.shape(landmarks) != (68, 2):
        raise ValueError(f"landmarks must have shape (68, 2), not {np.shape(landmarks)}")
