"""Lifelike masks, drawn by code: fabric laid over the face and lit by the photograph's own light.

`eumlib.masks.fabric` draws the fabric and `eumlib.masks.fitting` lays it on the landmarks. Here it
is coloured, shaded by the light that the skin shows, softened to the photograph's own sharpness,
and blended in with straps and a contact shadow. Nothing is drawn at random: the same picture,
landmarks, shape and colour give the same pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from eumlib.masks.fabric import LIFELIKE_NAMES, LIFELIKE_SHAPES, sheets
from eumlib.masks.fitting import MaskFit, fit_mask, on_sheet

__all__ = ["LIFELIKE_NAMES", "LIFELIKE_SHAPES", "paint_lifelike"]

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
STRAP_COLOUR = (236, 236, 232)
_WARP_CELLS = 28  # the warp is computed on so many points each way, and interpolated between
_LIGHT_CELLS = 40  # the face is reduced to so many pixels each way to read its light
_SUBPIXEL_BITS = 4


def paint_lifelike(
    picture: np.ndarray, landmarks: np.ndarray, shape: str, colour: tuple[int, int, int]
) -> np.ndarray:
    """A copy of the picture with the mask on its face.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``; it is not changed.
        landmarks: ``(68, 2)``, in pixels of the picture.
        shape: one of `LIFELIKE_SHAPES`.
        colour: the fabric's RGB, each value 0 to 255, under white light; patterned cloth derives
            its second colour from it. A grey photograph gets a grey mask.

    Returns:
        RGB, uint8, the picture's shape.

    Raises:
        ValueError: unknown shape, landmarks that are no face or of another shape than ``(68, 2)``,
            colour out of range.

    Taught in notebook 02.
    """
    levels, fit = sheets(shape), fit_mask(landmarks, shape)
    if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
        raise ValueError(f"a colour is three numbers from 0 to 255, not {colour}")
    drawn = np.concatenate([fit.outline, *fit.straps])
    margin = 4 + 0.08 * fit.width  # room for the shadow
    corner = np.floor(drawn.min(axis=0) - margin).astype(int)
    size = np.ceil(drawn.max(axis=0) + margin).astype(int) - corner
    left, top = np.maximum(corner, 0)
    right, bottom = np.minimum(corner + size, picture.shape[1::-1])
    painted = picture.copy()
    if left >= right or top >= bottom:
        return painted
    points = np.asarray(landmarks, dtype=np.float64)
    light, softness = _read_light(picture, points), _read_softness(picture, points, fit.width)

    field = light.field(np.arange(size[0]) + corner[0], np.arange(size[1]) + corner[1])
    cloth = _cloth(_laid(levels, fit, corner, size), light, field, colour)
    cloth = cv2.GaussianBlur(cloth, (0, 0), softness)
    cloth_alpha = _filled([fit.outline - corner], size, softness)
    strap_colour = colour if shape.startswith("cloth") else STRAP_COLOUR
    straps = light.on(strap_colour) * field[..., None]
    strap_alpha = _filled([strap - corner for strap in fit.straps], size, softness)
    shadow = _shadow(np.maximum(cloth_alpha, 0.7 * strap_alpha), light.slope, 0.022 * fit.width)

    window = np.s_[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
    seen = painted[top:bottom, left:right]
    mixed = seen.astype(np.float32) / 255
    mixed *= 1 - 0.4 * shadow[window][..., None]
    for alpha, paint in ((strap_alpha, straps), (cloth_alpha, cloth)):
        mixed += alpha[window][..., None] * (paint[window] - mixed)
    seen[:] = np.clip(np.rint(mixed * 255), 0, 255).astype(np.uint8)
    return painted


def _laid(
    levels: tuple[np.ndarray, ...], fit: MaskFit, corner: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """The sheet as it lies in the window: ``(height, width, 4)``, the channels of `sheets`."""
    columns, rows = ((np.arange(_WARP_CELLS) + 0.5) * side / _WARP_CELLS - 0.5 for side in size)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2) + corner
    coarse = on_sheet(fit, grid).reshape(_WARP_CELLS, _WARP_CELLS, 2).astype(np.float32)
    u, v = cv2.split(cv2.resize(coarse, size.tolist(), interpolation=cv2.INTER_CUBIC))
    finer = np.log2(levels[0].shape[1] / (1.2 * fit.width))  # a sheet about as fine as the picture
    sheet = levels[int(np.clip(np.floor(finer), 0, len(levels) - 1))]
    x, y = (u + 1) / 2 * sheet.shape[1] - 0.5, v * sheet.shape[0] - 0.5
    return cv2.remap(sheet, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _cloth(
    layers: np.ndarray, light: _Light, field: np.ndarray, colour: tuple[int, int, int]
) -> np.ndarray:
    """The lit fabric, ``(height, width, 3)``, from 0 to 1."""
    shade, pattern, tilt, sheen = cv2.split(layers)
    first, second = light.on(colour), light.on(_second_colour(colour))
    fabric = first + pattern[..., None] * (second - first)
    lit = field * shade * (1 + 0.5 * light.slope * tilt)
    fabric = fabric * lit[..., None] + (field * sheen)[..., None]
    over = np.maximum(fabric - 0.84, 0)  # film's shoulder: white cloth keeps its folds
    return np.minimum(fabric, 0.84) + 0.18 * over / (0.18 + over)


def _second_colour(colour: tuple[int, int, int]) -> np.ndarray:
    """A darker one of light fabric, a paler one of dark fabric."""
    first = np.asarray(colour, dtype=np.float64)
    return 0.38 * first if first @ LUMINANCE > 140 else first + 0.82 * (245 - first)


def _filled(polygons: list[np.ndarray], size: np.ndarray, softness: float) -> np.ndarray:
    canvas = np.zeros(size[::-1], dtype=np.uint8)
    for polygon in polygons:
        corners = (polygon * 2**_SUBPIXEL_BITS).round().astype(np.int32)
        cv2.fillPoly(canvas, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), softness)


def _shadow(alpha: np.ndarray, slope: float, distance: float) -> np.ndarray:
    """The mask's contact shadow: blurred, and moved down and away from the light."""
    away = np.array([[1, 0, -slope * distance], [0, 1, 0.45 * distance]], dtype=np.float32)
    blurred = cv2.GaussianBlur(alpha, (0, 0), distance)
    return cv2.warpAffine(blurred, away, alpha.shape[::-1])


