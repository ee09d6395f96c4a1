"""The paper's six flat masks, from 68 landmarks: an outline, filled with one colour.

The shapes are those of Boutros et al. (arXiv 2103.01716): wide ones follow the jaw, round ones are
ellipses; each comes in three coverages of the nose, as in NIST's FRVT Part 6 (NISTIR 8311).

==== ======= ======== ==================
type width   coverage top edge
==== ======= ======== ==================
a    wide    high     nasion
b    round   high     upper nose bridge
c    wide    medium   lower nose bridge
d    round   medium   lower nose bridge
e    wide    low      under the nose
f    round   low      below the bridge
==== ======= ======== ==================
"""

from __future__ import annotations

import cv2
import numpy as np

from eumlib.faces.landmarks import check_landmarks

WIDTHS = ("wide", "round")
COVERAGES = ("high", "medium", "low")
FLAT_SHAPES = ("a", "b", "c", "d", "e", "f")
FLAT_SHAPE_NAMES = {
    shape: f"{WIDTHS[place % 2]}, {COVERAGES[place // 2]}"
    for place, shape in enumerate(FLAT_SHAPES)
}
_ELLIPSE_ANGLES = np.linspace(0, 2 * np.pi, 128, endpoint=False)
_SUBPIXEL_BITS = 4


def flat_shape(width: str, coverage: str) -> str:
    """The shape by NIST's words: width ``"wide"`` or ``"round"``, coverage ``"high"`` to ``"low"``.

    >>> flat_shape("round", "medium")
    'd'

    Raises:
        ValueError: another width or coverage.
    """
    names = {name: shape for shape, name in FLAT_SHAPE_NAMES.items()}
    if f"{width}, {coverage}" not in names:
        raise ValueError(
            f"no flat mask is {width!r} and {coverage!r}; widths: {', '.join(WIDTHS)}; "
            f"coverages: {', '.join(COVERAGES)}"
        )
    return names[f"{width}, {coverage}"]


def mask_outline(landmarks: np.ndarray, shape: str) -> np.ndarray:
    """The mask's outline as a closed polygon.

    Args:
        landmarks: ``(68, 2)``, in pixels.
        shape: ``"a"`` to ``"f"``. Ellipses (b, d, f) have their centre at x of landmark 28, reach
            from the top edge to landmark 8, and are 0.8 times as wide as landmarks 3 to 13.

    Returns:
        ``(m, 2)`` float64, x and y in pixels of the picture.

    Raises:
        ValueError: unknown shape, landmarks of another shape than ``(68, 2)``.
    """
    check_landmarks(landmarks)
    points = np.asarray(landmarks, dtype=np.float64)
    jaw = points[1:16]
    match shape:
        case "a":
            right_top, left_top = (points[42, 0], points[15, 1]), (points[39, 0], points[1, 1])
            return np.vstack([jaw, right_top, points[27], left_top])
        case "b":
            return _ellipse(points, top=(points[27, 1] + points[28, 1]) / 2)
        case "c":
            return np.vstack([jaw, points[29]])
        case "d":
            return _ellipse(points, top=points[29, 1])
        case "e":
            return np.vstack([jaw, points[35:30:-1]])
        case "f":
            return _ellipse(points, top=points[29, 1] + 0.33 * (points[46, 0] - points[40, 0]))
    raise ValueError(f"no flat mask shape {shape!r}; there are {', '.join(FLAT_SHAPES)}")


def paint_flat(
    picture: np.ndarray, landmarks: np.ndarray, shape: str, colour: tuple[int, int, int]
) -> np.ndarray:
    """A copy of the picture with the mask filled in its one flat colour.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``; it is not changed.
        landmarks: ``(68, 2)``, in pixels of the picture.
        shape: ``"a"`` to ``"f"``.
        colour: RGB, each value 0 to 255.

    Returns:
        RGB, uint8, the picture's shape.

    Raises:
        ValueError: as in `mask_outline`.

    Taught in notebook 02.
    """
    outline = mask_outline(landmarks, shape)
    height, width = picture.shape[:2]
    beyond = np.concatenate([-outline, outline - (width, height)]).max()
    # A polygon that leaves the picture would be drawn along its edge: paint on a larger one.
    margin = max(0, int(np.ceil(beyond)) + 1)
    canvas = cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_CONSTANT)
    corners = ((outline + margin) * 2**_SUBPIXEL_BITS).round().astype(np.int32)
    cv2.fillPoly(canvas, [corners], colour, shift=_SUBPIXEL_BITS)
    return canvas[margin : margin + height, margin : margin + width].copy()


def _ellipse(points: np.ndarray, top: float) -> np.ndarray:
    height = points[8, 1] - top
    width = 0.8 * (points[13, 0] - points[3, 0])
    centre = (points[28, 0], top + height / 2)
    circle = np.stack([np.cos(_ELLIPSE_ANGLES), np.sin(_ELLIPSE_ANGLES)], axis=1)
    return circle * (width / 2, height / 2) + centre
