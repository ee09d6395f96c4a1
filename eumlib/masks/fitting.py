"""Where a lifelike mask lies on a face: its outline, its straps, and the pins that hold its fabric.

A turned face shows more of the near half: the fabric is spread as on an upright cylinder that turns
with the head, and ends, on the far side, at the face's own outline. Between the pins the sheet is
stretched by a thin-plate spline (Bookstein, IEEE PAMI 11(6), 1989).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from eumlib.faces.landmarks import check_landmarks
from eumlib.masks.fabric import check_lifelike

SMALLEST_FACE = 4  # px from ear to ear, and from nasion to chin
_JAW_TURN = np.radians(80)  # the jaw line near the ears, seen from the middle of the face
_SILHOUETTE = np.pi / 2
_MIRROR = np.arange(68)
_MIRROR[:17] = np.arange(17)[::-1]
_MIRROR[[42, 46, 47]] = [39, 41, 40]


class MaskFit(NamedTuple):
    """A mask laid on a face; all points are x and y in pixels of the picture, float64.

    Attributes:
        outline: ``(n, 2)``, the mask's edge, a closed polygon.
        straps: closed polygons, none to four, from the mask's corners towards the ears.
        pins: ``(m, 2)``, points of the face.
        sheet: ``(m, 2)``, u and v of the same points on the sheet of `eumlib.masks.fabric`.
        width: pixels from ear to ear.
    """

    outline: np.ndarray
    straps: tuple[np.ndarray, ...]
    pins: np.ndarray
    sheet: np.ndarray
    width: float


class _Cut(NamedTuple):
    """How a mask is cut. Jaw places count landmarks, from 0 at the ear to 8 at the chin."""

    bridge: float  # where it sits on the nose, of the way from landmark 27 to 30
    cheek: float  # how far below the eye its upper edge passes, of the face's height
    upper_corner: float  # jaw place
    lower_corner: float  # jaw place
    inset: float  # how far the upper corner stays inside the jaw line, of half the face
    straight: float  # 0: its side follows the jaw; 1: it runs straight from corner to corner
    chin: float  # how far it reaches beyond the chin, of the face's height
    reach: float  # from its middle to its side, in radians around the head
    bulge: float  # how far its middle stands out, as a share of how far the nose does
    strap: float  # width of a strap, of the face's
    strap_ends: tuple[float, float]  # jaw places


_CUTS = {
    "surgical": _Cut(0.34, 0.150, 1.8, 4.7, 0.10, 0.4, 0.055, 1.22, 0.10, 0.012, (0.1, 1.6)),
    "respirator": _Cut(0.38, 0.185, 2.5, 4.6, 0.20, 0.1, 0.050, 1.08, 0.12, 0.014, (0.1, 2.3)),
    "cloth": _Cut(0.42, 0.170, 1.7, 4.5, 0.06, 0.3, 0.060, 1.31, 0.06, 0.016, (0.1, 1.6)),
}


class _Frame(NamedTuple):
    """The face as one of its halves is seen from its middle line."""

    points: np.ndarray  # landmarks, numbered as if this half were the right one in the picture
    outward: np.ndarray  # unit vector from the middle to this half's ear
    width: float
    turn: float  # radians; above 0 where this half is the far one
    middle: np.ndarray  # (4, 2) the mask's middle line: nose bridge, nose tip, lips, chin
    heights: np.ndarray  # (4,) v of the middle line

    def mirrored(self) -> _Frame:
        return self._replace(points=self.points[_MIRROR], outward=-self.outward, turn=-self.turn)


class _Half(NamedTuple):
    """Knots of half an outline, and which part of the half is seen."""

    top: np.ndarray  # from the middle outwards
    side: np.ndarray  # downwards
    bottom: np.ndarray  # from the middle outwards
    shown: float  # u of the side
    hidden: float  # 0: the half is seen whole; 1: its side is out of sight


def fit_mask(landmarks: np.ndarray, shape: str) -> MaskFit:
    """Lay a mask of that shape on the face.

    Args:
        landmarks: ``(68, 2)``, in pixels.
        shape: one of `eumlib.masks.LIFELIKE_SHAPES`.

    Raises:
        ValueError: unknown shape; landmarks of another shape than ``(68, 2)``, or too close
            together to be a face.
    """
    check_lifelike(shape)
    check_landmarks(landmarks)
    cut = _CUTS[shape.partition(" ")[0]]
    right = _frame(np.asarray(landmarks, dtype=np.float64), cut)
    left = right.mirrored()
    halves = {-1: _half(left, cut), 1: _half(right, cut)}

    top = _curve([*halves[-1].top[::-1], right.middle[0], *halves[1].top], 25)
    bottom = _curve([*halves[-1].bottom[::-1], right.middle[-1], *halves[1].bottom], 25)
    sides = {hand: _curve(half.side, 13) for hand, half in halves.items()}
    down = np.linspace(0, 1, 13)
    # Each rim is its points and their u, v; together they go once around the mask.
    rims = [
        np.column_stack([top, _around(top, right, 0, cut), np.zeros(25)]),
        np.column_stack([sides[1], np.full(13, halves[1].shown), down]),
        np.column_stack([bottom, _around(bottom, right, -1, cut), np.ones(25)])[::-1],
        np.column_stack([sides[-1], np.full(13, -halves[-1].shown), down])[::-1],
    ]
    around = np.concatenate([rim[:-1] for rim in rims])
    inner = np.column_stack([right.middle[1:3], np.zeros(2), right.heights[1:3]])
    pinned = np.concatenate([around[::2], inner])
    straps = [*_straps(left, halves[-1], cut), *_straps(right, halves[1], cut)]
    return MaskFit(around[:, :2], tuple(straps), pinned[:, :2], pinned[:, 2:], right.width)


def on_sheet(fit: MaskFit, points: np.ndarray) -> np.ndarray:
    """Where points of the picture lie on the mask's sheet.

    Args:
        fit: the mask on its face.
        points: ``(n, 2)``, in pixels.

    Returns:
        ``(n, 2)`` float64: u and v; beyond the mask they go on smoothly.
    """
    origin = fit.pins.mean(axis=0)
    pins, asked = (fit.pins - origin) / fit.width, (points - origin) / fit.width
    affine = np.column_stack([np.ones(len(pins)), pins])
    bending = _bending(pins, pins) + 1e-6 * np.eye(len(pins))  # pins may coincide
    system = np.block([[bending, affine], [affine.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(system, np.concatenate([fit.sheet, np.zeros((3, 2))]))
    return np.column_stack([_bending(asked, pins), np.ones(len(asked)), asked]) @ weights


def _bending(points: np.ndarray, pins: np.ndarray) -> np.ndarray:
    """The spline's kernel, r² log r², between all points and all pins."""
    squares = (points**2).sum(axis=1)[:, None] + (pins**2).sum(axis=1) - 2 * points @ pins.T
    squares = np.maximum(squares, 1e-12)
    return squares * np.log(squares)


