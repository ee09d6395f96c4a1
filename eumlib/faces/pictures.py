"""Pictures in notebooks and reports, each with a caption, and with words for who cannot see it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import cv2
import numpy as np
from IPython.display import HTML
from PIL import Image

GAP = 10  # pixels between the pictures of a gallery
NUMBERED_WIDTH = 960  # pixels, of a picture with numbered landmarks


def gallery(
    pictures: Sequence[np.ndarray],
    captions: Sequence[str],
    alts: Sequence[str] | None = None,
    width: int = 120,
    columns: int = 0,
) -> HTML:
    """A row of captioned pictures that wraps.

    Args:
        pictures: RGB, uint8, ``(height, width, 3)`` each.
        captions: one line under each.
        alts: what each picture shows, in words; the captions where it is left out.
        width: on the page, in pixels; larger pictures are reduced to twice that.
        columns: after how many pictures the row wraps on a wide screen; 0 for where it is full.

    Raises:
        ValueError: another number of captions or alts than of pictures.

    Taught in notebook 01.
    """
    tiles = [
        f'<figure style="margin:0;width:{width}px">'
        f'<img src="{data_address(picture, 2 * width)}" alt="{html.escape(alt)}" width="{width}">'
        f'<figcaption style="font-size:12px;line-height:1.3">{html.escape(caption)}</figcaption>'
        f"</figure>"
        for picture, caption, alt in zip(
            pictures, captions, captions if alts is None else alts, strict=True
        )
    ]
    room = f";max-width:{columns * (width + GAP) - GAP}px" if columns else ""
    row = f"display:flex;flex-wrap:wrap;gap:{GAP}px{room}"
    return HTML(f'<div style="{row}">{"".join(tiles)}</div>')


def with_landmarks(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """A copy of the picture with a dot on each of the ``(m, 2)`` landmarks."""
    dotted = picture.copy()
    radius = max(2, picture.shape[1] // 130)
    for x, y in landmarks:
        cv2.circle(dotted, (int(x), int(y)), radius, (86, 180, 233), thickness=-1)
    return dotted


def with_numbers(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """A copy of the picture, `NUMBERED_WIDTH` wide, with a dot and a number on each landmark."""
    factor = NUMBERED_WIDTH / picture.shape[1]
    large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    large = with_landmarks(large, landmarks * factor)
    for number, (x, y) in enumerate(landmarks * factor):
        place = int(x) + 7, int(y) + 5
        for colour, thickness in (((0, 0, 0), 5), ((255, 255, 255), 2)):
            cv2.putText(
                large, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thickness,
                cv2.LINE_AA,
            )  # fmt: skip
    return large


def jpeg_bytes(picture: np.ndarray, width: int) -> bytes:
    """The picture as JPEG, reduced to `width` pixels if it is wider."""
    image = Image.fromarray(picture)
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)))
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=88)
    return packed.getvalue()


def data_address(picture: np.ndarray, width: int) -> str:
    """The picture as a ``data:`` address, to stand in a page without a file of its own."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_bytes(picture, width)).decode()
