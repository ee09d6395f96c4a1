"""Small pictures of many faces, in one."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class SpriteSheet:
    """Many small square pictures in one: a page loads one file and shows parts of it.

    Attributes:
        jpeg: the sheet, row after row of sprites.
        columns: sprites in a row.
        size: width and height of a sprite, in pixels.
    """

    jpeg: bytes
    columns: int
    size: int

    @property
    def address(self) -> str:
        """The sheet as a ``data:`` address."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()

    def place(self, index: int) -> tuple[int, int]:
        """Left and top of a sprite on the sheet, in pixels."""
        return index % self.columns * self.size, index // self.columns * self.size


def sprite_sheet(pictures: Iterable[np.ndarray], size: int = 48, quality: int = 60) -> SpriteSheet:
    """A sheet of the pictures' middle squares, reduced to `size` pixels.

    Args:
        pictures: RGB, uint8, ``(height, width, 3)`` each, of any sizes.
        size: of a sprite; with multiples of 16, JPEG keeps neighbours from bleeding into another.
        quality: of the JPEG, 1 to 95.

    Raises:
        ValueError: no pictures.
    """
    sprites = [np.asarray(_middle(picture).resize((size, size))) for picture in pictures]
    if not sprites:
        raise ValueError("a sprite sheet takes one picture at least")
    columns = int(np.ceil(np.sqrt(len(sprites))))
    blank = np.full((size, size, 3), 128, np.uint8)
    sprites += [blank] * (-len(sprites) % columns)
    lines = [
        np.concatenate(sprites[start : start + columns], axis=1)
        for start in range(0, len(sprites), columns)
    ]
    packed = io.BytesIO()
    Image.fromarray(np.concatenate(lines)).save(packed, "JPEG", quality=quality, optimize=True)
    return SpriteSheet(packed.getvalue(), columns, size)


def _middle(picture: np.ndarray) -> Image.Image:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return Image.fromarray(picture[top : top + side, left : left + side])
