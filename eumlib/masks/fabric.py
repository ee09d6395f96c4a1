"""The fabric of lifelike masks, drawn by code on a flat sheet: folds, seams, hems and patterns.

A sheet has u from −1 (the wearer's right) to 1 across, and v from 0 (top) to 1 (bottom). It is
drawn from formulas in |u| and v alone, so it is its own mirror image, and the same at every call.
Colour comes later, when the sheet lies on a face.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

SHEET_SIZE = (512, 384)  # px, width and height of the finest sheet
_SUPERSAMPLING = 2
_COARSEST_WIDTH = 64

LIFELIKE_NAMES = {
    "surgical": "surgical, three pleats",
    "respirator": "respirator, domed cup",
    "cloth plain": "cloth, plain",
    "cloth striped": "cloth, striped",
    "cloth dotted": "cloth, dotted",
    "cloth checked": "cloth, checked",
}
LIFELIKE_SHAPES = tuple(LIFELIKE_NAMES)


def check_lifelike(shape: str) -> None:
    """Raise ValueError unless `shape` is one of `LIFELIKE_SHAPES`."""
    if shape not in LIFELIKE_SHAPES:
        raise ValueError(f"no lifelike mask {shape!r}; there are {', '.join(LIFELIKE_SHAPES)}")


@lru_cache(maxsize=len(LIFELIKE_SHAPES))
def sheets(shape: str) -> tuple[np.ndarray, ...]:
    """The mask's fabric, from the finest sheet to the coarsest, each half as large as the last.

    Args:
        shape: one of `LIFELIKE_SHAPES`.

    Returns:
        Arrays ``(height, width, 4)`` float32 that must not be written to. The channels: shade, by
        which the colour is multiplied, about 1; pattern, from 0 (first colour) to 1 (second);
        tilt, how far the fabric faces sideways, −1 (left) to 1 (right); sheen, light from the
        surface that is added, as a share of white.

    Raises:
        ValueError: unknown shape.
    """
    check_lifelike(shape)
    width, height = SHEET_SIZE
    u = _centres(width * _SUPERSAMPLING) * 2 - 1
    v = _centres(height * _SUPERSAMPLING)[:, None]
    across = np.abs(u)[None, :]
    match shape:
        case "surgical":
            shade, pattern, sheen = _surgical(across, v)
            tilt = 0.8 * across**1.5
        case "respirator":
            shade, pattern, sheen = _respirator(across, v)
            tilt = np.minimum(1.0, 1.1 * across)
        case _:
            shade, sheen = _cloth(across, v)
            pattern = _PATTERNS[shape](across, v)
            tilt = 0.15 * _ridge(across, 0.03, 0.03) + 0.85 * across
    layers = [shade, pattern, tilt * np.sign(u), sheen]
    drawn = np.stack([np.broadcast_to(layer, shade.shape) for layer in layers], axis=2)
    levels = [cv2.resize(drawn.astype(np.float32), SHEET_SIZE, interpolation=cv2.INTER_AREA)]
    while levels[-1].shape[1] > _COARSEST_WIDTH:
        half = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
    for level in levels:
        level.flags.writeable = False
    return tuple(levels)


def _centres(count: int) -> np.ndarray:
    return (np.arange(count, dtype=np.float32) + 0.5) / count


def _ridge(x: np.ndarray, centre: float | np.ndarray, width: float) -> np.ndarray:
    """A bump of height 1."""
    return np.exp(-(((x - centre) / width) ** 2))


def _step(x: np.ndarray, edge: float | np.ndarray, width: float) -> np.ndarray:
    """From 0 below the edge to 1 above it, softly."""
    return 0.5 + 0.5 * np.tanh((x - edge) / width)


def _fold(x: np.ndarray, edge: float | np.ndarray, depth: float) -> np.ndarray:
    """A fold that hangs over: lit along its lip, and below it a shadow that fades."""
    below = x - edge
    shadow = _step(below, 0, 0.004) * np.exp(-np.maximum(below, 0) / depth)
    lip = _step(-below, 0, 0.004) * np.exp(-np.maximum(-below, 0) / (0.7 * depth))
    return 0.35 * lip - shadow


def _weave(across: np.ndarray, v: np.ndarray, threads: float) -> np.ndarray:
    """Threads over and under, from −1 to 1."""
    return np.sin(np.pi * threads * across) * np.sin(np.pi * 0.7 * threads * v)


def _mottle(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Slow unevenness, from about −1 to 1: sums of waves that do not line up."""
    waves = [(7.3, 4.1, 0.4), (3.1, 11.7, 2.1), (13.9, 7.7, 4.4), (19.1, 17.3, 1.2)]
    return (
        sum(np.sin(a * across + b * v + c + 2 * np.sin(2.3 * across * v + c)) for a, b, c in waves)
        / 3
    )


