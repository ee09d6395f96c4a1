"""What a figure changes on a narrow screen: panels stack, long titles wrap, legends stay apart."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping
from typing import NamedTuple

WIDTH = 520  # px; a figure that is narrower changes
_PHONE = 340  # px that a figure has on a phone
_PANEL, _SQUARE, _GAP = 190, 300, 85  # px of a panel, of one with equal axes, and between two
_NAME = 24  # px of a name on an axis
_LEGEND, _LEGEND_ROW, _SLIDER = 60, 27, 80  # px
_TITLE_FONT, _TITLE_CHARACTERS, _TITLE_ROW = 13, 44, 18


class _Panel(NamedTuple):
    x: str
    y: str
    left: float
    right: float
    top: float


def narrow_layout(figure: Mapping) -> tuple[int, dict[str, object]]:
    """What a figure is to be where it is narrower than `WIDTH`.

    Of the annotations, titles in the middle of a panel's top follow it; others stay.

    Args:
        figure: its ``data`` and ``layout`` as plain dictionaries, as notebooks keep them.

    Returns:
        Its height in pixels, and values by path for ``Plotly.relayout``, such as
        ``"xaxis2.domain"``.
    """
    layout = figure["layout"]
    margin = layout.get("margin", {})
    title, top = _title(layout, margin.get("t", 60))
    panels = _panels(layout)
    if len({panel.left for panel in panels}) > 1:
        height, stacked = _stacked(figure, panels)
    else:
        height = layout.get("height", 450) - margin.get("t", 60) - margin.get("b", 60)
        stacked = {}
    bottom, below = _below(figure, height, margin)
    margins = {"margin.t": top, "margin.b": bottom}
    return top + height + bottom, title | stacked | below | margins


def _title(layout: Mapping, top: int) -> tuple[dict[str, object], int]:
    text = layout.get("title", {}).get("text", "")
    lines = [
        line
        for given in text.split("<br>")
        for line in textwrap.wrap(given, _TITLE_CHARACTERS) or [""]
    ]
    size = {"title.font.size": _TITLE_FONT}
    if layout.get("sliders"):  # it writes the title anew, in lines of its own
        return size, top
    added = len(lines) - 1 - text.count("<br>")
    return size | {"title.text": "<br>".join(lines)}, top + _TITLE_ROW * added


def _panels(layout: Mapping) -> list[_Panel]:
    """The panels, column by column, each from the top."""
    found = []
    for x in (name for name in layout if re.fullmatch(r"xaxis\d*", name)):
        y = "yaxis" + layout[x].get("anchor", "y")[1:]
        left, right = layout[x].get("domain", (0, 1))
        found.append(_Panel(x, y, left, right, layout.get(y, {}).get("domain", (0, 1))[1]))
    return sorted(found, key=lambda panel: (panel.left, -panel.top))


def _height(figure: Mapping, panel: _Panel) -> int:
    axis = figure["layout"][panel.y]
    names = {
        place
        for trace in figure["data"]
        if trace.get("yaxis", "y") == f"y{panel.y[5:]}" and not isinstance(trace.get("y"), Mapping)
        for place in trace.get("y", ())
        if isinstance(place, str)
    }
    return max(_SQUARE if axis.get("scaleanchor") else _PANEL, _NAME * len(names))


def _stacked(figure: Mapping, panels: list[_Panel]) -> tuple[int, dict[str, object]]:
    """The height of the panels one below the other, and the places of them and their titles."""
    layout = figure["layout"]
    heights = [_height(figure, panel) for panel in panels]
    tops = [0]
    for height in heights:
        tops.append(tops[-1] + height + _GAP)
    total = tops[-1] - _GAP
    told = {}
    for panel, height, top in zip(panels, heights, tops, strict=False):
        above, below = 1 - top / total, max(0, 1 - (top + height) / total)
        told |= {f"{panel.x}.domain": [0, 1], f"{panel.y}.domain": [below, above]}
        if layout[panel.y].get("matches"):  # its labels stood beside the first of the row
            told[f"{panel.y}.showticklabels"] = True
        middle = (panel.left + panel.right) / 2
        for number, words in enumerate(layout.get("annotations", ())):
            if words.get("xref") == words.get("yref") == "paper" and (
                math.isclose(words["x"], middle, abs_tol=0.01)
                and math.isclose(words["y"], panel.top, abs_tol=0.01)
            ):
                told |= {f"annotations[{number}].x": 0.5, f"annotations[{number}].y": above}
    return total, told


def _below(figure: Mapping, height: int, margin: Mapping) -> tuple[int, dict[str, object]]:
    """The margin below the panels, and what stands in it: the legend, and a slider below that."""
    named = {
        trace.get("legendgroup") or trace["name"]: trace["name"]
        for trace in figure["data"]
        if trace.get("name") and trace.get("showlegend", True)
    }
    across = _PHONE - margin.get("l", 70) - margin.get("r", 20)
    longest = max(map(len, named.values()), default=0)
    in_a_row = max(1, int(across // (45 + 6.5 * longest)))
    legend = _LEGEND_ROW * math.ceil(len(named) / in_a_row)
    told = {"legend.y": -_LEGEND / height} if named else {}
    bottom = _LEGEND + legend
    if figure["layout"].get("sliders"):
        told["sliders[0].pad.t"] = bottom + 10
        bottom += _SLIDER
    return bottom + 10, told
