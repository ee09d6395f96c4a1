"""One panel of a live map: the lines to the unmasked views, and the points, a trace each.

Point i is view i: one trace with colours and symbols as arrays, so that a lasso gives ids. What
lies in the lasso is worked out here from its outline: plotly sends the points it found over the
same channel as what the pointer hovers over, and the later message replaces the earlier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from eumlib.exploring import NOBODY, ExploredViews, ProbeScores
from eumlib.figures import GREY, VIEW_SYMBOLS, finished

LINES, POINTS = 0, 1
NO_LINES = {"x": [], "y": [], "text": []}


def map_panel(views: ExploredViews, ranges: np.ndarray, title: str) -> go.Figure:
    """A panel whose points have symbols and names, but no places and colours yet.

    Args:
        views: what the points are.
        ranges: ``(2, 2)``, lowest and highest of both axes, which stay when points move.
        title: over the panel.
    """
    figure = go.Figure()
    figure.add_scatter(
        **NO_LINES, mode="lines", line={"color": GREY, "width": 1}, opacity=0.5, hoverinfo="text"
    )
    rows = views.rows.assign(mask=views.rows["mask_shape"].fillna("–"), id=np.arange(len(views)))
    figure.add_scatter(
        mode="markers",
        marker={"symbol": rows["view"].map(VIEW_SYMBOLS).tolist(), "size": 8, "opacity": 0.9},
        unselected={"marker": {"opacity": 0.08}},
        customdata=rows[["id", "identity", "image_id", "mask"]].to_numpy(),
        hovertemplate="%{customdata[1]}, picture %{customdata[2]}, mask %{customdata[3]}"
        "<extra></extra>",
    )
    alt = f"map of {len(views)} face views, {views.masked.sum()} of them masked, {title}"
    finished(figure, title, alt, height=430)
    return figure.update_layout(
        width=410,  # two stand side by side in a notebook on a small screen
        margin={"l": 50, "r": 5, "t": 65, "b": 50},
        showlegend=False,
        dragmode="lasso",
        hovermode="closest",
        xaxis={"title": {"text": "axis 1 (no unit)"}, "zeroline": False, "range": ranges[0]},
        yaxis={"title": {"text": "axis 2 (no unit)"}, "zeroline": False, "range": ranges[1]},
    )


def mate_lines(
    views: ExploredViews, scores: ProbeScores, places: np.ndarray
) -> dict[str, list[float | str | None]]:
    """A line from each masked view to its unmasked one, through the middle, where it is hovered.

    Args:
        views: what the points are.
        scores: whose cosines the lines tell.
        places: ``(n, 2)``, where the points lie.

    Returns:
        ``x``, ``y`` and ``text`` of a trace, four values a line: masked, middle, unmasked, gap.
    """
    masked = np.flatnonzero(views.masked & (views.mates != NOBODY))
    ends, mates = places[masked], places[views.mates[masked]]
    gaps = np.full_like(ends, np.nan)
    x, y = np.stack([ends, (ends + mates) / 2, mates, gaps], axis=1).reshape(-1, 2).T
    told = [f"masked and unmasked: cosine {cosine:.3f}" for cosine in scores.mate[masked]]
    return {"x": x, "y": y, "text": [word for words in told for word in (words,) * 4]}


def show_selected(figure: go.FigureWidget, ids: Sequence[int]) -> None:
    """Bring out some points, or none in particular for no ids, and take the lasso away.

    A lasso that stays would select anew with the next change. It goes by ``plotly_relayout``, since
    ``layout.selections`` does not know of lassos that a reader has drawn.
    """
    figure.plotly_relayout({"selections": []})
    figure.data[POINTS].selectedpoints = list(ids) or None


def drawn_lassos(figure: go.FigureWidget) -> list[dict]:
    """What a reader has drawn on the panel: lassos and boxes, as JSON has them."""
    return figure.layout.to_plotly_json().get("selections", [])


def points_inside(selections: Sequence[Mapping], places: np.ndarray) -> np.ndarray:
    """The ids of the points in any of the lassos and boxes: ``(k,)`` int64, ascending.

    Args:
        selections: a figure's ``layout.selections``, as JSON has them.
        places: ``(n, 2)``, where the points lie.
    """
    inside = np.zeros(len(places), dtype=bool)
    for selection in selections:
        inside |= _in_polygon(_corners(selection), places)
    return np.flatnonzero(inside)


def _corners(selection: Mapping) -> np.ndarray:
    if selection["type"] == "path":
        return np.array(re.findall(r"([^MLZ,\s]+),([^MLZ,\s]+)", selection["path"]), dtype=float)
    x0, x1, y0, y1 = (selection[name] for name in ("x0", "x1", "y0", "y1"))
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float)


def _in_polygon(corners: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether a ray to the right of each place crosses the outline an odd number of times."""
    x, y = places.T
    inside = np.zeros(len(places), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crossing = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
            inside ^= ((y0 > y) != (y1 > y)) & (x < crossing)
    return inside
