"""Find the face in a picture, masked or not: a chain of detectors, each for what the last one lost.

dlib's HOG detector (a histogram of oriented gradients) is the fastest and was made for bare faces;
MTCNN finds masked ones too. ``benchmarks/detection.py`` measures what each step finds, what it
finds wrongly, and what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

# For faces that MTCNN is unsure of; chosen on small pictures of LFW's training people, where the
# chains lost far fewer faces and found no more that are none (``benchmarks/detection.py small``).
FILLING_SHARE = 0.4  # of the short side: narrower boxes are no face that fills its picture
SAME_PLACE = 0.5  # intersection over union of one face's boxes in two views
LEAST_MEAN_SCORE = 0.4  # over all views
LEAST_MEAN_SCORE_OF_CROPS = 0.3  # lower, as with a crop of one face there is one to be found

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

    return as_hog_boxes(mtcnn().find(picture))


def with_border(find: Finder) -> Finder:
    """The detector, looking at the picture with a replicated border."""

    def find_with_border(picture: Picture) -> list[Box]:
        wide, margin = _widened(picture)
        return [Box(*(side - margin for side in box)) for box in find(wide)]

    return find_with_border


def find_by_agreement(picture: Picture) -> list[Box]:
    """The face that fills the picture, where MTCNN's four views of it agree, unsure as each may be.

    The views are the picture behind its border, in colour and in grey, each also in the mirror. A
    face scores about the same in all; what only looks like one in some seldom does in the others.
    """
    return _agreed(picture, LEAST_MEAN_SCORE)


def find_by_agreement_in_crop(picture: Picture) -> list[Box]:
    """As `find_by_agreement`, for a picture that is known to be a crop of one face."""
    return _agreed(picture, LEAST_MEAN_SCORE_OF_CROPS)


class FaceDetector:
    """MTCNN, the agreement of its views last: of several faces, the large one near the centre.

    On a picture of which nothing is known, HOG would save a few milliseconds as the first step, and
    find more faces that are none, behind masks above all; as the last, on buttons.

    Taught in notebook 01.
    """

    steps: tuple[tuple[str, Finder], ...] = (
        ("mtcnn", find_by_mtcnn),
        ("mtcnn with border", with_border(find_by_mtcnn)),
        ("mtcnn by agreement", find_by_agreement),
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

    Knowing that makes HOG safe as the first step, and views that hardly agree as the last.

    Taught in notebook 01.
    """

    steps = (
        ("hog", find_by_hog),
        ("mtcnn", find_by_mtcnn),
        ("mtcnn with border", with_border(find_by_mtcnn)),
        ("hog with border", with_border(find_by_hog)),
        ("mtcnn by agreement", find_by_agreement_in_crop),
    )

    def accepts(self, box: Box, picture: Picture) -> bool:
        """Whether the picture's centre lies in the box."""
        return _covers_centre(box, picture)


@lru_cache(maxsize=1)
def _hog_detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


def as_hog_boxes(found: FoundFaces) -> list[Box]:
    """MTCNN's faces, framed as HOG frames them."""
    widths = (found.boxes[:, 2] - found.boxes[:, 0])[:, None]
    centres = found.points[:, :2].mean(axis=1) + (0, BELOW_THE_EYES) * widths
    corners = np.hstack([centres - SIDE / 2 * widths, centres + SIDE / 2 * widths])
    return [Box(*row) for row in corners.round().astype(int).tolist()]


def _agreed(picture: Picture, least: float) -> list[Box]:
    """The box with the highest mean score over all views, if that is at least `least`."""
    views = _scored_views(picture)
    smallest = FILLING_SHARE * min(picture.shape[:2])
    candidates = [
        (box, score)
        for box, score in next(views)
        if box.right - box.left >= smallest and _covers_centre(box, picture)
    ]
    others = list(views) if candidates else []
    best, most = [], least
    for box, score in candidates:
        scores = [score]
        for view in others:  # one that shows no face there has a say too
            there = [s for other, s in view if _overlap(box, other) >= SAME_PLACE]
            scores.append(max(there, default=0))
        if np.mean(scores) >= most:
            best, most = [box], np.mean(scores)
    return best


def _scored_views(picture: Picture) -> Iterator[list[tuple[Box, float]]]:
    """For each of the four views, MTCNN's boxes at very low thresholds, and their scores."""
    from eumlib.faces.mtcnn import StageThresholds, mtcnn

    wide, margin = _widened(picture)
    grey = cv2.cvtColor(cv2.cvtColor(wide, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    for view in (wide, grey):
        for mirrored in (False, True):
            shown = np.ascontiguousarray(view[:, ::-1]) if mirrored else view
            found = mtcnn().find(shown, StageThresholds(0.2, 0.05, 0.01))
            boxes = as_hog_boxes(found)
            if mirrored:
                width = view.shape[1]
                boxes = [Box(width - b.right, b.top, width - b.left, b.bottom) for b in boxes]
            boxes = [Box(*(side - margin for side in box)) for box in boxes]
            yield list(zip(boxes, found.scores.tolist(), strict=True))


def _widened(picture: Picture) -> tuple[Picture, int]:
    """The picture with a replicated border, and how many pixels that is wide."""
    margin = int(BORDER_SHARE * min(picture.shape[:2]))
    return cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_REPLICATE), margin


def _covers_centre(box: Box, picture: Picture) -> bool:
    height, width = picture.shape[:2]
    return box.left < width / 2 < box.right and box.top < height / 2 < box.bottom


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared else 0


def _prominence(box: Box, picture: Picture) -> float:
    """The box's area, less for every pixel that it is off the centre."""
    height, width = picture.shape[:2]
    x, y = (box.left + box.right) // 2 - width // 2, (box.top + box.bottom) // 2 - height // 2
    return (box.right - box.left) * (box.bottom - box.top) - 2 * (x**2 + y**2)
