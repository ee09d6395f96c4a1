"""From a picture file to pixels, whatever the file holds, or the reason why not.

Files come from cameras, scanners and strangers. A file that does not decode, or that would fill the
memory, is a failure to acquire, not a crash. One that cannot be read today, for want of permission,
memory or a disk, is neither: it stops the work, which goes on when that is mended.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from eumlib._common.errors import EumlibError

PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp",
    ".jfif", ".jpe", ".jif", ".mpo", ".apng", ".pbm", ".pnm",
)  # fmt: skip
# Photographs all the same, so that they are counted as unreadable and not passed over.
UNREAD_SUFFIXES = (
    ".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".tga", ".psd", ".exr",
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".raf", ".orf", ".rw2",
    ".pef", ".srw", ".x3f", ".erf", ".kdc", ".dcr", ".mrw", ".3fr", ".iiq", ".raw",
)  # fmt: skip
_PHOTOGRAPH = re.compile(  # how the files of these formats begin
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|BM....\0\0\0\0|P[1-6]\s"
    rb"|....ftyp(?:he[iv]|mi[af]1|msf1|avi[fs]|crx )|\0\0\0\x0c(?:jP  |JXL )",
    re.DOTALL,
)
SHORT_SIDE = 240  # px; smaller pictures are enlarged: the detectors see faces from 80 px up
LONG_SIDE = 1280  # px; larger ones are reduced: detection time grows with the pixels
MEGAPIXELS = 100  # more are refused unread: each costs 4 MB of memory, of WebP 15, in each worker
LONGEST_SIDE = 65_500  # px, JPEG's own limit; a million rows of one pixel cost more than one row
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # for EPS, Pillow runs a program
Image.init()  # its formats now: where file handles have run out, Pillow would not find them
_PIXELS_AT_ONCE = 1_000_000  # converted together; all at once, the copies would take gigabytes
_LASTING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
_OF_THE_CONTENT = {None, errno.EINVAL}  # Pillow's own errors, and leaps to places before the file
_ORIENTATION, _BITS, _PHOTOMETRIC = 0x0112, 258, 262  # tags of EXIF and TIFF
_UPRIGHT = {  # what undoes each orientation that EXIF knows
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}


class UnreadablePictureError(EumlibError, ValueError):
    """A picture file that does not decode."""

    reason = "unreadable picture"


class PictureAccessError(EumlibError, RuntimeError):
    """A picture file that cannot be read now, and may be later: no permission, memory or disk."""


class PictureTooLargeError(UnreadablePictureError):
    """A picture with more pixels than `MEGAPIXELS`, whether camera or attack made it."""

    reason = "picture too large"


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture file: RGB, uint8, ``(height, width, 3)``, upright, at working size.

    Of an animation or a document of several pages the first is taken. Deep grey is scaled to eight
    bits, transparent pixels are laid on white, and a rotation that EXIF or XMP notes is applied.

    Raises:
        PictureTooLargeError: more than `MEGAPIXELS` million pixels, or a side of more than
            `LONGEST_SIDE`; none of them was decoded.
        UnreadablePictureError: anything else that does not give pixels; the message names the file.
        PictureAccessError: it cannot be read now, and may be later: no permission, no memory, no
            file handles, no disk.

    Taught in notebook 01.
    """
    path = Path(path)
    return decode_picture(path, name=path.name)


def decode_picture(source: Path | BinaryIO, name: str) -> np.ndarray:
    """As `read_picture`, from a file or an open stream; `name` is what errors call it."""
    where = source if isinstance(source, Path) else name
    try:
        with warnings.catch_warnings(), _opened(source, name) as stream:
            warnings.simplefilter("ignore")  # what Pillow finds odd, we decode or refuse
            with Image.open(stream, formats=_FORMATS) as picture:
                pixels = _decode(picture, name)
    except (UnreadablePictureError, PictureAccessError):
        raise
    except MemoryError as error:
        raise PictureAccessError(
            f"{where} cannot be read for want of memory: give the same command again with fewer "
            f"workers, or without this picture"
        ) from error
    except Image.DecompressionBombError as error:
        raise PictureTooLargeError(
            f"{name} is too large, up to {MEGAPIXELS} megapixels are decoded: {error}"
        ) from error
    except UnidentifiedImageError as error:  # Pillow's message has the address of the stream
        raise UnreadablePictureError(
            f"{name} does not decode: its beginning is not that of {', '.join(_FORMATS)}"
        ) from error
    except Exception as error:  # on damaged files Pillow raises whatever it stumbles over
        if isinstance(error, OSError) and error.errno not in _OF_THE_CONTENT:
            raise _no_access(error, where) from error
        detail = str(error) or type(error).__name__
        raise UnreadablePictureError(f"{name} does not decode: {detail}") from error
    return to_working_size(pixels)


