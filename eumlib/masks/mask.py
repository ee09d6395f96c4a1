"""A mask by name: shape and colour, painted from 68 landmarks, and painted again from its record.

Flat shapes (`eumlib.masks.flat`) are the paper's; lifelike ones (`eumlib.masks.lifelike`) have
folds, shadows and straps. Nothing here is left to chance: the same face and mask give the same
pixels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np

from eumlib.masks.flat import FLAT_SHAPE_NAMES, FLAT_SHAPES, paint_flat
from eumlib.masks.lifelike import LIFELIKE_NAMES, paint_lifelike

Colour = tuple[int, int, int]

SHAPE_NAMES = FLAT_SHAPE_NAMES | LIFELIKE_NAMES
SHAPES = tuple(SHAPE_NAMES)
STYLES = ("flat", "surgical", "respirator", "cloth")
LIFELIKE = STYLES[1:]
PAPER_COLOURS: dict[str, Colour] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "light blue": (173, 216, 230),
}
NIST_COLOURS: dict[str, Colour] = {
    name: PAPER_COLOURS[name] for name in ("black", "white", "light blue", "red")
}


@dataclass(frozen=True)
class Mask:
    """What is painted.

    >>> Mask("c", "light blue") == Mask("c", (173, 216, 230))
    True

    Attributes:
        shape: one of `SHAPES`.
        colour: red, green and blue, each 0 to 255; it may be given by a name of `PAPER_COLOURS`.

    Raises:
        ValueError: another shape, or no such colour.
    """

    shape: str
    colour: Colour

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"no mask shape {self.shape!r}; there are {', '.join(SHAPES)}")
        if isinstance(self.colour, str):
            if self.colour not in PAPER_COLOURS:
                raise ValueError(
                    f"no colour {self.colour!r}; there are {', '.join(PAPER_COLOURS)}, and any "
                    f"other as three numbers from 0 to 255"
                )
            object.__setattr__(self, "colour", PAPER_COLOURS[self.colour])
        if len(self.colour) != 3 or not all(0 <= value <= 255 for value in self.colour):
            raise ValueError(f"a colour is three numbers from 0 to 255, not {self.colour}")

    @property
    def hex_colour(self) -> str:
        """The colour as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)

    def painted_on(self, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """As `paint_mask`. What else can be painted has such a method, a shape and a colour."""
        return paint_mask(picture, landmarks, self)

    @classmethod
    def from_hex(cls, shape: str, hex_colour: str) -> Mask:
        """The mask of that shape whose colour is ``#rrggbb``, as the table of embeddings has it."""
        return cls(shape, tuple(bytes.fromhex(hex_colour.removeprefix("#"))))


def style_of(shape: str | float) -> str | None:
    """The style, one of `STYLES`, of a painted mask's shape; None for no mask.

    >>> style_of("c"), style_of("cloth plain"), style_of("worn"), style_of(None)
    ('flat', 'cloth', 'worn', None)
    """
    if not isinstance(shape, str):
        return None
    return "flat" if shape in FLAT_SHAPES else shape.split()[0]


@dataclass(frozen=True)
class MaskRecord:
    """All that is needed to paint one mask again, pixel for pixel: `replay` does it."""

    image_id: str
    mask: Mask
    landmarks: np.ndarray = field(repr=False)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {
                "image_id": self.image_id,
                "shape": self.mask.shape,
                "colour": self.mask.hex_colour,
                "landmarks": self.landmarks.tolist(),
            }
        )

    @classmethod
    def from_json(cls, line: str) -> MaskRecord:
        """The record that `to_json` wrote."""
        row = json.loads(line)
        mask = Mask.from_hex(row["shape"], row["colour"])
        return cls(row["image_id"], mask, np.array(row["landmarks"], dtype=np.int32))


def paint_mask(picture: np.ndarray, landmarks: np.ndarray, mask: Mask) -> np.ndarray:
    """A copy of the picture with the mask on its face.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``; it is not changed.
        landmarks: ``(68, 2)``, in pixels of the picture.
        mask: shape and colour.

    Returns:
        RGB, uint8, the picture's shape.

    Raises:
        ValueError: landmarks of another shape than ``(68, 2)``.

    Taught in notebook 02.
    """
    paint = paint_flat if mask.shape in FLAT_SHAPES else paint_lifelike
    return paint(picture, landmarks, mask.shape, mask.colour)


def replay(picture: np.ndarray, record: MaskRecord) -> np.ndarray:
    """Paint the recorded mask again on the picture that it was painted on."""
    return paint_mask(picture, record.landmarks, record.mask)
