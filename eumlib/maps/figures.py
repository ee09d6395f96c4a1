"""A map of embeddings, and the cone around one of them, as figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from eumlib._common.looks import BLUE, GREEN, GREY, VERMILION, finished

VIEW_SYMBOLS = {"unmasked": "circle", "masked": "x", "unmasked by EUM": "diamond"}


VIEW_COLOURS = {"unmasked": BLUE, "masked": VERMILION, "unmasked by EUM": GREEN}


def embedding_map(coordinates: np.ndarray, points: pd.DataFrame, title: str) -> go.Figure:
    """A map of embeddings: one point per face view, its shape the view, and a line to its mate.

    Args:
        coordinates: ``(n, 2)``.
        points: their rows, with ``identity``, ``image_id``, ``view`` (a key of `VIEW_SYMBOLS`) and
            ``mask_shape``.
        title: over the map.

    The points are the last trace, in the order of `points`, so that point i is row i.

    Taught in notebook 04.
    """
    if len(coordinates) != len(points):
        raise ValueError(f"{len(points)} points need as many coordinates, not {len(coordinates)}")
    figure = go.Figure()
    places = points[["identity", "image_id", "view"]].assign(
        x=coordinates[:, 0], y=coordinates[:, 1]
    )
    mates = places[places["view"] != "unmasked"].merge(
        places[places["view"] == "unmasked"], on=["identity", "image_id"], suffixes=("", "_mate")
    )
    gaps = np.full(len(mates), np.nan)
    figure.add_scatter(
        x=np.stack([mates["x"], mates["x_mate"], gaps], axis=1).ravel(),
        y=np.stack([mates["y"], mates["y_mate"], gaps], axis=1).ravel(),
        mode="lines", line={"color": "rgba(107,114,128,0.25)", "width": 1},
        name="to the unmasked view", hoverinfo="skip",
    )  # fmt: skip
    for view in points["view"].unique():  # empty traces, for the legend alone
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=view,
            marker={"symbol": VIEW_SYMBOLS[view], "color": VIEW_COLOURS[view], "size": 9},
        )  # fmt: skip
    figure.add_scatter(
        x=coordinates[:, 0], y=coordinates[:, 1], mode="markers", showlegend=False,
        marker={
            "symbol": points["view"].map(VIEW_SYMBOLS).tolist(),
            "color": points["view"].map(VIEW_COLOURS).tolist(),
            "size": 7, "opacity": 0.8,
        },
        customdata=points[["identity", "image_id", "view", "mask_shape"]].fillna("–").to_numpy(),
        hovertemplate="%{customdata[0]}, picture %{customdata[1]}<br>%{customdata[2]}, "
        "mask %{customdata[3]}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="axis 1 (no unit)", zeroline=False)
    figure.update_yaxes(title_text="axis 2 (no unit)", zeroline=False, scaleanchor="x")
    counts = ", ".join(f"{count} {view}" for view, count in points["view"].value_counts().items())
    return finished(figure, title, f"map of {counts} embeddings", height=560)


CONE_MARKS = (("circle", BLUE), ("x", VERMILION), ("diamond", GREEN), ("line-ns-open", GREY))


def acceptance_cone(scores: Mapping[str, np.ndarray], threshold: float) -> go.Figure:
    """How far probes point away from one reference, and the cone in which they are accepted.

    The reference points to the right; a probe stands at its angle to it, the arc cosine of their
    score. Only this angle is true: to the one side or the other of the reference, and how far out,
    says nothing. At most four kinds of probes, a ring each.

    Args:
        scores: cosines with the reference, by the kind of probe.
        threshold: the operating threshold, whose arc cosine is the cone's half angle.

    Taught in notebook 04.
    """
    figure = go.Figure()
    half = np.degrees(np.arccos(threshold))
    around = np.linspace(-half, half, 61)
    figure.add_scatterpolar(
        r=[0, *np.ones(61), 0], theta=[0, *around, 0], mode="lines", fill="toself",
        line={"color": BLUE, "width": 1}, fillcolor="rgba(0,114,178,0.12)",
        name=f"accepted, up to {half:.0f}°", hoverinfo="skip",
    )  # fmt: skip
    rings = np.linspace(0.95, 0.5, len(scores))
    for (name, given), ring, (symbol, colour) in zip(
        scores.items(), rings, CONE_MARKS, strict=False
    ):
        given = np.asarray(given)
        angles = np.degrees(np.arccos(given.clip(-1, 1)))
        sides = np.where(np.arange(len(given)) % 2, 1, -1)
        figure.add_scatterpolar(
            r=np.full(len(given), ring), theta=sides * angles, name=name, mode="markers",
            marker={"symbol": symbol, "color": colour, "size": 8, "opacity": 0.7},
            customdata=np.stack([angles, given], axis=1),
            hovertemplate="%{customdata[0]:.0f}° (score %{customdata[1]:.3f})",
        )  # fmt: skip
    figure.update_polars(
        radialaxis={"visible": False, "range": [0, 1]},
        angularaxis={"tickvals": [-120, -90, -60, -30, 0, 30, 60, 90, 120],
                     "ticktext": [f"{abs(a)}°" for a in range(-120, 121, 30)]},
        sector=[-125, 125],
    )  # fmt: skip
    inside = ", ".join(
        f"{np.mean(np.asarray(given) >= threshold):.0%} of {name}" for name, given in scores.items()
    )
    alt = f"angles to one reference; accepted within {half:.0f} degrees: {inside}"
    return finished(figure, "The cone of what is accepted", alt, height=540)