def is_photograph(path: Path) -> bool:
    """Whether a file begins as photographs do, those that are not decoded among them.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return bool(_PHOTOGRAPH.match(stream.read(16)))


@contextmanager
def _opened(source: Path | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """The stream of a regular file; of what will not be one tomorrow either, we say so for good."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        if not stat.S_ISREG(os.stat(source).st_mode):  # a pipe would block
            raise UnreadablePictureError(f"{name} is not a regular file")
        stream = source.open("rb")
    except OSError as error:
        if error.errno in _LASTING and source.parent.is_dir():  # else its disk may have gone
            raise UnreadablePictureError(f"{name} does not decode: {error.strerror}") from error
        raise _no_access(error, source) from error
    with stream:
        yield stream


def _no_access(error: OSError, where: Path | str) -> PictureAccessError:
    mend = {
        errno.EACCES: "make it readable",
        errno.EPERM: "make it readable",
        errno.EMFILE: "allow more open files (ulimit -n), or use fewer workers",
        errno.ENFILE: "close other programs, or use fewer workers",
        errno.ENOMEM: "use fewer workers",
    }.get(error.errno, "see that its disk is there and whole")
    return PictureAccessError(
        f"{where} cannot be read ({error.strerror}): {mend}, and give the same command again"
    )


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


def _decode(picture: Image.Image, name: str) -> np.ndarray:
    """RGB, upright; of a large picture, blocks of pixels are averaged as far as its size allows."""
    width, height = picture.size
    if width * height > MEGAPIXELS * 1_000_000 or max(width, height) > LONGEST_SIDE:
        raise PictureTooLargeError(
            f"{name} has {width}×{height} pixels; up to {MEGAPIXELS} megapixels and "
            f"{LONGEST_SIDE} a side are decoded: reduce the picture"
        )
    factor = _whole_factor(picture)
    picture.draft(None, (max(1, width // factor), max(1, height // factor)))  # for JPEG only
    picture.load()  # Pillow turns TIFF by itself, and then no longer says that it was turned
    orientation = picture.getexif().get(_ORIENTATION)
    width, height = picture.size
    factor = _whole_factor(picture)
    grey_range = _black_and_white(picture, name) if picture.mode[0] in "IF" else None
    rows = factor * max(1, _PIXELS_AT_ONCE // (factor * width))
    bands = []
    for top in range(0, height, rows):
        band = picture.crop((0, top, width, min(height, top + rows)))
        rgb = _opaque_rgb(band) if grey_range is None else _eight_bit_rgb(band, *grey_range)
        bands.append(np.asarray(rgb.reduce(factor)))
    upright = _UPRIGHT.get(orientation, lambda stored: stored)
    return np.ascontiguousarray(upright(np.concatenate(bands)))


def _whole_factor(picture: Image.Image) -> int:
    return max(1, max(picture.size) // LONG_SIDE)


def _opaque_rgb(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    pixels = picture.convert("RGBA")
    white = Image.new("RGBA", pixels.size, "white")
    return Image.alpha_composite(white, pixels).convert("RGB")


def _eight_bit_rgb(picture: Image.Image, black: float, white: float) -> Image.Image:
    values = np.nan_to_num(np.asarray(picture, np.float64))
    grey = ((values - black) * (255 / (white - black))).round().clip(0, 255)
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def _black_and_white(picture: Image.Image, name: str) -> tuple[float, float]:
    """The values of black and white of grey that is deeper than eight bits.

    Only 16-bit files say it. Other integers are taken as 8 or 16 bits, and floating point as 0 to
    1, 0 to 255 or 0 to 65,535, by the largest value.
    """
    tags = picture.tag_v2 if picture.format == "TIFF" else {}
    if picture.mode.startswith("I;16"):
        white = 2 ** tags.get(_BITS, (16,))[0] - 1
    elif picture.mode == "I" and picture.format == "PPM":
        white = 65535  # Pillow scales its 9 to 16 bits so
    else:
        low, high = picture.getextrema()
        scales = (1, 255, 65535) if picture.mode == "F" else (255, 65535)
        white = next((scale for scale in scales if low >= 0 and high <= scale), None)
        if white is None:
            raise UnreadablePictureError(
                f"{name} has grey values from {low:g} to {high:g}; expected 0 to one of {scales}"
            )
    white_is_zero = tags.get(_PHOTOMETRIC) == 0
    return (white, 0) if white_is_zero else (0, white)