def _frame(points: np.ndarray, cut: _Cut) -> _Frame:
    across, down = points[16] - points[0], points[8] - points[27]
    width = float(np.linalg.norm(across))
    if min(width, np.linalg.norm(down)) < SMALLEST_FACE:
        raise ValueError(
            f"the landmarks span {width:.1f} px from ear to ear and {np.linalg.norm(down):.1f} px "
            f"from nasion to chin; a mask needs a face of {SMALLEST_FACE} px each way"
        )
    outward = across / width
    out = cut.bulge * ((points[30] - (points[2] + points[14]) / 2) @ outward) * outward
    lips = (points[51] + points[57]) / 2
    between = points[30] + 0.55 * (points[8] - points[30])  # fabric hangs from nose to chin
    middle = np.array(
        [
            points[27] + cut.bridge * (points[30] - points[27]) + 0.2 * out,
            points[30] + out,
            (lips + between) / 2 + out,
            points[8] + cut.chin * down + 0.4 * out,
        ]
    )
    lengths = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    heights = np.concatenate([[0], np.cumsum(lengths) / lengths.sum()])
    return _Frame(points, outward, width, _turn(points, outward, width), middle, heights)


def _turn(points: np.ndarray, outward: np.ndarray, width: float) -> float:
    """How far the head is turned, in radians; above 0 where the right half is the far one.

    On a cylinder of radius 1, turned by t, the near half is sin t + sin(80° − t) wide and the far
    half sin(80° + t) − sin t, up to the silhouette; here t is read from the two widths.
    """
    middle = points[[27, 28, 29, 30, 33, 51, 57]].mean(axis=0)
    left = (middle - points[1:5].mean(axis=0)) @ outward
    right = (points[12:16].mean(axis=0) - middle) @ outward
    turns = np.radians(np.arange(0, 76, 5))
    near = np.sin(turns) + np.sin(_JAW_TURN - turns)
    far = np.sin(np.minimum(_JAW_TURN + turns, _SILHOUETTE)) - np.sin(turns)
    ratio = max(left, right) / max(min(left, right), 0.05 * width)
    turn = float(np.interp(ratio, near / far, turns))
    return turn if left > right else -turn


