"""Find the face in a picture, masked or not: a chain of detectors, each for what the last one lost.

dlib's HOG detector (a histogram of oriented gradients) is the fastest and was made for bare faces;
MTCNN finds masked ones too. ``benchmarks/detection.py`` measures what each step finds, what it
finds wrongly, and what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import dlib
import numpy as np

from eumlib._common.errors import EumlibError

if TYPE_CHECKING:
    from eumlib.faces.mtcnn import FoundFaces

BORDER_SHARE = 0.25  # of the short side, replicated around a picture: for faces that fill it

# MTCNN's face as a HOG box, on whose like the landmark predictor was trained: how far below the
# middle of the eyes its centre lies, and its side, in widths of MTCNN's box. The eyes are what a
# mask leaves bare, and the box's own centre is off where a head is turned. Fitted by
# ``python benchmarks/detection.py fit``.
BELOW_THE_EYES, SIDE = 0.25, 1.1

Picture = np.ndarray
Finder = Callable[[Picture], Iterable["Box"]]


class FaceNotFoundError(EumlibError, ValueError):
    """No step of the chain found a face: a failure to acquire (FTA)."""

    reason = "no face found"


class Box(NamedTuple):
    """Where a face is, in pixels of the picture, as dlib's HOG detector frames faces."""

    left: int
    top: int
    right: int
    bottom: int


class Detection(NamedTuple):
    """A face that was found, and the step of the chain that found it."""

    box: Box
    detector: str


def find_by_hog(picture: Picture) -> list[Box]:
    """The faces that dlib's HOG detector finds; it looks for faces of 80 pixels and more."""
    found = _hog_detector()(picture, 0)
    return [Box(box.left(), box.top(), box.right(), box.bottom()) for box in found]


def find_by_mtcnn(picture: Picture) -> list[Box]:
    """The faces that MTCNN finds, at its usual thresholds."""
    from eumlib.faces.mtcnn import mtcnn

    return _as_hog_boxes(mtcnn().find(picture))


def find_by_eager_mtcnn(picture: Picture) -> list[Box]:
    """The faces that MTCNN finds at low thresholds, and more that are none."""
    from eumlib.faces.mtcnn import StageThresholds, mtcnn

    return _as_hog_boxes(mtcnn().find(picture, StageThresholds(0.3, 0.3, 0.3)))


def with_border(find: Finder) -> Finder:
    """The detector, looking at the picture with a replicated border."""

    def find_with_border(picture: Picture) -> list[Box]:
        margin = int(BORDER_SHARE * min(picture.shape[:2]))
        wide = cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_REPLICATE)
        return [Box(*(side - margin for side in box)) for box in find(wide)]

    return find_with_border


class FaceDetector:
    """MTCNN, then HOG: of several faces, the one that is large and near the centre.

    On a picture of which nothing is known, HOG first would save a few milliseconds, and find more
    faces that are none, behind masks above all.

    Taught in notebook 01.
    """

    steps: tuple[tuple[str, Finder], ...] = (
        ("mtcnn", find_by_mtcnn),
        ("mtcnn with border", with_border(find_by_mtcnn)),
        ("hog with border", with_border(find_by_hog)),
    )

    def accepts(self, box: Box, picture: Picture) -> bool:
        """Whether the box may be the face that is looked for: here, any."""
        return True

    def detect(self, picture: Picture) -> Detection:
        """The face in the picture.

        Args:
            picture: RGB, uint8, ``(height, width, 3)``.

        Raises:
            FaceNotFoundError: no step found one.
        """
        for name, find in self.steps:
            boxes = [box for box in find(picture) if self.accepts(box, picture)]
            if boxes:
                return Detection(max(boxes, key=lambda box: _prominence(box, picture)), name)
        tried = ", ".join(name for name, _ in self.steps)
        raise FaceNotFoundError(f"no face found by {tried}")


class CroppedFaceDetector(FaceDetector):
    """For pictures known to be crops of one face: what does not cover their centre is refused.

    Knowing that makes HOG safe as the first step, and low thresholds as the last.

    Taught in notebook 01.
    """

    steps = (
        ("hog", find_by_hog),
        ("mtcnn", find_by_mtcnn),
        ("mtcnn with border", with_border(find_by_mtcnn)),
        ("hog with border", with_border(find_by_hog)),
        ("eager mtcnn", find_by_eager_mtcnn),
        ("eager mtcnn with border", with_border(find_by_eager_mtcnn)),
    )

    def accepts(self, box: Box, picture: Picture) -> bool:
        """Whether the picture's centre lies in the box."""
        height, width = picture.shape[:2]
        return box.left < width / 2 < box.right and box.top < height / 2 < box.bottom


@lru_cache(maxsize=1)
def _hog_detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


def _as_hog_boxes(found: FoundFaces) -> list[Box]:
    widths = (found.boxes[:, 2] - found.boxes[:, 0])[:, None]
    centres = found.points[:, :2].mean(axis=1) + (0, BELOW_THE_EYES) * widths
    corners = np.hstack([centres - SIDE / 2 * widths, centres + SIDE / 2 * widths])
    return [Box(*row) for row in corners.round().astype(int).tolist()]


def _prominence(box: Box, picture: Picture) -> float:
    """The box's area, less for every pixel that it is off the centre."""
    height, width = picture.shape[:2]
    x, y = (box.left + box.right) // 2 - width // 2, (box.top + box.bottom) // 2 - height // 2
    return (box.right - box.left) * (box.bottom - box.top) - 2 * (x**2 + y**2)