class _Light(NamedTuple):
    """The light on a face, as its skin shows it.

    Attributes:
        shape: of log luminance, along x, x², x³, y and xy.
        centre: where x and y are 0, in pixels.
        scale: pixels to 1.
        level: brightness of white at the centre.
        cast: of white, RGB.
        saturation: the photograph's: 0 for a grey one, 1 for colours as they are.
    """

    shape: np.ndarray
    centre: np.ndarray
    scale: float
    level: float = 1.0
    cast: np.ndarray = np.ones(3, dtype=np.float32)
    saturation: np.float32 = np.float32(1)

    @property
    def slope(self) -> float:
        """How much brighter it is to the right than to the left."""
        return float(np.clip(self.shape[0], -0.5, 0.5))

    def field(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Brightness at columns × rows, ``(rows, columns)`` float32; the lit side is as white."""
        x = np.clip((columns - self.centre[0]) / self.scale, -1.15, 1.15)[None, :]
        y = np.clip((rows - self.centre[1]) / self.scale, -1.15, 1.15)[:, None]
        a, b, c, d, e = self.shape
        brightness = a * x + b * x**2 + c * x**3 + (d + e * x) * y - 0.4 * abs(self.slope)
        return (self.level * np.exp(np.clip(brightness, -1.2, 0.25))).astype(np.float32)

    def on(self, colour: np.ndarray | tuple[int, int, int]) -> np.ndarray:
        """RGB, 0 to 1, of a fabric: no black swallows all light and no white returns it all."""
        fabric = 0.045 + 0.87 * np.asarray(colour, dtype=np.float32) / 255
        grey = fabric @ LUMINANCE
        return (grey + self.saturation * (fabric - grey)) * self.cast


def _read_light(picture: np.ndarray, points: np.ndarray) -> _Light:
    """Fit the skin's log luminance by robust least squares (Cauchy weights, four rounds)."""
    face = np.concatenate([points[:17], points[26:16:-1] - 0.12 * (points[8] - points[27])])
    low, high = face.min(axis=0), face.max(axis=0)
    centre, scale = (low + high) / 2, (high - low).max() / 2
    start = np.clip(np.floor(low).astype(int), 0, picture.shape[1::-1])
    stop = np.clip(np.ceil(high).astype(int) + 1, 0, picture.shape[1::-1])
    if (stop - start).min() < 4:
        return _Light(np.zeros(5), centre, scale)
    crop = picture[start[1] : stop[1], start[0] : stop[0]]
    small = cv2.resize(crop, (_LIGHT_CELLS, _LIGHT_CELLS), interpolation=cv2.INTER_AREA)
    cells = _LIGHT_CELLS / (stop - start)
    skin = _skin((points - start + 0.5) * cells - 0.5, (face - start + 0.5) * cells - 0.5)
    if skin.sum() < 30:
        return _Light(np.zeros(5), centre, scale)

    rgb = small[skin].astype(np.float32)
    luminance = rgb @ LUMINANCE
    logs = np.log(np.maximum(luminance, 6))
    places = np.argwhere(skin)[:, ::-1]
    x, y = (((places + 0.5) / cells - 0.5 + start - centre) / scale).T
    terms = np.column_stack([np.ones_like(x), x, x**2, x**3, y, x * y])
    ridge = len(x) * np.diag([1e-6, 0.01, 0.03, 0.03, 0.03, 0.03])
    weights = np.ones(len(x))
    for _ in range(4):
        weighted = terms.T * weights
        fitted = np.linalg.solve(weighted @ terms + ridge, weighted @ logs)
        off = np.abs(logs - terms @ fitted)
        weights = 1 / (1 + (off / max(3 * np.median(off), 0.06)) ** 2)
    # Beards and the face's own roundness are no light: up and down, and x², count for less.
    shape = fitted[1:] * (1, 0.5, 0.5, 0.35, 0.5)

    mean = weights @ rgb / weights.sum()
    bright = np.percentile(luminance, 95)
    # Skin says little about the light's strength, as it may be pale or dark: small exponents.
    level = np.clip((mean @ LUMINANCE / 140) ** 0.25 * (bright / 185) ** 0.3, 0.45, 1.1)
    saturation = min(1.0, np.ptp(mean) / max(mean.max(), 1) / 0.2)
    tint = mean / max(mean @ LUMINANCE, 1) / (1.24, 0.95, 0.80)  # against skin in white light
    cast = np.clip(tint ** (0.22 * saturation), 0.85, 1.15).astype(np.float32)
    return _Light(shape, centre, scale, float(level), cast, np.float32(saturation))


def _skin(points: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Which of the reduced picture's pixels are skin: no eyes, brows, lips and rim of the face."""

    def fixed(corners: np.ndarray) -> np.ndarray:
        return (corners * 2**_SUBPIXEL_BITS).round().astype(np.int32)

    skin = np.zeros((_LIGHT_CELLS, _LIGHT_CELLS), dtype=np.uint8)
    inside = face + 0.08 * (face.mean(axis=0) - face)
    cv2.fillPoly(skin, [fixed(inside)], 1, cv2.LINE_8, _SUBPIXEL_BITS)
    for part in (points[36:42], points[42:48], points[48:60]):
        wider = part + 0.35 * (part - part.mean(axis=0))
        cv2.fillPoly(skin, [fixed(wider)], 0, cv2.LINE_8, _SUBPIXEL_BITS)
    brows = [fixed(points[17:22]), fixed(points[22:27])]
    cv2.polylines(skin, brows, False, 0, 3, cv2.LINE_8, _SUBPIXEL_BITS)
    return skin > 0


def _read_softness(picture: np.ndarray, points: np.ndarray, width: float) -> float:
    """How blurred the face's edges are: sigma in pixels.

    Blurring once more, by sigma 1, flattens an edge by the ratio R = √(sigma² + 1) / sigma (Zhuo
    and Sim, Pattern Recognition 44(9), 2011); here R² is the median over the steepest edges.
    """
    low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    high = np.maximum(np.ceil(points.max(axis=0)).astype(int) + 1, 0)
    crop = picture[low[1] : high[1], low[0] : high[0]]
    sigma = 0.8
    if min(crop.shape[:2]) >= 8:
        grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
        once, again = (_steepness(image) for image in (grey, cv2.GaussianBlur(grey, (0, 0), 1)))
        edges = once > np.percentile(once, 92)
        if edges.any():
            ratio = np.median(once[edges] / np.maximum(again[edges], 1e-6))
            sigma = 1 / np.sqrt(max(ratio - 1, 0.01))
    # Drawing and warping have softened the mask by about half a pixel already.
    left = np.sqrt(max(sigma**2 - 0.25, 0))
    return float(np.clip(left, 0.4, max(0.8, 0.02 * width)))


def _steepness(grey: np.ndarray) -> np.ndarray:
    """Squares of the gradient's length; cv2.magnitude's last bit depends on where arrays lie."""
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    return across**2 + down**2
