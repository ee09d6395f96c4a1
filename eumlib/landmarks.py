"""Find the face, its 68 landmarks, and the aligned chip that a recogniser reads.

The 68 points follow the iBUG 300-W scheme, counted from 0: jaw 0–16, brows 17–26, nose 27–35,
eyes 36–47, mouth 48–67.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import dlib
import numpy as np

from eumlib.fetching import fetch

BORDER_SHARE = 0.25  # of the short side, replicated around a picture in the second attempt


class FaceNotFoundError(ValueError):
    """The detector found no face: a failure to acquire (FTA)."""


class LandmarkFinder:
    """dlib's HOG face detector, then dlib's predictor of 68 landmarks.

    A picture in which no face is found is tried again with a replicated border, for faces that fill
    their frame. Where several faces are found, the one that is large and near the centre is taken.

    Taught in notebook 01.
    """

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(fetch("shape_predictor_68_face_landmarks.dat")))

    def find(self, picture: np.ndarray) -> np.ndarray:
        """The landmarks of the face in the picture.

        Args:
            picture: RGB, uint8, ``(height, width, 3)``.

        Returns:
            ``(68, 2)`` int32, x and y in pixels; points may lie outside the picture.

        Raises:
            FaceNotFoundError: no face was found.
        """
        border = int(BORDER_SHARE * min(picture.shape[:2]))
        for margin in (0, border):
            searched = cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_REPLICATE)
            boxes = self._detector(searched, 0)
            if len(boxes):
                height, width = searched.shape[:2]
                box = max(boxes, key=lambda box: _prominence(box, width / 2, height / 2))
                shape = self._predictor(searched, box)
                points = [(point.x - margin, point.y - margin) for point in shape.parts()]
                return np.array(points, dtype=np.int32)
        raise FaceNotFoundError("no face found by the HOG detector, with and without a border")


def _prominence(box: dlib.rectangle, centre_x: float, centre_y: float) -> float:
    offset = box.center() - dlib.point(int(centre_x), int(centre_y))
    return box.area() - 2 * (offset.x**2 + offset.y**2)


@lru_cache(maxsize=1)
def landmark_finder() -> LandmarkFinder:
    """The one finder of this process: its model takes a second to load."""
    return LandmarkFinder()


def align_chip(
    picture: np.ndarray, landmarks: np.ndarray, size: int = 150, padding: float = 0.25
) -> np.ndarray:
    """The face turned upright and cut out, as dlib's recogniser expects it.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``.
        landmarks: ``(68, 2)``, in pixels of the picture.
        size: side of the chip in pixels.
        padding: room around the face, as a share of its size.

    Returns:
        RGB, uint8, ``(size, size, 3)``.

    Raises:
        ValueError: landmarks of another shape.

    Taught in notebook 01.
    """
    check_landmarks(landmarks)
    points = dlib.points([dlib.point(int(x), int(y)) for x, y in landmarks])
    face = dlib.full_object_detection(dlib.rectangle(), points)
    return dlib.get_face_chip(picture, face, size=size, padding=padding)


def check_landmarks(landmarks: np.ndarray) -> None:
    """Raise ValueError unless `landmarks` is ``(68, 2)``."""
    if np.shape(landmarks) != (68, 2):
        raise ValueError(f"landmarks must have shape (68, 2), not {np.shape(landmarks)}")
