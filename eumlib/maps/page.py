"""The explorer as one HTML file that works offline, without a kernel, and by keyboard alone."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from plotly.offline import get_plotlyjs

from eumlib._common.files import PACKAGE_FOLDER
from eumlib._common.looks import BLUE, GREY, ORANGE, SERIES, VERMILION, template
from eumlib.maps.projection import HOW_NOT_TO_READ, JointMap
from eumlib.maps.sprites import SpriteSheet
from eumlib.maps.views import OUTCOMES, ExploredViews, ProbeScores

OUTCOME_COLOURS = dict(zip(OUTCOMES, (BLUE, VERMILION, ORANGE, GREY), strict=True))
SCORE_COLOURS = (VERMILION, "#b8b8b8", BLUE)  # from the lowest mated score to the highest
MOST_ON_A_PAGE = 20_000  # of more, a lasso takes many seconds (benchmarks/exploring.py)
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
        views: of `eumlib.maps.explore`.
        maps: by the name that the menu shows; the first is shown at first.
        sprites: a small picture of every view, in the order of the views.
        threshold: where the slider stands at first; above all scores if it is infinite.
        title: of the page.

    Raises:
        ValueError: no maps, or one of another number of views, or more of them than a page bears.
    """
    data = page_data(views, maps, sprites, threshold)
    folder = PACKAGE_FOLDER / "maps/templates"
    parts = {
        name: (folder / f"explorer{ending}").read_text(encoding="utf-8")
        for name, ending in (("style", ".css"), ("script", ".js"), ("lists", "_lists.js"))
    }
    return template("maps/explorer.html").render(
        **parts,
        title=title,
        plotly=get_plotlyjs(),
        # "<" would let a name close the script; in JSON it may be written as an escape
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        views=views,
        people=views.rows["identity"].nunique(),
        how_not_to_read=HOW_NOT_TO_READ,
    )


def framed(page: str) -> str:
    """The page inside another one, in a frame of its own, which its script makes as tall as it."""
    return (
        f'<div><iframe title="Explorer of face embeddings" srcdoc="{html.escape(page)}" '
        f'style="width:100%;height:1500px;border:1px solid #8888"></iframe></div>'
    )


def page_data(
    views: ExploredViews, maps: Mapping[str, JointMap], sprites: SpriteSheet, threshold: float
) -> dict[str, object]:
    """What the page's script reads, for JSON: one list per column, None for a missing number."""
    if not maps:
        raise ValueError("the page needs one map at least")
    if len(views) > MOST_ON_A_PAGE:
        raise ValueError(
            f"a page bears {MOST_ON_A_PAGE:,} views, not {len(views):,}; look at more with "
            "eumlib.maps.ScatterExplorer, in a live notebook"
        )
    for name, joint in maps.items():
        if len(joint.before) != len(views):
            raise ValueError(f"{len(views)} views, and map {name!r} has {len(joint.before)}")
    rows = views.rows
    low, high = _score_range(views)
    if threshold == np.inf:  # no score is out of reach of a slider that stands above all
        threshold = round(high + 0.01, 2)
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
        "scoreRange": [low, max(high, threshold)],
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
        "mated": _numbers(scores.mated, _SCORE_DIGITS),
        "non_mated": _numbers(scores.non_mated, _SCORE_DIGITS),
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


def _score_range(views: ExploredViews) -> tuple[float, float]:
    """The lowest and the highest score that an outcome or a mated score hangs on."""
    sides = [side.mated for side in (views.before, views.after)]
    sides += [side.non_mated for side in (views.before, views.after)]
    scores = np.concatenate(sides)
    scores = scores[np.isfinite(scores)]
    return (float(scores.min()), float(scores.max())) if len(scores) else (-1.0, 1.0)
