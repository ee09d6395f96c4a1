"""The pictures behind a table of embeddings, their masks painted again, and small ones of many."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eumlib.faces import FaceSet, finder_for
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