def _edge_distance(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    """From the nearest edge, in halves of the width."""
    return np.minimum(np.minimum(1 - across, 1.3 * v), 1.3 * (1 - v))


def _drape(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The light on cloth that hangs from the nose: sides of the nose, roundness, under the chin."""
    nose = 0.05 * _ridge(across, 0, 0.1) * _ridge(v, 0.2, 0.2)
    beside = -0.10 * _ridge(across, 0.27, 0.13) * _ridge(v, 0.16, 0.16)
    chin = -0.20 * _step(v, 0.86, 0.10) - 0.05 * _ridge(v, 0.62, 0.08) * _ridge(across, 0, 0.3)
    cheek = 0.04 * _ridge(across, 0.55, 0.2) * _ridge(v, 0.35, 0.2)
    return 1 + nose + beside + chin + cheek - 0.14 * across**4


def _surgical(across: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
    shade = _drape(across, v) + 0.015 * _mottle(across, v) + 0.02 * _weave(across, v, 90)
    stretched = 0.6 + 0.4 * across  # over the mouth the pleats are pulled flat
    for middle, side in ((0.32, 0.37), (0.52, 0.51), (0.71, 0.64)):
        line = middle + (side - middle) * across**1.6
        shade = shade + 0.34 * stretched * _fold(v, line, 0.045)
    shade = shade + 0.05 * across * _fold(v, 0.22 + 0.10 * across, 0.03)
    wire_end = _step(0.40 - across, 0, 0.02)
    shade = shade + wire_end * (0.09 * _ridge(v, 0.055, 0.014) - 0.15 * _ridge(v, 0.09, 0.014))
    for hem in (0.115, 0.945):
        shade = shade - 0.08 * _ridge(v, hem, 0.009)
    welds = 0.5 + 0.5 * np.sin(2 * np.pi * 30 * v)
    shade = shade + _step(across, 0.93, 0.004) * (
        0.04 - 0.12 * welds * _ridge(across, 0.965, 0.012)
    )
    shade = shade - 0.18 * _ridge(across, 0.925, 0.012)
    return shade, np.zeros_like(shade), 0.02 * _ridge(across, 0, 0.5) * _ridge(v, 0.25, 0.2)


def _respirator(across: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
    edge = _edge_distance(across, v)
    dome = 1.03 - 0.22 * across**2.4 - 0.40 * np.maximum(0, v - 0.5) ** 1.6 - 0.05 * (1 - v) ** 4
    shade = dome + 0.015 * _mottle(across, v) + 0.02 * _weave(across, v, 100)
    shade = shade - 0.26 * _ridge(across, 0, 0.014) + 0.06 * _ridge(across, 0.04, 0.02)
    rim = _step(0.085 - edge, 0, 0.006)
    shade = shade + rim * (0.02 + 0.05 * np.sin(2 * np.pi * 36 * (across + 0.75 * v)))
    shade = shade - 0.20 * _ridge(edge, 0.09, 0.013) + 0.06 * _ridge(edge, 0.125, 0.022)
    clip = _step(0.22 - across, 0, 0.01) * _step(0.022 - np.abs(v - 0.105), 0, 0.004)
    shade = shade - clip * (0.14 + 0.16 * _step(v, 0.115, 0.01))
    shade = shade - 0.10 * _ridge(v, 0.135, 0.01) * _step(0.24 - across, 0, 0.02)
    sheen = 0.05 * _ridge(across, 0.10, 0.3) * _ridge(v, 0.38, 0.2)
    return shade, np.zeros_like(shade), sheen


def _cloth(across: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
    edge = _edge_distance(across, v)
    shade = _drape(across, v) + 0.025 * _mottle(across, v) + 0.05 * _weave(across, v, 110)
    # Creases run from the corners, where the loops pull, towards the middle.
    for corner, slope, depth in ((0.08, 0.42, 0.30), (0.93, -0.38, 0.30), (0.55, 0.03, 0.16)):
        line = corner + slope * (1 - across)
        shade = shade + depth * _fold(v, line, 0.05) * np.maximum(0, across - 0.25) * (1.1 - across)
    shade = shade - 0.22 * _ridge(across, 0, 0.009) + 0.06 * _ridge(across, 0.03, 0.018)
    stitch = 0.5 + 0.5 * np.sin(2 * np.pi * 36 * (across + 0.75 * v))
    hem = _step(0.085 - edge, 0, 0.004)
    shade = shade - 0.10 * hem - 0.14 * _ridge(edge, 0.09, 0.012)
    shade = shade - 0.10 * stitch * _ridge(edge, 0.05, 0.010)
    sheen = 0.12 * np.maximum(0, shade - 0.55)  # by which dark cloth shows its folds
    return shade, sheen


def _plain(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    return 0 * across * v


def _striped(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _step(np.cos(2 * np.pi * (6.5 * v - 0.6 * (1 - across) ** 2)), 0.15, 0.08)


def _dotted(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    column, row = 4.5 * across, 5.5 * v
    even = np.hypot(column - np.round(column), row - np.round(row))
    odd = np.hypot(column - np.floor(column) - 0.5, row - np.floor(row) - 0.5)
    return _step(0.24 - np.minimum(even, odd), 0, 0.03)


def _checked(across: np.ndarray, v: np.ndarray) -> np.ndarray:
    bands = [_step(np.cos(2 * np.pi * x), 0, 0.08) for x in (4.5 * across, 5.5 * v)]
    return 0.5 * bands[0] + 0.5 * bands[1]


_PATTERNS = {
    "cloth plain": _plain,
    "cloth striped": _striped,
    "cloth dotted": _dotted,
    "cloth checked": _checked,
}