def _half(frame: _Frame, cut: _Cut) -> _Half:
    points, outward, width = frame.points, frame.outward, frame.width
    down = points[8] - points[27]
    far = max(0.0, frame.turn)
    hidden = min(1.0, far / np.radians(30))
    shown = min(1.0, (_SILHOUETTE - far) / cut.reach)

    v = np.linspace(0, 1, 5)[:, None]
    # Out of sight the upper edge meets the silhouette higher up.
    side = _jaw(points, np.linspace(cut.upper_corner - 0.9 * hidden, cut.lower_corner, 5))
    side += cut.inset * (1 - hidden) * (1 - v) * (frame.middle[1] - side)
    side += (0.005 + 0.02 * v + 0.015 * hidden) * width * outward
    side += cut.straight * (1 - hidden) * (side[0] + v * (side[-1] - side[0]) - side)
    line = np.column_stack([np.interp(v[:, 0], frame.heights, x) for x in frame.middle.T])
    side = _kept_apart(side, line, outward, 0.09 * width)

    beside_nose = (frame.middle[0] + points[42] + 0.155 * down) / 2
    under_eye = points[[46, 47]].mean(axis=0) + cut.cheek * down
    top = np.array([beside_nose, under_eye, side[0]])
    chord = frame.middle[0] + np.array([[0.3], [0.65], [1]]) * (side[0] - frame.middle[0])
    top += max(0.0, (hidden - 0.3) / 0.7) * (chord - top)

    under = _jaw(points, np.linspace(8, cut.lower_corner, 5)[1:-1])
    away = under - (points[33] + points[51]) / 2
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    under += np.array([[0.95], [0.75], [0.5]]) * cut.chin * np.linalg.norm(down) * away
    under = _kept_apart(under, frame.middle[-1:], outward, np.array([0.025, 0.05, 0.07]) * width)
    return _Half(top, side, np.concatenate([under, side[-1:]]), shown, hidden)


def _jaw(points: np.ndarray, places: np.ndarray | float) -> np.ndarray:
    """Points of this half's jaw line."""
    return np.stack([np.interp(16 - places, np.arange(17), x) for x in points[:17].T], axis=-1)


def _kept_apart(
    points: np.ndarray, line: np.ndarray, outward: np.ndarray, gap: np.ndarray | float
) -> np.ndarray:
    """The points, pushed outwards until they are so far from the line."""
    missing = np.maximum(0, gap - (points - line) @ outward)
    return points + missing[:, None] * outward


def _around(rim: np.ndarray, frame: _Frame, end: int, cut: _Cut) -> np.ndarray:
    """u along the upper or lower rim, from how far its points lie from the middle line.

    On a cylinder that is turned by t a point at angle a from the middle is seen at
    sin(t + a) − sin t, no further than the silhouette.
    """
    across = (rim - frame.middle[end]) @ frame.outward
    u = np.zeros(len(rim))
    for hand in (-1, 1):
        start = hand * frame.turn
        stop = min(start + cut.reach, _SILHOUETTE)
        seen = np.clip(hand * across / max((hand * across).max(), 1e-6), 0, 1)
        angle = np.arcsin(np.sin(start) + seen * (np.sin(stop) - np.sin(start)))
        u += hand * np.maximum(0, angle - start) / cut.reach
    return u


def _straps(frame: _Frame, half: _Half, cut: _Cut) -> list[np.ndarray]:
    """Two bands from the corners of the half, thinner and lower towards the ear."""
    if half.hidden > 0.7:
        return []
    down = frame.middle[-1] - frame.middle[0]
    hand = 1 if frame.outward @ (down[1], -down[0]) > 0 else -1  # -1: seen in the mirror
    bands = []
    for corner, ear, bend in zip((0, -1), cut.strap_ends, (-hand, hand), strict=True):
        start = half.side[corner] + 0.03 * (frame.middle[corner] - half.side[corner])
        reach = _jaw(frame.points, ear) - start
        normal = reach[::-1] * (-1, 1)
        along = np.linspace(0, 1, 9)[:, None]
        line = start + along * reach + 0.24 * bend * along * (1 - along) * normal
        half_width = cut.strap * frame.width * (0.5 - 0.2 * along)
        across = half_width * normal / max(np.linalg.norm(normal), 1e-6)
        bands.append(np.concatenate([line + across, (line - across)[::-1]]))
    return bands


def _curve(knots: list[np.ndarray] | np.ndarray, count: int) -> np.ndarray:
    return _spline(len(knots), count) @ np.asarray(knots)


@lru_cache(maxsize=16)
def _spline(knots: int, count: int) -> np.ndarray:
    """``(count, knots)``: knots to points along the natural cubic spline through them."""
    spline = CubicSpline(np.arange(knots), np.eye(knots), bc_type="natural")
    return spline(np.linspace(0, knots - 1, count))
