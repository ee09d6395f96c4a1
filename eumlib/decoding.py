"""From a picture file to pixels, whatever the file holds, or the reason why not.

Files come from cameras, scanners and strangers. A file that does not decode, or that would fill the
memory, is a failure to acquire, not a crash.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps

PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
SHORT_SIDE = 240  # px; smaller pictures are enlarged: the detectors see faces from 80 px up
LONG_SIDE = 1280  # px; larger ones are reduced: detection time grows with the pixels
MEGAPIXELS = 100  # more are refused unread: decoded, they would take 300 MB and more of memory
_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_DECODING_ERRORS = (
    OSError, ValueError, TypeError, SyntaxError, KeyError, IndexError, OverflowError,
    EOFError, AttributeError, NotImplementedError, RuntimeError, MemoryError, ArithmeticError,
)  # fmt: skip  # what Pillow's plugins raise on damaged files


class UnreadablePictureError(ValueError):
    """A picture file that does not decode."""

    reason = "unreadable picture"


class PictureTooLargeError(UnreadablePictureError):
    """A picture with more pixels than `MEGAPIXELS`, whether camera or attack made it."""

    reason = "picture too large"


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture file: RGB, uint8, ``(height, width, 3)``, upright, at working size.

    Of an animation or a document of several pages the first is taken. Sixteen bits are scaled to
    eight, transparent pixels are laid on white, and EXIF's rotation is applied.

    Raises:
        PictureTooLargeError: more pixels than `MEGAPIXELS` million; none of them was decoded.
        UnreadablePictureError: anything else that does not give pixels; the message names the file.

    Taught in notebook 01.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise UnreadablePictureError(f"{path.name} is not a regular file")
    return decode_picture(path, name=path.name)


def decode_picture(source: Path | BinaryIO, name: str) -> np.ndarray:
    """As `read_picture`, from a file or an open stream; `name` is what errors call it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow finds odd, we decode or refuse
            with Image.open(source) as picture:
                _check_size(picture, name)
                picture.draft(None, (LONG_SIDE, LONG_SIDE))  # a large JPEG is decoded reduced
                pixels = _to_rgb(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError as error:
        raise PictureTooLargeError(f"{name} is too large: {error}") from error
    except _DECODING_ERRORS as error:
        if isinstance(error, UnreadablePictureError):
            raise
        raise UnreadablePictureError(f"{name} does not decode: {error}") from error
    return to_working_size(pixels)


def _check_size(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if width * height > MEGAPIXELS * 1_000_000:
        raise PictureTooLargeError(
            f"{name} has {width}×{height} pixels; up to {MEGAPIXELS} megapixels are decoded: "
            f"reduce the picture"
        )


def _to_rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode in _DEEP_GREY:
        return np.repeat(_to_eight_bits(np.asarray(picture))[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        opaque = picture.convert("RGBA")
        white = Image.new("RGBA", opaque.size, "white")
        return np.asarray(Image.alpha_composite(white, opaque).convert("RGB"))
    return np.asarray(picture.convert("RGB"))


def _to_eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey of any depth to uint8: 0 to 1 for floating point, else 8 or 16 bits by the values."""
    values = np.nan_to_num(grey.astype(np.float64))
    if grey.dtype.kind == "f":
        full = 1.0 if values.max(initial=0) <= 1 else 255.0 if values.max() <= 255 else 65535.0
    else:
        full = 65535.0 if grey.dtype.itemsize == 2 or values.max(initial=0) > 255 else 255.0
    return (values * (255 / full)).round().clip(0, 255).astype(np.uint8)


def to_working_size(picture: np.ndarray) -> np.ndarray:
    """Enlarge a small picture by a whole factor, or reduce a large one; others are left alone."""
    short, long = sorted(picture.shape[:2])
    factor = -(-SHORT_SIDE // short)
    if factor > 1 and factor * long <= LONG_SIDE:
        return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    if long > LONG_SIDE:
        shrink = LONG_SIDE / long
        height, width = (max(1, round(shrink * side)) for side in picture.shape[:2])
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return picture
