"""What a training on one kind of mask is worth on another, as a figure."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from eumlib._common.looks import finished


def change_map(changes: pd.DataFrame, title: str) -> go.Figure:
    """Changes in percent as a heat map with their numbers; blue is lower, and so better.

    Args:
        changes: one row per training, one column per condition.
        title: over the map.

    Taught in notebook 10.
    """
    rows = [name.replace(", ", ",<br>") for name in changes.index]
    figure = go.Figure(
        go.Heatmap(
            z=changes.to_numpy(float), x=list(changes), y=rows, texttemplate="%{z:+.0f}",
            colorscale="RdBu_r", zmid=0, colorbar={"title": "%", "thickness": 12},
            hovertemplate="trained on %{y}, tested on %{x}: %{z:+.0f} %<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title_text="tested on", side="bottom", automargin=True, tickangle=-90)
    figure.update_yaxes(title_text="trained on", autorange="reversed", automargin=True)
    alt = "; ".join(
        f"trained on {name}: " + ", ".join(f"{value:+.0f} % on {tested}" for tested, value in row)
        for name, row in ((name, changes.loc[name].items()) for name in changes.index)
    )
    return finished(figure, title, alt, height=300 + 40 * len(changes))
