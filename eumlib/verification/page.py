"""An evaluation as one page that opens offline: the summary, and curves to look into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from eumlib._common.files import write_text
from eumlib._common.looks import figure_html, template
from eumlib.unmasking import Unmasker
from eumlib.verification.comparison import ScoreError
from eumlib.verification.evaluation import (
    MIXED_SETTING,
    UNMASKED_SETTING,
    ComparedViews,
)
from eumlib.verification.figures import cmc_curves, det_curves, roc_curves, score_distributions
from eumlib.verification.identification import ranks_of
from eumlib.verification.rates import ScoreCounts
from eumlib.verification.tables import STARRED, has_stars, summary, without_empty_columns
from eumlib.verification.tally import NO_RANK


def all_curves(views: ComparedViews, unmaskers: Mapping[str, Unmasker]) -> dict[str, go.Figure]:
    """DET, ROC, scores and CMC, by their headings.

    Unmasked faces, and masked ones against unmasked without and with each unmasker. A setting
    without mated or non-mated pairs is left out, as in `eumlib.verification.evaluate`.
    """
    systems = {"no masks": views.compare(UNMASKED_SETTING), "masks": views.compare(MIXED_SETTING)}
    for name, unmasker in unmaskers.items():
        systems[f"masks, {name}"] = views.through(unmasker).compare(MIXED_SETTING)
    counts = {}
    for name, comparison in systems.items():
        try:
            counts[name] = ScoreCounts.of_comparison(comparison)
        except ScoreError:
            continue
    figures = {
        "The trade-off of the two errors": det_curves(counts),
        "Rightful pairs accepted": roc_curves(counts),
        "Scores": score_distributions(counts),
    }
    ranks = {name: ranks_of(c) for name, c in systems.items() if c.pairs is None}
    ranks = {name: given for name, given in ranks.items() if (given != NO_RANK).any()}
    if ranks:
        figures["Found among all references"] = cmc_curves(ranks)
    return figures


def write_page(results: pd.DataFrame, figures: Mapping[str, go.Figure], path: Path | str) -> None:
    """Write one HTML page, atomically: the summary, what its words mean, and figures to look into.

    Args:
        results: of `eumlib.verification.evaluate`.
        figures: by their headings.
        path: of the page.
    """
    page = template("verification/results.html").render(
        style=template("_common/style.css").render(),
        plotly=get_plotlyjs(),
        first=results.iloc[0],
        summary=without_empty_columns(summary(results)).to_html(index=False, border=0),
        starred=f"A star marks rates with {STARRED}." if has_stars(results) else "",
        figures={
            title: figure_html(figure.to_dict(), f"figure-{number}")
            for number, (title, figure) in enumerate(figures.items())
        },
    )
    write_text(path, page)
