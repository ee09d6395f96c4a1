"""A figure under a slider, in a live notebook and as a figure that needs no kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import ipywidgets
import plotly.graph_objects as go


class Slides(Protocol):
    """A tool whose figure follows one number."""

    def figure(self, value: float) -> go.Figure:
        """The figure at a value; the traces that move are the last ones."""

    def moved(self, value: float) -> list[dict[str, list[float]]]:
        """``x`` and ``y`` of the traces that move, in their order."""

    def words(self, value: float) -> list[str]:
        """What the figure says at a value, the lines of its title."""


def under_a_slider(tool: Slides, slider: ipywidgets.Widget) -> ipywidgets.Widget:
    """The figure under a slider of ipywidgets, whose value it follows."""
    figure = go.FigureWidget(tool.figure(slider.value))

    def move(change: Mapping[str, float]) -> None:
        moved = tool.moved(change["new"])
        with figure.batch_update():
            for trace, places in zip(figure.data[-len(moved) :], moved, strict=True):
                trace.update(places)
            figure.layout.title.text = "<br>".join(tool.words(change["new"]))

    slider.observe(move, names="value")
    return ipywidgets.VBox([slider, figure])


def with_its_own_slider(
    tool: Slides, stops: Sequence[float], start: int, name: str, form: str
) -> go.Figure:
    """The figure with a slider of plotly's own.

    Args:
        tool: whose figure it is.
        stops: the values that the slider can take.
        start: the place in `stops` where it stands at first.
        name: what the values are, before the current one.
        form: how a value is written, such as ``"{:.3f}"``.
    """
    figure = tool.figure(stops[start])
    moving = list(range(len(figure.data) - len(tool.moved(stops[start])), len(figure.data)))
    steps = []
    for stop in stops:
        moved = tool.moved(stop)
        places = {key: [trace[key] for trace in moved] for key in ("x", "y")}
        told = {"title.text": "<br>".join(tool.words(stop))}
        label = form.format(stop)
        steps.append({"label": label, "method": "update", "args": [places, told, moving]})
    slider = {
        "active": start, "steps": steps, "pad": {"t": 110},
        "currentvalue": {"prefix": f"{name} "},
    }  # fmt: skip
    figure.layout.meta = {"alt": f"With a slider; at first: {'; '.join(tool.words(stops[start]))}"}
    return figure.update_layout(
        sliders=[slider], margin={"b": 190}, height=figure.layout.height + 130
    )
