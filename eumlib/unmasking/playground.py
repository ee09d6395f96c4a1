"""A tool to play with: drag a triplet over the circle and watch both losses."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from torch import nn

from eumlib.unmasking.circle import NAMES, angle_of, place_triplet, triplet_circle

START = (30.0, 0.0, -60.0)  # past the positive, as seen from the negative: there the losses part
HANDLE_RADIUS = 0.07


class LossPlayground:
    """Move anchor, positive and negative on the circle, and watch both losses.

    Args:
        losses: of `eumlib.unmasking.losses`, by name.

    Taught in notebook 06.
    """

    def __init__(self, losses: Mapping[str, nn.Module]) -> None:
        self._losses = dict(losses)

    def figure(self, anchor: float, positive: float, negative: float) -> go.Figure:
        """The callback of all controls: the circle with the three points at these angles."""
        return triplet_circle(place_triplet(anchor, positive, negative, self._losses))

    def widget(self) -> ipywidgets.Widget:
        """The circle with points to drag, and a slider for each, for those without a mouse."""
        figure = go.FigureWidget(self.figure(*START))
        figure.update_layout(dragmode=False)  # else the pointer draws a box to zoom into
        figure._config = figure._config | {"edits": {"shapePosition": True}}  # the handles move
        sliders = [
            ipywidgets.FloatSlider(value, min=-180, max=180, step=1, description=name)
            for name, value in zip(NAMES, START, strict=True)
        ]

        def redraw(_change: object = None) -> None:
            drawn = self.figure(*(slider.value for slider in sliders))
            with figure.batch_update():
                for shown, new in zip(figure.data, drawn.data, strict=True):
                    shown.update(new)
                figure.layout.annotations = drawn.layout.annotations
                figure.layout.shapes = _handles([slider.value for slider in sliders])

        def dragged(_layout: object, shapes: tuple[go.layout.Shape, ...]) -> None:
            for slider, shape in zip(sliders, shapes, strict=True):
                angle = angle_of((shape.x0 + shape.x1) / 2, (shape.y0 + shape.y1) / 2)
                if abs((angle - slider.value + 180) % 360 - 180) > 0.5:
                    slider.value = angle

        redraw()
        for slider in sliders:
            slider.observe(redraw, names="value")
        figure.layout.on_change(dragged, "shapes")
        return ipywidgets.VBox([figure, *sliders])

    def static(self) -> go.Figure:
        """The circle with positive and negative at rest; a slider turns the anchor."""
        start, *others = START
        figure = self.figure(start, *others)
        turned = range(-180, 181, 5)
        steps = [self.figure(angle, *others) for angle in turned]
        figure.update_layout(
            height=figure.layout.height + 110,
            margin={"b": 180},
            sliders=[
                {
                    "pad": {"t": 80},  # below the legend
                    "active": turned.index(round(start)),
                    "currentvalue": {"prefix": "anchor at ", "suffix": "°"},
                    "steps": [
                        {
                            "label": str(angle),
                            "method": "update",
                            "args": [
                                {key: [trace[key] for trace in step.data] for key in ("x", "y")},
                                {"annotations": step.layout.annotations},
                            ],
                        }
                        for angle, step in zip(turned, steps, strict=True)
                    ],
                }
            ],
        )
        return figure


def _handles(degrees: list[float]) -> list[dict]:
    """Invisible discs over the points: plotly lets a pointer move shapes, not points."""
    angles = np.radians(degrees)
    return [
        {
            "type": "circle", "fillcolor": "rgba(0,0,0,0.04)",
            "line": {"width": 1, "color": "rgba(0,0,0,0.3)"},
            "x0": x - HANDLE_RADIUS, "x1": x + HANDLE_RADIUS,
            "y0": y - HANDLE_RADIUS, "y1": y + HANDLE_RADIUS,
        }
        for x, y in zip(np.sin(angles), np.cos(angles), strict=True)
    ]  # fmt: skip
