"""Paint synthetic masks: the six flat shapes of the paper, from 68 landmarks.

The shapes are those of Boutros et al. (arXiv 2103.01716): wide ones follow the jaw, round ones are
ellipses; each comes in three heights over the nose, as in NIST's FRVT Part 6 (NISTIR 8311).

==== ======= ======== ==================
type width   coverage top edge
==== ======= ======== ==================
a    wide    high     nasion
b    round   high     upper nose bridge
c    wide    medium   lower nose bridge
d    round   medium   lower nose bridge
e    wide    low      under the nose
f    round   low      below the bridge
==== ======= ======== ==================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from eumlib.landmarks import check_landmarks

Colour = tuple[int, int, int]

SHAPES = ("a", "b", "c", "d", "e", "f")
SHAPE_NAMES = {
    "a": "wide, high",
    "b": "round, high",
    "c": "wide, medium",
    "d": "round, medium",
    "e": "wide, low",
    "f": "round, low",
}
PAPER_COLOURS: dict[str, Colour] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "light blue": (173, 216, 230),
}
_ELLIPSE_ANGLES = np.linspace(0, 2 * np.pi, 128, endpoint=False)
_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Mask:
    """What is painted: a shape, ``"a"`` to ``"f"``, and an RGB colour, each value 0 to 255."""

    shape: str
    colour: Colour

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"no mask shape {self.shape!r}; there are {', '.join(SHAPES)}")
        if len(self.colour) != 3 or not all(0 <= value <= 255 for value in self.colour):
            raise ValueError(f"a colour is three numbers from 0 to 255, not {self.colour}")

    @property
    def hex_colour(self) -> str:
        """The colour as ``#rrggbb``."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)

    @classmethod
    def from_hex(cls, shape: str, hex_colour: str) -> Mask:
        """The mask of that shape whose colour is ``#rrggbb``, as the table of embeddings has it."""
        return cls(shape, tuple(bytes.fromhex(hex_colour.removeprefix("#"))))


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


def uniform_colour(random: np.random.Generator) -> Colour:
    """Three independent uniform numbers from 0 to 255."""
    return tuple(int(value) for value in random.integers(0, 256, size=3))


def paper_colour(random: np.random.Generator) -> Colour:
    """One of the paper's six fixed colours."""
    colours = list(PAPER_COLOURS.values())
    return colours[random.integers(len(colours))]


@dataclass(frozen=True)
class MaskPlan:
    """Which mask each picture gets: shape and colour drawn at random, and always the same again.

    The draw depends on `seed` and the picture's id alone, not on order or on what else is painted.

    >>> plan = MaskPlan(seed=1)
    >>> plan.mask_for("s1/1") == plan.mask_for("s1/1")
    True
    """

    seed: int = 0
    shapes: tuple[str, ...] = SHAPES
    draw_colour: Callable[[np.random.Generator], Colour] = uniform_colour

    def mask_for(self, image_id: str) -> Mask:
        """The mask for the picture of that id."""
        digest = hashlib.sha256(f"{self.seed} {image_id}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        return Mask(self.shapes[random.integers(len(self.shapes))], self.draw_colour(random))

    def describe(self) -> str:
        """One line that tells this plan from others; caches are keyed by it."""
        return f"shapes {''.join(self.shapes)}, {self.draw_colour.__name__}, seed {self.seed}"


def mask_outline(landmarks: np.ndarray, shape: str) -> np.ndarray:
    """The mask's outline as a closed polygon.

    Args:
        landmarks: ``(68, 2)``, in pixels.
        shape: ``"a"`` to ``"f"``. Ellipses (b, d, f) have their centre at x of landmark 28, reach
            from the top edge to landmark 8, and are 0.8 times as wide as landmarks 3 to 13.

    Returns:
        ``(m, 2)`` float64, x and y in pixels of the picture.

    Raises:
        ValueError: unknown shape, landmarks of another shape than ``(68, 2)``.
    """
    check_landmarks(landmarks)
    points = np.asarray(landmarks, dtype=np.float64)
    jaw = points[1:16]
    match shape:
        case "a":
            right_top, left_top = (points[42, 0], points[15, 1]), (points[39, 0], points[1, 1])
            return np.vstack([jaw, right_top, points[27], left_top])
        case "b":
            return _ellipse(points, top=(points[27, 1] + points[28, 1]) / 2)
        case "c":
            return np.vstack([jaw, points[29]])
        case "d":
            return _ellipse(points, top=points[29, 1])
        case "e":
            return np.vstack([jaw, points[35:30:-1]])
        case "f":
            return _ellipse(points, top=points[29, 1] + 0.33 * (points[46, 0] - points[40, 0]))
    raise ValueError(f"no mask shape {shape!r}; there are {', '.join(SHAPES)}")


def paint_mask(picture: np.ndarray, landmarks: np.ndarray, mask: Mask) -> np.ndarray:
    """A copy of the picture with the mask filled in its one flat colour.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``; it is not changed.
        landmarks: ``(68, 2)``, in pixels of the picture.
        mask: shape and colour.

    Returns:
        RGB, uint8, the picture's shape.

    Taught in notebook 02.
    """
    outline = mask_outline(landmarks, mask.shape)
    height, width = picture.shape[:2]
    beyond = np.concatenate([-outline, outline - (width, height)]).max()
    # A polygon that leaves the picture would be drawn along its edge: paint on a larger one.
    margin = max(0, int(np.ceil(beyond)) + 1)
    canvas = cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_CONSTANT)
    corners = ((outline + margin) * 2**_SUBPIXEL_BITS).round().astype(np.int32)
    cv2.fillPoly(canvas, [corners], mask.colour, shift=_SUBPIXEL_BITS)
    return canvas[margin : margin + height, margin : margin + width].copy()


def replay(picture: np.ndarray, record: MaskRecord) -> np.ndarray:
    """Paint the recorded mask again on the picture that it was painted on."""
    return paint_mask(picture, record.landmarks, record.mask)


def _ellipse(points: np.ndarray, top: float) -> np.ndarray:
    height = points[8, 1] - top
    width = 0.8 * (points[13, 0] - points[3, 0])
    centre = (points[28, 0], top + height / 2)
    circle = np.stack([np.cos(_ELLIPSE_ANGLES), np.sin(_ELLIPSE_ANGLES)], axis=1)
    return circle * (width / 2, height / 2) + centre
