"""A triplet on the circle: its distances, two losses, and where each would move the anchor.

Embeddings of unit length in two dimensions are points of a circle, so an angle says it all. Angles
are drawn as on a compass, 0° at the top and clockwise, so that what lies to the right of the
positive in a curve over angles lies to its right on the circle, too. The triplet is a batch of its
own: the restraint, which looks at a whole batch, looks at it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from torch import nn

from eumlib._common.looks import BLACK, BLUE, DASHES, GREY, SERIES, VERMILION, finished
from eumlib.unmasking.losses import TripletDistances, restraint_holds, triplet_distances

NAMES = ("anchor", "positive", "negative")
_MARKS = {"anchor": (VERMILION, "x"), "positive": (BLUE, "circle"), "negative": (BLACK, "square")}
_ARROW_A_UNIT = 0.35  # length of an arrow for a gradient of 1
_RINGS = (1.15, 1.35)  # the losses' arrows start at the anchor, outside the circle


class Tug(NamedTuple):
    """What a loss says about a triplet on the circle.

    Attributes:
        loss: its value.
        turn: −∂L/∂θ, the way in which descent turns the anchor, per radian; > 0 is
            clockwise.
    """

    loss: float
    turn: float


class PlacedTriplet(NamedTuple):
    """A triplet on the circle, its distances, and what each loss says of it, by name."""

    degrees: tuple[float, float, float]
    distances: TripletDistances
    restrained: bool
    tugs: Mapping[str, Tug]


def place_triplet(
    anchor: float, positive: float, negative: float, losses: Mapping[str, nn.Module]
) -> PlacedTriplet:
    """Put three points on the unit circle and ask the losses about them.

    Args:
        anchor: its angle in degrees.
        positive: its angle in degrees.
        negative: its angle in degrees.
        losses: of `eumlib.unmasking.losses`, by name.

    >>> from eumlib.unmasking.losses import TripletLoss
    >>> placed = place_triplet(90, 0, 180, {"triplet": TripletLoss(margin=1.0)})
    >>> round(placed.tugs["triplet"].loss, 3), round(placed.tugs["triplet"].turn, 3)
    (1.0, -4.0)

    Taught in notebook 06.
    """
    degrees = (anchor, positive, negative)
    tugs = {}
    for name, loss in losses.items():
        angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64)).requires_grad_()
        value = loss(triplet_distances(*_on_circle(angles)))
        (slope,) = torch.autograd.grad(value, angles)
        tugs[name] = Tug(float(value.detach()), 0.0 - float(slope[0]))
    points = _on_circle(torch.deg2rad(torch.tensor(degrees, dtype=torch.float64)))
    distances = triplet_distances(*points)
    return PlacedTriplet(degrees, distances, bool(restraint_holds(distances)), tugs)


def _on_circle(angles: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.stack([torch.cos(angles), torch.sin(angles)], dim=1)[:, None, :])


def angle_of(x: float, y: float) -> float:
    """The angle in degrees, from −180 to 180, of the direction from the centre to a point."""
    return float(np.degrees(np.arctan2(x, y)))


def triplet_circle(placed: PlacedTriplet) -> go.Figure:
    """The circle, the three points, and for each loss an arrow: the way descent turns the anchor.

    The traces are the same in number and order for every triplet: the circle, the three points,
    an arrow a loss.

    Taught in notebook 06.
    """
    figure = go.Figure()
    around = np.radians(np.linspace(0, 360, 181))
    figure.add_scatter(
        x=np.sin(around), y=np.cos(around), mode="lines", line={"color": GREY, "width": 1},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    for name, angle in zip(NAMES, np.radians(placed.degrees), strict=True):
        colour, symbol = _MARKS[name]
        figure.add_scatter(
            x=[np.sin(angle)], y=[np.cos(angle)], name=name, mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 14},
            hovertemplate=f"{name} at {np.degrees(angle):.0f}°<extra></extra>",
        )  # fmt: skip
    colours, dashes = SERIES[2:], DASHES
    for (name, tug), ring, colour, dash in zip(
        placed.tugs.items(), _RINGS, colours, dashes, strict=False
    ):
        x, y = _arrow(np.radians(placed.degrees[0]), tug.turn, ring)
        figure.add_scatter(
            x=x, y=y, name=f"step of {name}", mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 3},
            marker={"symbol": "arrow", "angleref": "previous", "size": [0, 14]},
            hovertemplate=f"{name}: turns the anchor by {tug.turn:+.2f}<extra></extra>",
        )  # fmt: skip
    axis = {"range": [-1.5, 1.5], "showgrid": False, "zeroline": False, "visible": False}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x")
    figure.add_annotation(
        text=_in_words(placed),
        x=0,
        y=1,
        xref="paper",
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        align="left",
        font={"size": 13},
    )
    alt = "circle with " + ", ".join(
        f"the {name} at {angle:.0f}°" for name, angle in zip(NAMES, placed.degrees, strict=True)
    )
    title = "One triplet, and where each loss turns its anchor"
    figure = finished(figure, title, alt, height=560)
    # words above the circle and legend below it, so that nothing overlaps on a narrow screen
    return figure.update_layout(
        title={"yref": "container", "y": 0.98, "yanchor": "top"},
        margin={"l": 10, "r": 10, "t": 130, "b": 70},
        legend={"y": -0.02, "yanchor": "top"},
    )


def _arrow(angle: float, turn: float, ring: float) -> tuple[list[float | None], list[float | None]]:
    """A stroke outside the circle, from the anchor the way it turns; none for 0."""
    if turn == 0:
        return [None, None], [None, None]
    end = angle + _ARROW_A_UNIT * turn
    return (
        [ring * float(np.sin(angle)), ring * float(np.sin(end))],
        [ring * float(np.cos(angle)), ring * float(np.cos(end))],
    )


def _in_words(placed: PlacedTriplet) -> str:
    d1, d2, d3 = (float(distance) for distance in placed.distances)
    lines = [f"d1 {d1:.2f}   d2 {d2:.2f}   d3 {d3:.2f}"]
    lines += [
        f"{name}: loss {tug.loss:.2f}, turn {tug.turn:+.2f}" for name, tug in placed.tugs.items()
    ]
    lines.append("restrained: d2 ≥ d3" if placed.restrained else "not restrained: d2 < d3")
    return "<br>".join(lines)
