"""A picture printed on a mask, and laid on a face so that gradients flow back into the print.

The outline and the warp are those of the lifelike masks (`eumlib.masks`): a thin-plate spline from
landmarks to the mask's sheet. Read backwards it says, for every pixel of the face, which place of
the sheet lies there; bilinear sampling at that place (Jaderberg et al., "Spatial Transformer
Networks", arXiv 1506.02025) can be differentiated with respect to what is printed on the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch.nn import functional

from eumlib._common.errors import EumlibError
from eumlib._common.files import atomic_path, key_of
from eumlib.faces import Face
from eumlib.masks import LIFELIKE_SHAPES
from eumlib.masks.fitting import MaskFit, fit_mask, on_sheet

CUT = "cloth plain"  # of the lifelike masks the one that hides most of the face
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
_SUBPIXEL_BITS = 4
_FINER = 4  # pixels are divided by, each way, to see how much of them is covered


class TextureError(EumlibError, ValueError):
    """A picture that cannot be printed on a mask; the message says what one must be."""


class Placement(NamedTuple):
    """Where a mask's sheet lies on the pixels of a picture.

    Attributes:
        grid: ``(height, width, 2)`` float32, for each pixel the place on the sheet as
            `torch.nn.functional.grid_sample` takes it: x from −1 (left edge) to 1, y from −1 (top
            edge) to 1. Beyond the mask it goes on smoothly.
        alpha: ``(height, width)`` float32, which share of the pixel the mask covers, 0 to 1.
    """

    grid: np.ndarray
    alpha: np.ndarray


def place(landmarks: np.ndarray, height: int, width: int, cut: str = CUT) -> Placement:
    """Lay a mask on a face.

    Args:
        landmarks: ``(68, 2)``, in pixels of a picture of this height and width.
        height, width: of the picture.
        cut: one of `eumlib.masks.LIFELIKE_SHAPES`, whose outline the mask has.

    Raises:
        ValueError: as in `eumlib.masks.fitting.fit_mask`.

    Taught in notebook 16.
    """
    fit = fit_mask(landmarks, cut)
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    u, v = on_sheet(fit, pixels.reshape(-1, 2).astype(np.float64)).T
    grid = np.stack([u, 2 * v - 1], axis=-1).reshape(height, width, 2)
    return Placement(grid.astype(np.float32), _covered(fit, height, width))


def _covered(fit: MaskFit, height: int, width: int) -> np.ndarray:
    """Of each pixel the share of its smaller ones that lie within the outline."""
    beyond = np.concatenate([-fit.outline, fit.outline - (width, height)]).max()
    # A polygon that leaves the canvas would be drawn along its edge: draw on a larger one.
    margin = max(0, int(np.ceil(beyond)) + 1)
    size = width + 2 * margin, height + 2 * margin
    canvas = np.zeros((_FINER * size[1], _FINER * size[0]), dtype=np.uint8)
    corners = _FINER * (fit.outline + margin + 0.5) - 0.5
    fixed = (corners * 2**_SUBPIXEL_BITS).round().astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 255, cv2.LINE_8, _SUBPIXEL_BITS)
    shares = cv2.resize(canvas.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA)
    return shares[margin : margin + height, margin : margin + width].copy()


def print_on(
    faces: torch.Tensor, textures: torch.Tensor, grids: torch.Tensor, alphas: torch.Tensor
) -> torch.Tensor:
    """Faces with printed masks on them: α · print + (1 − α) · face, for each pixel.

    A grey photograph shows a print's luminance alone, since its camera sees no colour.

    Args:
        faces: ``(n, 3, height, width)`` float, RGB from 0 to 1.
        textures: ``(n, 3, h, w)`` float, RGB from 0 to 1, what is printed on each mask's sheet.
        grids: ``(n, height, width, 2)``, of their `Placement`.
        alphas: ``(n, height, width)``, of their `Placement`.

    Returns:
        ``(n, 3, height, width)``; it can be differentiated with respect to `textures`.
    """
    grey = (faces == faces[:, :1]).flatten(1).all(dim=1).view(-1, 1, 1, 1)
    weights = textures.new_tensor(LUMINANCE).view(1, 3, 1, 1)
    seen = torch.where(grey, (textures * weights).sum(dim=1, keepdim=True), textures)
    laid = functional.grid_sample(seen, grids, padding_mode="border", align_corners=False)
    return faces + alphas[:, None] * (laid - faces)


def unwrapped(picture: np.ndarray, landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """The part of a face that the mask would hide, spread out on the mask's sheet.

    Printed on a mask and worn by the same face it shows about what the mask hides.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``.
        landmarks: ``(68, 2)``, in pixels of the picture.
        height, width: of the sheet.

    Returns:
        ``(height, width, 3)`` float32, 0 to 255; at the picture's edge it repeats the last pixel.

    Raises:
        ValueError: as in `eumlib.masks.fitting.fit_mask`.
    """
    fit = fit_mask(landmarks, CUT)
    centres = ((np.arange(side) + 0.5) / side for side in (width, height))
    u, v = np.meshgrid(*centres)
    sheet = np.column_stack([2 * u.ravel() - 1, v.ravel()])
    backwards = fit._replace(pins=fit.sheet, sheet=fit.pins, width=1.0)
    x, y = on_sheet(backwards, sheet).astype(np.float32).T.reshape(2, height, width)
    return cv2.remap(
        picture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


@dataclass(frozen=True, eq=False)
class PrintedMask:
    """A mask with a picture printed on it; it is worn as a `eumlib.masks.Mask` is.

    Nothing is printed on cloth here: the print is laid on the photograph, without folds, light or
    the losses of a printer.

    Attributes:
        name: what tables call it.
        texture: RGB, uint8, ``(h, w, 3)``, what is printed on the sheet, seen from the front.
        cut: one of `eumlib.masks.LIFELIKE_SHAPES`, whose outline it has.

    Raises:
        TextureError: a texture of another shape or type.
        ValueError: unknown cut.

    Taught in notebook 16.
    """

    name: str
    texture: np.ndarray = field(repr=False)
    cut: str = CUT

    def __post_init__(self) -> None:
        shape, kind = np.shape(self.texture), np.asarray(self.texture).dtype
        if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < 2 or kind != np.uint8:
            raise TextureError(
                f"a texture is RGB, uint8, (height, width, 3), 2 pixels or more each way, not "
                f"{kind} {shape}"
            )
        if self.cut not in LIFELIKE_SHAPES:
            raise ValueError(f"no cut {self.cut!r}; there are {', '.join(LIFELIKE_SHAPES)}")

    @property
    def shape(self) -> str:
        """What the table of embeddings has as the mask's shape: its name."""
        return self.name

    @property
    def hex_colour(self) -> None:
        """None: a print has no one colour."""

    def painted_on(self, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """A copy of the picture with the mask on its face.

        Args:
            picture: RGB, uint8, ``(height, width, 3)``, of any size; it is not changed.
            landmarks: ``(68, 2)``, in pixels of the picture.

        Returns:
            RGB, uint8, the picture's shape.

        Raises:
            ValueError: landmarks of another shape than ``(68, 2)``, or too close together.
        """
        outline = fit_mask(landmarks, self.cut).outline
        left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
        ends = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 2, picture.shape[1::-1])
        right, bottom = np.maximum(ends, 0)
        painted = picture.copy()
        if left >= right or top >= bottom:
            return painted
        corner, seen = np.array([left, top]), painted[top:bottom, left:right]
        grey = not np.ptp(picture, axis=2).any()
        texture = _of_luminance(self.texture) if grey else self.texture
        placement = place(landmarks - corner, *seen.shape[:2], self.cut)
        printed = print_on(
            *(_as_tensor(image) for image in (seen, texture)),
            *(torch.from_numpy(part)[None] for part in placement),
        )
        seen[:] = (printed[0] * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        return painted

    def save(self, path: Path | str) -> None:
        """Write the texture as a PNG file, which loses nothing, atomically."""
        with atomic_path(path) as temporary:
            Image.fromarray(self.texture).save(temporary, "PNG")

    @classmethod
    def load(cls, path: Path | str, name: str, cut: str = CUT) -> PrintedMask:
        """A mask with the texture of a PNG file, such as `save` writes.

        Raises:
            TextureError: no such file, or it is not a PNG picture in RGB with 8 bits a colour.
        """
        try:
            with Image.open(path, formats=["PNG"]) as image:
                if image.mode != "RGB":
                    raise TextureError(
                        f"{path} is a PNG picture of mode {image.mode}, and a texture is RGB: "
                        f"convert it first"
                    )
                texture = np.array(image)
        except FileNotFoundError:
            raise TextureError(f"no texture {path}: write one with PrintedMask.save") from None
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise TextureError(f"{path} is not a whole PNG picture: {error}") from error
        return cls(name, texture, cut)


@dataclass(frozen=True)
class PrintedMasks:
    """A plan by which every face wears each of some printed masks (`eumlib.masks.MaskPlan`)."""

    masks: Sequence[PrintedMask]

    def masks_for(self, _face: Face) -> tuple[PrintedMask, ...]:
        """All of them."""
        return tuple(self.masks)

    def describe(self) -> str:
        """One line that tells these prints from others."""
        prints = (
            f"{mask.name} {mask.cut} {key_of(str(mask.texture.tolist()))}" for mask in self.masks
        )
        return f"printed: {', '.join(prints)}"


def _of_luminance(texture: np.ndarray) -> np.ndarray:
    grey = texture.astype(np.float32) @ np.array(LUMINANCE, dtype=np.float32)
    return np.repeat(grey[..., None], 3, axis=2)


def _as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
