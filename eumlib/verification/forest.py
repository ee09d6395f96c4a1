"""Values with their intervals as a forest plot."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from eumlib._common.looks import BLACK, SERIES, finished, with_interval, wrapped

_SYMBOLS = ("circle", "diamond", "square", "cross", "star")


def forest_plot(series: Mapping[str, pd.DataFrame], title: str, axis: str) -> go.Figure:
    """Values with their intervals as a forest plot: one line per name, and a line at zero.

    An end that lies far outside the others is clipped; an arrow marks it, and the number stands
    beside it.

    Args:
        series: tables of one row per name, whose first three columns are value, low and high; the
            names are the index, the same in all tables.
        title: over the figure.
        axis: what the values are, with their unit.

    Raises:
        ValueError: the tables have other names than the first, or one name twice.

    Taught in notebook 08.
    """
    names = list(next(iter(series.values())).index)
    for table in series.values():
        if list(table.index) != names or len(set(names)) < len(names):
            raise ValueError("a forest plot needs the same names in each table, each of them once")
    ends = np.concatenate([table.to_numpy(float)[:, :3].ravel() for table in series.values()])
    left, right = _limits(ends[np.isfinite(ends)])
    figure = go.Figure()
    offsets = np.linspace(-0.2, 0.2, len(series)) if len(series) > 1 else [0]
    for (name, table), offset, colour, symbol in zip(
        series.items(), offsets, cycle(SERIES), cycle(_SYMBOLS), strict=False
    ):
        value, low, high = table.to_numpy(float)[:, :3].T
        rows = np.arange(len(names)) + offset
        shown = value.clip(left, right)
        figure.add_scatter(
            x=shown, y=rows, name=name, mode="markers", cliponaxis=False,
            marker={"color": colour, "symbol": symbol, "size": 9},
            error_x={"type": "data", "symmetric": False, "thickness": 1.5, "width": 3,
                     "array": high.clip(left, right) - shown,
                     "arrayminus": shown - low.clip(left, right)},
            customdata=np.stack([names, *(np.char.mod("%.3g", x) for x in (value, low, high))], 1),
            hovertemplate="%{customdata[0]}: %{customdata[1]} "
            "[%{customdata[2]}, %{customdata[3]}]",
        )  # fmt: skip
        for end, place, arrow in ((low, left, "◀"), (high, right, "▶")):
            for row in np.flatnonzero((end < left) | (end > right)):
                if (end[row] < left) == (place == left):
                    anchor = "left" if place == left else "right"
                    text = f"◀ {end[row]:.1f}" if arrow == "◀" else f"{end[row]:.1f} ▶"
                    figure.add_annotation(
                        x=place, y=rows[row], text=text, showarrow=False, xanchor=anchor,
                        yshift=10, font={"color": colour, "size": 11},
                    )  # fmt: skip
    figure.add_vline(x=0, line={"color": BLACK, "width": 1})
    margin = 0.03 * (right - left)
    figure.update_xaxes(title_text=axis, range=[left - margin, right + margin], zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[wrapped(name) for name in names],
        range=[len(names) - 0.5, -0.5], automargin=True, zeroline=False,
    )  # fmt: skip
    alt = "; ".join(
        f"{name}, {row}: " + with_interval(*values, "{:.1f}")
        for name, table in series.items()
        for row, values in zip(names, table.to_numpy(float)[:, :3], strict=True)
    )
    lines = 1 + max(wrapped(name).count("<br>") for name in names)
    height = 150 + max(26 + 14 * len(series), 8 + 17 * lines) * len(names)
    return finished(figure, title, f"{axis}: {alt}", height)


def _limits(ends: np.ndarray) -> tuple[float, float]:
    """Zero and what most of the ends span, with as much room again on either side."""
    inner = np.percentile(ends, [10, 90])
    room = max(inner[1] - inner[0], abs(inner).max() / 2)
    return min(0, max(ends.min(), inner[0] - room)), max(0, min(ends.max(), inner[1] + room))
