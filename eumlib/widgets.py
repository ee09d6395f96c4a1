"""Tools to play with in a live kernel, each with a static twin for reports.

A tool has ``widget()``, for a notebook with a kernel, and ``static()``, for a page without one;
`show` picks the one that will work. What a control does is a plain function of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from IPython.display import HTML

from eumlib.embeddings import unit_length
from eumlib.figures import embedding_map
from eumlib.landmarks import LandmarkFinder
from eumlib.masks import PAPER_COLOURS, SHAPE_NAMES, SHAPES, Mask, paint_mask
from eumlib.pictures import gallery, jpeg_bytes
from eumlib.recogniser import Backbone

STATIC_VARIABLE = "EUMLIB_STATIC"


class Tool(Protocol):
    """Something to play with, and its picture."""

    def widget(self) -> ipywidgets.Widget:
        """The live tool; it needs a kernel."""

    def static(self) -> HTML | go.Figure:
        """What a page without a kernel shows instead."""


def show(tool: Tool) -> object:
    """The tool's widget, or its static twin where ``EUMLIB_STATIC`` is set, as reports do."""
    return tool.static() if os.environ.get(STATIC_VARIABLE) else tool.widget()


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
        """Two menus, a colour picker, the face and its score."""
        faces = ipywidgets.Dropdown(options=list(self._pictures), description="face")
        options = [(f"{shape} ({SHAPE_NAMES[shape]})", shape) for shape in SHAPES]
        shapes = ipywidgets.Dropdown(options=options, description="shape")
        colours = ipywidgets.ColorPicker(value="#add8e6", description="colour")
        picture, line = ipywidgets.Image(format="jpeg"), ipywidgets.Label()

        def repaint(_change: object = None) -> None:
            picture.value, line.value = self.paint(faces.value, shapes.value, colours.value)

        for control in (faces, shapes, colours):
            control.observe(repaint, names="value")
        repaint()
        return ipywidgets.HBox(
            [ipywidgets.VBox([faces, shapes, colours, line]), picture],
        )

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


def highlight(points: pd.DataFrame, identity: str | None) -> list[float]:
    """Opacities that bring out one person's points; all alike for None."""
    if identity is None:
        return [0.8] * len(points)
    return np.where(points["identity"] == identity, 1.0, 0.08).tolist()


class EmbeddingMap:
    """A map of embeddings that shows the face under the pointer and brings out one person.

    Args:
        coordinates: ``(n, 2)``, of one joint projection.
        points: as `eumlib.figures.embedding_map` takes them.
        picture_of: gives the picture of a row number of `points`.
        title: over the map.

    Taught in notebook 04.
    """

    def __init__(
        self,
        coordinates: np.ndarray,
        points: pd.DataFrame,
        picture_of: Callable[[int], np.ndarray],
        title: str,
    ) -> None:
        self._coordinates, self._points = coordinates, points
        self._picture_of, self._title = picture_of, title

    def look_at(self, row: int) -> tuple[bytes, str]:
        """The callback of the pointer: the picture as JPEG, and a line about the point."""
        point = self._points.iloc[row]
        mask = "" if pd.isna(point["mask_shape"]) else f", mask {point['mask_shape']}"
        line = f"{point['identity']}, picture {point['image_id']}, {point['view']}{mask}"
        return jpeg_bytes(self._picture_of(row), 240), line

    def widget(self) -> ipywidgets.Widget:
        """The map, a menu of people, and the picture of the point under the pointer."""
        figure = go.FigureWidget(self.static())
        people = sorted(self._points["identity"].unique())
        menu = ipywidgets.Dropdown(options=[("everyone", None), *zip(people, people, strict=True)])
        menu.description = "person"
        picture, line = (
            ipywidgets.Image(format="jpeg", layout={"width": "200px"}),
            ipywidgets.Label(),
        )

        def choose(change: Mapping[str, object]) -> None:
            figure.data[-1].marker.opacity = highlight(self._points, change["new"])

        def hover(_trace: object, points: object, _state: object) -> None:
            if points.point_inds:
                picture.value, line.value = self.look_at(points.point_inds[0])

        menu.observe(choose, names="value")
        figure.data[-1].on_hover(hover)
        picture.value, line.value = self.look_at(0)
        return ipywidgets.VBox([ipywidgets.HBox([menu, line]), figure, picture])

    def static(self) -> go.Figure:
        """The map alone; names show under the pointer."""
        return embedding_map(self._coordinates, self._points, self._title)
