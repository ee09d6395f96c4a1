"""Tools to play with in a live kernel, each with a static twin for reports.

A tool has ``widget()``, for a notebook with a kernel, and ``static()``, for a page without one;
`show` picks the one that will work. What a control does is a plain function of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ipywidgets
import numpy as np
from IPython.display import HTML

from eumlib.embeddings.recogniser import Backbone
from eumlib.embeddings.table import unit_length
from eumlib.faces import LandmarkFinder, gallery, jpeg_bytes
from eumlib.masks import (
    COVERAGES,
    PAPER_COLOURS,
    SHAPE_NAMES,
    SHAPES,
    WIDTHS,
    Mask,
    flat_shape,
    paint_mask,
)
from eumlib.masks.lifelike import LIFELIKE_NAMES


class PaintedFace(NamedTuple):
    """A face with a mask, and the cosine of its embedding with that of the bare face."""

    picture: np.ndarray
    score: float


def paint_and_score(
    picture: np.ndarray, mask: Mask, backbone: Backbone, finder: LandmarkFinder
) -> PaintedFace:
    """Paint the mask and see how far the face moves from itself.

    Args:
        picture: RGB, uint8, ``(height, width, 3)``, with a face in it.
        mask: what to paint.
        backbone: the recogniser.
        finder: finds the landmarks.

    Returns:
        The painted picture, and a score in [−1, 1]; 1 would mean that the mask changes nothing.

    Raises:
        FaceNotFoundError: there is no face in the picture.
        AlignmentError: the face is too small.
    """
    landmarks = finder.find(picture)
    painted = paint_mask(picture, landmarks, mask)
    chips = [backbone.align(view, landmarks) for view in (picture, painted)]
    bare, masked = unit_length(backbone.embed(np.stack(chips)))
    return PaintedFace(painted, float(bare @ masked))


class MaskPainter:
    """Choose a face, a shape and a colour, and watch the face's score with itself fall.

    Args:
        pictures: RGB, uint8, by the name that the menu shows.
        backbone: the recogniser.
        finder: finds the landmarks.

    Taught in notebook 02.
    """

    def __init__(
        self, pictures: Mapping[str, np.ndarray], backbone: Backbone, finder: LandmarkFinder
    ) -> None:
        self._pictures = dict(pictures)
        self._backbone, self._finder = backbone, finder

    def _paint(self, picture: np.ndarray, mask: Mask) -> PaintedFace:
        return paint_and_score(picture, mask, self._backbone, self._finder)

    def paint(self, face: str, shape: str, hex_colour: str) -> tuple[bytes, str]:
        """The callback of all three controls: the painted face as JPEG, and a line about it."""
        mask = Mask.from_hex(shape, hex_colour)
        painted = self._paint(self._pictures[face], mask)
        line = f"{SHAPE_NAMES[shape]}, {hex_colour}: score with the bare face {painted.score:.3f}"
        return jpeg_bytes(painted.picture, 300), line

    def widget(self) -> ipywidgets.Widget:
        """Sliders for shape, coverage and colour, and the face with its score.

        A lifelike mask covers what its cut covers, so the slider for coverage rests then; any
        other colour is to be had from the picker.
        """
        faces = ipywidgets.Dropdown(options=list(self._pictures), description="face")
        kinds = _slider("shape", [*WIDTHS, *LIFELIKE_NAMES])
        coverages = _slider("coverage", COVERAGES[::-1], COVERAGES[0])
        named = {name: "#{:02x}{:02x}{:02x}".format(*rgb) for name, rgb in PAPER_COLOURS.items()}
        colours = _slider("colour", list(named.items()), named["light blue"])
        picker = ipywidgets.ColorPicker(value=colours.value, description="other")
        picture, line = ipywidgets.Image(format="jpeg"), ipywidgets.Label()

        def repaint(_change: object = None) -> None:
            coverages.disabled = kinds.value not in WIDTHS
            shape = kinds.value
            if not coverages.disabled:
                shape = flat_shape(kinds.value, coverages.value)
            picture.value, line.value = self.paint(faces.value, shape, picker.value)

        for control in (faces, kinds, coverages, picker):
            control.observe(repaint, names="value")
        colours.observe(lambda change: setattr(picker, "value", change["new"]), names="value")
        repaint()
        controls = ipywidgets.VBox([faces, kinds, coverages, colours, picker, line])
        return ipywidgets.HBox([controls, picture])

    def static(self) -> HTML:
        """The first face with every shape in light blue, and the scores."""
        name, picture = next(iter(self._pictures.items()))
        painted = [
            self._paint(picture, Mask(shape, PAPER_COLOURS["light blue"])) for shape in SHAPES
        ]
        return gallery(
            [face.picture for face in painted],
            [
                f"{shape}: {SHAPE_NAMES[shape]}; score {face.score:.3f}"
                for shape, face in zip(SHAPES, painted, strict=True)
            ],
            alts=[f"face {name} with a {SHAPE_NAMES[shape]} mask" for shape in SHAPES],
            width=130,
        )


def _slider(
    description: str, options: Sequence[object], value: object = None
) -> ipywidgets.SelectionSlider:
    chosen = {} if value is None else {"value": value}
    return ipywidgets.SelectionSlider(
        options=options, description=description, continuous_update=False, **chosen
    )
