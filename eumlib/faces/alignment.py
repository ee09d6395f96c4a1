"""The face turned upright and cut out: the aligned chip that a recogniser reads.

A recogniser reads chips as it was trained on them. dlib's are cut by dlib itself, from all 68
landmarks; ArcFace's by five points that a similarity transform lays onto a fixed template.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import dlib
import numpy as np

from eumlib._common.errors import EumlibError
from eumlib.faces.landmarks import check_landmarks

# InsightFace's template for chips of 112 × 112: x and y of the centres of the eyes, the tip of the
# nose and the corners of the mouth; left is left in the picture.
ARCFACE_SIZE = 112
ARCFACE_TEMPLATE = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)

# Pixels between the centres of the eyes. LFW pairs of which one picture was shrunk, dlib's
# recogniser: EER 0.8 % at 40 pixels (as they are), 1.0 at 20, 2.4 at 10, 4.4 at 8, 7.9 at 6. Below
# 10 the number would be about the picture, not about the face or its mask.
EYES_APART = 10

# How far the five points must agree with the template. LFW faces: 0.87 and more, a face seen
# almost from the side still 0.8; points on one line 0.4, a face whose left and right are exchanged
# 0.05.
AGREEMENT = 0.5


class AlignmentError(EumlibError, ValueError):
    """The landmarks do not say well enough where the face is: a failure to acquire (FTA)."""

    reason = "landmarks not those of a face"


class FaceTooSmallError(AlignmentError):
    """The eyes are closer than `EYES_APART`."""

    reason = "face too small to align"


class Similarity(NamedTuple):
    """A turn, one scale and a shift of the plane: ``x ↦ matrix[:, :2] @ x + matrix[:, 2]``.

    Attributes:
        matrix: ``(2, 3)`` float64.
        scale: how many times longer a distance becomes.
        agreement: the share of the target's variance that the fit explains, in [0, 1].
    """

    matrix: np.ndarray
    scale: float
    agreement: float


def fit_similarity(points: np.ndarray, target: np.ndarray) -> Similarity:
    """The similarity transform that lays the points onto the target with the least squares.

    With points and targets as complex numbers z and w, less their means, it is the one factor
    a = Σ z̄w / Σ z̄z: its length is the scale, its angle the turn. It never mirrors. The result is
    that of Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", 1991, equations 40 to 42, in the plane.

    Args:
        points: ``(n, 2)``, not all the same.
        target: ``(n, 2)``, not all the same.

    Raises:
        ValueError: shapes that differ from each other or from ``(n, 2)``.
    """
    points, target = np.asarray(points, float), np.asarray(target, float)
    if points.shape != target.shape or points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(
            f"points and target must both be (n, 2), not {points.shape} and {target.shape}"
        )
    z, w = (shape @ (1, 1j) for shape in (points - points.mean(0), target - target.mean(0)))
    factor = np.vdot(z, w) / np.vdot(z, z).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    shift = target.mean(0) - turn @ points.mean(0)
    explained = abs(factor) ** 2 * np.vdot(z, z).real / np.vdot(w, w).real
    return Similarity(np.column_stack([turn, shift]), abs(factor), explained)


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Centres of the eyes, tip of the nose, corners of the mouth: ``(68, 2)`` to ``(5, 2)``.

    Raises:
        ValueError: landmarks of another shape.
    """
    check_landmarks(landmarks)
    landmarks = np.asarray(landmarks, float)
    eyes = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    return np.array([*eyes, landmarks[30], landmarks[48], landmarks[54]])


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
        RGB, uint8, ``(size, size, 3)``; black where the picture ends.

    Raises:
        FaceTooSmallError: the eyes are closer than `EYES_APART`.
        ValueError: landmarks of another shape.
    """
    _check_eyes(five_points(landmarks))
    points = dlib.points([dlib.point(int(x), int(y)) for x, y in landmarks])
    face = dlib.full_object_detection(dlib.rectangle(), points)
    return dlib.get_face_chip(picture, face, size=size, padding=padding)


def align_five_points(
    picture: np.ndarray, landmarks: np.ndarray, size: int = ARCFACE_SIZE
) -> np.ndarray:
    """The face turned upright and cut out, as ArcFace and its relatives expect it.

    The five points of the face are laid onto ArcFace's template by the best similarity transform
    (Deng et al., "ArcFace", 2019, section 3.1). A face larger than the chip is averaged over the
    area of each pixel, so that fine texture does not turn into a false pattern.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``.
        landmarks: ``(68, 2)``, in pixels of the picture.
        size: side of the chip in pixels; the template grows with it.

    Returns:
        RGB, uint8, ``(size, size, 3)``; black where the picture ends.

    Raises:
        FaceTooSmallError: the eyes are closer than `EYES_APART`.
        AlignmentError: the points do not lie as those of a face do.
        ValueError: landmarks of another shape.

    Taught in notebook 01.
    """
    points = five_points(landmarks)
    _check_eyes(points)
    fit = fit_similarity(points, ARCFACE_TEMPLATE * (size / ARCFACE_SIZE))
    if not fit.agreement >= AGREEMENT:
        raise AlignmentError(
            f"eyes, nose and mouth do not lie as in a face: they agree with the template to "
            f"{fit.agreement:.0%}, {AGREEMENT:.0%} are needed"
        )
    finer = int(np.ceil(1 / fit.scale))  # so that no pixel of the picture is skipped
    matrix = finer * fit.matrix
    matrix[:, 2] += (finer - 1) / 2  # pixel centres: u in the chip is finer · u + (finer − 1) / 2
    chip = cv2.warpAffine(picture, matrix, (finer * size, finer * size))
    return cv2.resize(chip, (size, size), interpolation=cv2.INTER_AREA)


def _check_eyes(points: np.ndarray) -> None:
    apart = float(np.linalg.norm(points[1] - points[0]))
    if not apart >= EYES_APART:
        raise FaceTooSmallError(
            f"the eyes are {apart:.1f} pixels apart, {EYES_APART} are needed: take a picture "
            f"in which the face is larger"
        )
