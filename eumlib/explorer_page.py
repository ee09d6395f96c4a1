"""The explorer as one HTML file that works offline, without a kernel, and by keyboard alone."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from plotly.offline import get_plotlyjs

from eumlib.colouring import OUTCOME_COLOURS, SCORE_COLOURS, score_range
from eumlib.exploring import ExploredViews, ProbeScores
from eumlib.figures import GREY, SERIES
from eumlib.files import write_text
from eumlib.joint_maps import HOW_NOT_TO_READ, JointMap
from eumlib.view_pictures import SpriteSheet

_SCORE_DIGITS = 6
_PLACE_DIGITS = 4


def explorer_page(
    views: ExploredViews,
    maps: Mapping[str, JointMap],
    sprites: SpriteSheet,
    threshold: float,
    title: str = "Faces before and after unmasking",
) -> str:
    """One HTML page with everything in it: the maps, the faces, and what to do with them.

    Args:
        views: of `eumlib.exploring.explore`.
        maps: by the name that the menu shows; the first is shown at first.
        sprites: a small picture of every view, in the order of the views.
        threshold: where the slider stands at first.
        title: of the page.

    Raises:
        ValueError: no maps, or one of another number of views.
    """
    data = page_data(views, maps, sprites, threshold)
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("eumlib", "templates"), autoescape=True, trim_blocks=True
    )
    folder = resources.files("eumlib") / "templates"
    parts = {
        name: (folder / f"explorer{ending}").read_text(encoding="utf-8")
        for name, ending in (("style", ".css"), ("script", ".js"), ("lists", "_lists.js"))
    }
    return templates.get_template("explorer.html").render(
        **parts,
        title=title,
        plotly=get_plotlyjs(),
        # "<" would let a name close the script; in JSON it may be written as an escape
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        views=views,
        people=views.rows["identity"].nunique(),
        how_not_to_read=HOW_NOT_TO_READ,
    )


def write_explorer_page(page: str, path: Path | str) -> None:
    """Write the page as UTF-8, atomically."""
    write_text(path, page)


def framed(page: str, height: int = 1500) -> str:
    """The page inside another one, in a frame of its own, `height` pixels high."""
    return (
        f'<div><iframe title="Explorer of face embeddings" srcdoc="{html.escape(page)}" '
        f'style="width:100%;height:{height}px;border:1px solid #8888"></iframe></div>'
    )


def page_data(
    views: ExploredViews, maps: Mapping[str, JointMap], sprites: SpriteSheet, threshold: float
) -> dict[str, object]:
    """What the page's script reads, ready for JSON; missing numbers are None, a list a column."""
    if not maps:
        raise ValueError("the page needs one map at least")
    for name, joint in maps.items():
        if len(joint.before) != len(views):
            raise ValueError(f"{len(views)} views, and map {name!r} has {len(joint.before)}")
    rows = views.rows
    return {
        "image": rows["image_id"].tolist(),
        "identity": rows["identity"].tolist(),
        "masked": views.masked.astype(int).tolist(),
        "shape": _or_none(rows["mask_shape"]),
        "colour": _or_none(rows["mask_colour"]),
        "mate": views.mates.tolist(),
        "before": _scores(views.before),
        "after": _scores(views.after),
        "maps": [_map(name, joint) for name, joint in maps.items()],
        "sprites": {"sheet": sprites.address, "columns": sprites.columns, "size": sprites.size},
        "threshold": threshold,
        "scoreRange": list(score_range(views)),
        "palette": list(SERIES),
        "grey": GREY,
        "outcomeColours": OUTCOME_COLOURS,
        "scoreColours": list(SCORE_COLOURS),
    }


def _or_none(column: pd.Series) -> list[str | None]:
    return column.astype(object).where(column.notna(), None).tolist()


def _numbers(values: np.ndarray, digits: int) -> list:
    """Nested lists of numbers, rounded; None for those that are missing."""
    rounded = np.round(values.astype(np.float64), digits)
    return np.where(np.isnan(rounded), None, rounded).tolist()


def _scores(scores: ProbeScores) -> dict[str, list]:
    return {
        "own": _numbers(scores.own, _SCORE_DIGITS),
        "stranger": _numbers(scores.stranger, _SCORE_DIGITS),
        "mate": _numbers(scores.mate, _SCORE_DIGITS),
        "ids": scores.neighbours.ids.tolist(),
        "scores": _numbers(scores.neighbours.scores, 4),
    }


def _map(name: str, joint: JointMap) -> dict[str, object]:
    return {
        "name": name,
        "before": _numbers(joint.before.T, _PLACE_DIGITS),
        "after": _numbers(joint.after.T, _PLACE_DIGITS),
        "ranges": joint.ranges().tolist(),
        "marks": joint.marks,
    }
