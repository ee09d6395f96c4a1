"""Tools to play with in a live kernel, each with a static twin for reports.

A tool has ``widget()``, for a notebook with a kernel, and ``static()``, for a page without one;
`show` picks the one that will work. What a control does is a plain function of its own.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

import ipywidgets
import numpy as np
from IPython.display import HTML

from eumlib._common.progress import progress_bar
from eumlib.embeddings.acquisition import FAILURES_TO_ACQUIRE
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
    """A face with a mask.

    Attributes:
        picture: RGB, uint8, ``(height, width, 3)``.
        embedding: ``(d,)`` float32, of length 1.
        score: the cosine of its embedding with that of the bare face.
    """

    picture: np.ndarray
    embedding: np.ndarray
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
        The painted face, and a score in [−1, 1]; 1 would mean that the mask changes nothing.

    Raises:
        FaceNotFoundError: there is no face in the picture.
        AlignmentError: the face is too small.
    """
    landmarks = finder.find(picture)
    painted = paint_mask(picture, landmarks, mask)
    chips = [backbone.align(view, landmarks) for view in (picture, painted)]
    bare, masked = unit_length(backbone.embed(np.stack(chips)))
    return PaintedFace(painted, masked, float(bare @ masked))


class MaskPainter:
    """Choose a face, a shape and a colour, and watch the face's score with itself fall.

    Args:
        pictures: RGB, uint8, by the name that the menu shows; one picture per person.
        backbone: the recogniser.
        finder: finds the landmarks.
        threshold: the operating threshold, a cosine, which scores are compared with.

    Taught in notebook 02.
    """

    def __init__(
        self,
        pictures: Mapping[str, np.ndarray],
        backbone: Backbone,
        finder: LandmarkFinder,
        threshold: float,
    ) -> None:
        self._pictures = dict(pictures)
        self._backbone, self._finder, self._threshold = backbone, finder, threshold

    @cached_property
    def _bare(self) -> dict[str, np.ndarray]:
        """The embeddings of the faces as they are; a picture without a face has none."""
        chips = {}
        with progress_bar(len(self._pictures), "faces to paint", "face", delay=2) as bar:
            for name, picture in self._pictures.items():
                with suppress(*FAILURES_TO_ACQUIRE):
                    chips[name] = self._backbone.align(picture, self._finder.find(picture))
                bar.update()
        embeddings = unit_length(self._backbone.embed(np.stack([*chips.values()])))
        return dict(zip(chips, embeddings, strict=True))

    def _paint(self, picture: np.ndarray, mask: Mask) -> PaintedFace:
        return paint_and_score(picture, mask, self._backbone, self._finder)

    def paint(self, face: str, shape: str, hex_colour: str) -> tuple[bytes, list[str]]:
        """The callback of all controls: the painted face as JPEG, and lines about its scores."""
        painted = self._paint(self._pictures[face], Mask.from_hex(shape, hex_colour))
        lines = [
            f"{SHAPE_NAMES[shape]}, {hex_colour}; operating threshold {self._threshold:.3f}",
            f"with the same face, bare: {self._judged(painted.score)}",
        ]
        others = {
            name: float(bare @ painted.embedding)
            for name, bare in self._bare.items()
            if name != face
        }
        if others:
            nearest = max(others, key=others.get)
            lines.append(f"with the nearest other, {nearest}: {self._judged(others[nearest])}")
        return jpeg_bytes(painted.picture, 300), lines

    def _judged(self, score: float) -> str:
        return f"{score:.3f}, {'accepted' if score >= self._threshold else 'rejected'}"

    def widget(self) -> ipywidgets.Widget:
        """Menus for face, shape, coverage and colour, and the face with its scores.

        A lifelike mask covers what its cut covers, so the menu for coverage rests then; any other
        colour is to be had from the picker.
        """
        faces = ipywidgets.Dropdown(options=list(self._pictures), description="face")
        kinds = ipywidgets.Dropdown(options=[*WIDTHS, *LIFELIKE_NAMES], description="shape")
        coverages = ipywidgets.Dropdown(options=COVERAGES, description="coverage")
        named = {name: "#{:02x}{:02x}{:02x}".format(*rgb) for name, rgb in PAPER_COLOURS.items()}
        colours = ipywidgets.Dropdown(
            options={**named, "other": ""}, value=named["light blue"], description="colour"
        )
        picker = ipywidgets.ColorPicker(value=colours.value, description="other")
        picture, words = ipywidgets.Image(format="jpeg"), ipywidgets.HTML()

        def repaint(_change: object = None) -> None:
            coverages.disabled = kinds.value not in WIDTHS
            shape = kinds.value
            if not coverages.disabled:
                shape = flat_shape(kinds.value, coverages.value)
            words.value = "painting …"
            try:
                picture.value, lines = self.paint(faces.value, shape, picker.value)
            except FAILURES_TO_ACQUIRE as error:
                picture.value, lines = b"", [f"{faces.value}: {error}"]
            words.value = "<br>".join(map(html.escape, lines))

        def pick_named(change: Mapping[str, str]) -> None:
            if change["new"]:
                picker.value = change["new"]

        def name_picked(change: Mapping[str, str]) -> None:
            colours.value = change["new"] if change["new"] in named.values() else ""

        for control in (faces, kinds, coverages, picker):
            control.observe(repaint, names="value")
        colours.observe(pick_named, names="value")
        picker.observe(name_picked, names="value")
        repaint()
        controls = ipywidgets.VBox([faces, kinds, coverages, colours, picker, words])
        return ipywidgets.HBox([controls, picture], layout={"flex_flow": "row wrap"})

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
