"""How things look: the palette, finished figures, and the templates of pages.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; a marker's shape tells the
view and a line's dash the system, so that nothing hangs on colour alone. Every figure carries a
sentence for those who cannot see it in ``layout.meta["alt"]``; the report reads it out.
"""

from __future__ import annotations

import html
import json
import math
import textwrap
from functools import cache

import jinja2
import plotly.graph_objects as go
import plotly.io

from eumlib._common.files import PACKAGE_FOLDER
from eumlib._common.narrow import WIDTH, narrow_layout

BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE, GREY = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#6b7280",
)  # fmt: skip
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")


def finished(figure: go.Figure, title: str, alt: str, height: int = 420) -> go.Figure:
    """The figure with its title, its sentence for those who cannot see it, and our looks."""
    return figure.update_layout(
        template="plotly_white",
        title={"text": title, "font": {"size": 16}},
        height=height,
        margin={"l": 70, "r": 20, "t": 60, "b": 60},
        legend={"orientation": "h", "y": -0.22, "x": 0},
        meta={"alt": alt},
    )


def with_interval(value: float, low: float, high: float, form: str = "{:.1f}") -> str:
    """A value with its interval, as all tables show it; a dash where there is none.

    >>> with_interval(6.62, 5.9, 7.38), with_interval(float("nan"), 0, 1)
    ('6.6 [5.9, 7.4]', '–')
    """
    if any(number is None or math.isnan(number) for number in (value, low, high)):
        return "–"
    return f"{form.format(value)} [{form.format(low)}, {form.format(high)}]"


def wrapped(name: str) -> str:
    """A name in lines that leave room for the picture on a narrow screen."""
    return "<br>".join(textwrap.wrap(name, 22))


def figure_html(figure: dict, name: str) -> str:
    """A plotly figure as HTML that waits for a page's plotly.js, with its sentence of words.

    Args:
        figure: its data and layout.
        name: of its place, another one for each figure of a page; the same page is the same bytes.
    """
    alt = figure.get("layout", {}).get("meta", {}).get("alt", "interactive figure")
    drawn = plotly.io.to_html(
        {"data": figure["data"], "layout": figure["layout"]},
        include_plotlyjs=False,
        include_mathjax=False,
        full_html=False,
        div_id=name,
        config={"responsive": True, "displaylogo": False},
        post_script=_fit_to_phones(figure),
        validate=False,
    )
    return f'<div role="img" aria-label="{html.escape(alt)}">{drawn}</div>'


def _fit_to_phones(figure: dict) -> str:
    """A script that runs where a figure has been drawn.

    The height is given to its boxes, not to plotly, which would no longer follow their width.
    """
    height, changes = narrow_layout(figure)
    told = json.dumps(changes | {"autosize": True}).replace("</", "<\\/")
    return f"""const drawn = document.getElementById("{{plot_id}}");
if (0 < drawn.clientWidth && drawn.clientWidth < {WIDTH}) {{
  for (const box of [drawn, drawn.parentElement]) box.style.height = "{height}px";
  Plotly.relayout(drawn, {told});
}}"""


def template(name: str) -> jinja2.Template:
    """A template of a room, such as ``"maps/explorer.html"``; what is put in is escaped.

    Templates include others by the same names.
    """
    return _environment().get_template(name)


@cache
def _environment() -> jinja2.Environment:
    def load(name: str) -> str | None:
        room, _, file = name.partition("/")
        path = PACKAGE_FOLDER / room / "templates" / file
        return path.read_text(encoding="utf-8") if path.is_file() else None

    return jinja2.Environment(loader=jinja2.FunctionLoader(load), autoescape=True, trim_blocks=True)
