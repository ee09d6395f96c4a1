"""The pictures behind a table of embeddings, their masks painted again, and small ones of many."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from eumlib.faces import FaceSet
from eumlib.landmarks import finder_for
from eumlib.masks import Mask, paint_mask


class ViewPictures:
    """Gives the picture of any row of a table of embeddings.

    A picture is read once for all its views if they are asked for one after the other, as a
    table has them.

    Args:
        faces: the set that the table was made from.
        rows: the table's rows, or some of them.
    """

    def __init__(self, faces: FaceSet, rows: pd.DataFrame) -> None:
        self._faces = {face.image_id: face for face in faces}
        self._finder_of_set = lambda: finder_for(faces)
        self._rows = rows
        self._read: tuple[str, np.ndarray] = ("", np.empty(0))
        self._found: tuple[str, np.ndarray] = ("", np.empty(0))

    def __len__(self) -> int:
        return len(self._rows)

    def __call__(self, row: int) -> np.ndarray:
        """RGB, uint8, ``(height, width, 3)``; masks that were painted are painted again.

        Raises:
            KeyError: the face set has no such picture.
            FaceNotFoundError: there is no face on which a mask could be painted.
        """
        view = self._rows.iloc[row]
        picture = self._picture(view["image_id"])
        if pd.isna(view["mask_colour"]):  # bare, or with a mask that was worn
            return picture
        mask = Mask.from_hex(view["mask_shape"], view["mask_colour"])
        return paint_mask(picture, self._landmarks(view["image_id"], picture), mask)

    def _picture(self, image_id: str) -> np.ndarray:
        if self._read[0] != image_id:
            self._read = (image_id, self._faces[image_id].read())
        return self._read[1]

    def _landmarks(self, image_id: str, picture: np.ndarray) -> np.ndarray:
        if self._found[0] != image_id:
            self._found = (image_id, self._finder_of_set().find(picture))
        return self._found[1]


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
