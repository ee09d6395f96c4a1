"""All curves of an evaluation: what the settings look like without and with each unmasker."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from eumlib.comparison import ScoreError
from eumlib.evaluation import MIXED_SETTING, UNMASKED_SETTING, ComparedViews
from eumlib.figures import cmc_curves, det_curves, roc_curves, score_distributions
from eumlib.identification import NO_RANK, ranks_of
from eumlib.unmasking import Unmasker
from eumlib.verification import ScoreCounts


def all_curves(views: ComparedViews, unmaskers: Mapping[str, Unmasker]) -> dict[str, go.Figure]:
    """DET, ROC, scores and CMC, by their headings.

    Unmasked faces, and masked ones against unmasked without and with each unmasker. A setting
    without mated or non-mated pairs is left out, as in `eumlib.evaluation.evaluate`.
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
