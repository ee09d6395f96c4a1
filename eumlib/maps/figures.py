"""A map of embeddings as a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from eumlib._common.looks import BLUE, GREEN, VERMILION, finished

VIEW_SYMBOLS = {"unmasked": "circle", "masked": "x", "unmasked by EUM": "diamond"}


VIEW_COLOURS = {"unmasked": BLUE, "masked": VERMILION, "unmasked by EUM": GREEN}


def embedding_map(coordinates: np.ndarray, points: pd.DataFrame, title: str) -> go.Figure:
    """A map of embeddings: one point a face view, its shape the view, and a line to its mate.

    Args:
        coordinates: ``(n, 2)``.
        points: a row a point with ``identity``, ``image_id``, ``view`` (a key of `VIEW_SYMBOLS`)
            and ``mask_shape``.
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
    figure.update_yaxes(title_text="axis 2 (no unit)", zeroline=False)
    counts = ", ".join(f"{count} {view}" for view, count in points["view"].value_counts().items())
    return finished(figure, title, f"map of {counts} embeddings", height=560)
