"""Small blurred pictures: faces of LFW with painted masks that fill them, and none with a face.

They stand in for pictures that people took of each other: 48 to 80 pixels of detail, cut tightly,
compressed, some enlarged again. Nobody of LFW's test part is on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from eumlib.faces import (
    LFW_SHARES,
    CroppedFaceDetector,
    Face,
    FaceNotFoundError,
    FaceSet,
    split_by_identity,
)
from eumlib.faces.decoding import to_working_size
from eumlib.faces.detection import Box
from eumlib.faces.landmarks import cropped_landmark_finder
from eumlib.masks import CLOTH, RESPIRATOR, SURGICAL, RandomMasks, paint_mask

DETAIL = (48, 81)  # pixels a side, before some are enlarged
ENLARGED = (112, 161)
CROP = (1.1, 1.7)  # sides of the face's box
ASIDE = 0.12  # sides of the box that a crop's centre is off the face's, at most
TILT = 15  # degrees
LIFELIKE = RandomMasks(1, (SURGICAL, RESPIRATOR, CLOTH))
LFW_SIDE = 250


class SmallPicture(NamedTuple):
    """A picture at working size.

    Attributes:
        kind: what it shows, in words.
        picture: RGB, uint8, ``(height, width, 3)``.
        face: the box in which the face is; None where there is none.
    """

    kind: str
    picture: np.ndarray
    face: Box | None


def people_of(faces: FaceSet, part: str) -> list[Face]:
    """One picture of everyone in that part of LFW."""
    first = {face.identity: face for face in reversed(faces)}
    parts = split_by_identity(list(first), LFW_SHARES)
    return [face for face, of in zip(first.values(), parts, strict=True) if of == part]


def small_pictures(face: Face, seed: int) -> Iterator[SmallPicture]:
    """The face bare and with each lifelike mask, and as many kinds of pictures without a face."""
    random = np.random.default_rng(seed)
    picture = face.read()
    try:
        box = CroppedFaceDetector().detect(picture).box
    except FaceNotFoundError:
        return
    landmarks = cropped_landmark_finder().find(picture)
    yield _cut_around("bare face", picture, box, random)
    for mask in LIFELIKE.masks_for(face):
        masked = paint_mask(picture, landmarks, mask)
        yield _cut_around("masked face", masked, box, random)
    for kind, shown in (
        ("background", _background(picture, box, random)),
        ("mask alone", _below_the_nose(masked, landmarks)),
        ("cloth", _cloth(random)),
        ("button or logo", _drawing(random)),
        ("noise", _noise(random)),
    ):
        yield SmallPicture(kind, _small(shown, random), None)


def _cut_around(
    kind: str, picture: np.ndarray, box: Box, random: np.random.Generator
) -> SmallPicture:
    side = box.right - box.left
    middle = np.array([box.left + box.right, box.top + box.bottom]) / 2
    turn = cv2.getRotationMatrix2D(middle.tolist(), random.uniform(-TILT, TILT), 1)
    half = side * random.uniform(*CROP) / 2
    low = np.round(middle + random.uniform(-ASIDE, ASIDE, 2) * side - half).astype(int)
    turn[:, 2] -= low
    size = round(2 * half)
    crop = cv2.warpAffine(picture, turn, (size, size), borderMode=cv2.BORDER_REFLECT)
    shown = _small(crop, random)
    scale = len(shown) / size
    left, top = (middle - low - side / 2) * scale
    return SmallPicture(
        kind,
        shown,
        Box(*(round(edge) for edge in (left, top, left + side * scale, top + side * scale))),
    )


def _small(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What is left of a square picture, at working size."""
    detail = int(random.integers(*DETAIL))
    small = cv2.resize(picture, (detail, detail), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), random.uniform(0.3, 1.3))
    if random.random() < 0.5:
        side = int(random.integers(*ENLARGED))
        small = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    quality = int(random.integers(35, 90))
    _, packed = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return to_working_size(np.ascontiguousarray(cv2.imdecode(packed, 1)[:, :, ::-1]))


def _background(picture: np.ndarray, box: Box, random: np.random.Generator) -> np.ndarray:
    """A square at the left or right edge, beside the face; clothes and, seldom, other people."""
    side = min(int(random.integers(60, 90)), max(40, box.left, picture.shape[1] - box.right))
    left = 0 if box.left > picture.shape[1] - box.right else picture.shape[1] - side
    top = int(random.integers(0, picture.shape[0] - side))
    return picture[top : top + side, left : left + side]


def _below_the_nose(masked: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """A square of the painted mask, without the eyes."""
    left, right = landmarks[3, 0], landmarks[13, 0]
    top, side = landmarks[29, 1], max(30, right - left)
    wide = cv2.copyMakeBorder(masked, *[LFW_SIDE] * 4, cv2.BORDER_REFLECT)
    top, left = top + LFW_SIDE, left + LFW_SIDE
    return wide[top : top + side, left : left + side]


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(value) for value in random.integers(0, 256, 3))


def _cloth(random: np.random.Generator) -> np.ndarray:
    """Stripes, checks or dots, bent by soft noise."""
    rows, columns = np.mgrid[:160, :160].astype(np.float32)
    bend = cv2.GaussianBlur(random.normal(size=(160, 160)).astype(np.float32), (0, 0), 20) * 300
    period = random.uniform(8, 50)
    across, down = (np.sin(2 * np.pi * (axis + bend) / period) for axis in (columns, rows))
    weave = (across, across * down, np.maximum(across, down), (across + down > 1) * 2.0 - 1)
    share = (weave[random.integers(len(weave))][:, :, None] + 1) / 2
    light = 0.75 + 0.25 * np.sin((rows + columns) / random.uniform(20, 60))[:, :, None]
    cloth = share * _colour(random) + (1 - share) * _colour(random)
    return (light * cloth).clip(0, 255).astype(np.uint8)


def _drawing(random: np.random.Generator) -> np.ndarray:
    """A disc or a square with holes, rings or letters on it."""
    picture = np.full((160, 160, 3), _colour(random), np.uint8)
    middle = tuple(int(value) for value in random.integers(65, 96, 2))
    radius, ink = int(random.integers(35, 75)), _colour(random)
    if random.random() < 0.7:
        cv2.circle(picture, middle, radius, _colour(random), -1, cv2.LINE_AA)
        cv2.circle(picture, middle, int(0.85 * radius), ink, 3, cv2.LINE_AA)
    else:
        corners = [tuple(m + way * radius for m in middle) for way in (-1, 1)]
        cv2.rectangle(picture, *corners, _colour(random), -1)
    if random.random() < 0.5:
        holes, start = int(random.integers(2, 5)), random.uniform(0, np.pi)
        for angle in start + 2 * np.pi * np.arange(holes) / holes:
            aside = 0.3 * radius * np.array([np.cos(angle), np.sin(angle)])
            at = np.round(middle + aside).astype(int).tolist()
            cv2.circle(picture, at, max(3, radius // 8), ink, -1, cv2.LINE_AA)
    else:
        text = "".join(chr(65 + letter) for letter in random.integers(0, 26, 3))
        at = (middle[0] - int(0.7 * radius), middle[1] + radius // 4)
        cv2.putText(picture, text, at, 0, radius / 45, ink, 4, cv2.LINE_AA)
    return picture


def _noise(random: np.random.Generator) -> np.ndarray:
    """Blurred noise, at any scale."""
    noise = cv2.GaussianBlur(random.normal(size=(160, 160, 3)), (0, 0), random.uniform(0.5, 15))
    return (128 + noise * (random.uniform(25, 60) / noise.std())).clip(0, 255).astype(np.uint8)
