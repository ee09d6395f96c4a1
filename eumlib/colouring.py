"""The colours of a map's points, by what they are and by what becomes of them.

The palette is Okabe and Ito's. Colour never says alone whether a view is masked: the marker's shape
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from eumlib.exploring import OUTCOMES, ExploredViews, ProbeScores, outcomes
from eumlib.figures import BLUE, GREY, ORANGE, SERIES, VERMILION

OUTCOME_COLOURS = dict(zip(OUTCOMES, (BLUE, VERMILION, ORANGE, GREY), strict=True))
SCORE_COLOURS = (VERMILION, "#b8b8b8", BLUE)  # from the lowest own score to the highest

Colouring = Callable[[ExploredViews, ProbeScores, float], list[str]]


def by_outcome(_views: ExploredViews, scores: ProbeScores, threshold: float) -> list[str]:
    """Correct, false match, false non-match or no reference, as `OUTCOME_COLOURS` has them."""
    return [OUTCOME_COLOURS[word] for word in outcomes(scores, threshold)]


def by_own_score(views: ExploredViews, scores: ProbeScores, _threshold: float) -> list[str]:
    """The highest score with the own person, on one scale for before and after; grey without."""
    low, high = score_range(views)
    shares = (scores.own.astype(np.float64) - low) / max(high - low, 1e-9)
    return [GREY if np.isnan(share) else _on_ramp(share) for share in shares]


def by_identity(views: ExploredViews, _scores: ProbeScores, _threshold: float) -> list[str]:
    """A colour a person, in the order of their first views; colours repeat."""
    codes = pd.factorize(views.rows["identity"])[0]
    return [SERIES[code % len(SERIES)] for code in codes]


def by_view(views: ExploredViews, _scores: ProbeScores, _threshold: float) -> list[str]:
    """Unmasked or masked."""
    return [SERIES[int(masked)] for masked in views.masked]


def by_mask_shape(views: ExploredViews, _scores: ProbeScores, _threshold: float) -> list[str]:
    """A colour a mask shape, in alphabetical order; grey for no mask; colours repeat."""
    shapes = views.rows["mask_shape"]
    order = {shape: place for place, shape in enumerate(sorted(shapes.dropna().unique()))}
    return [GREY if pd.isna(shape) else SERIES[order[shape] % len(SERIES)] for shape in shapes]


def by_mask_colour(views: ExploredViews, _scores: ProbeScores, _threshold: float) -> list[str]:
    """The colour of the mask itself; grey where none was painted."""
    return views.rows["mask_colour"].fillna(GREY).tolist()


COLOURINGS: Mapping[str, Colouring] = {
    "outcome at the threshold": by_outcome,
    "score with the own person": by_own_score,
    "person": by_identity,
    "view": by_view,
    "mask shape": by_mask_shape,
    "mask colour": by_mask_colour,
}


def score_range(views: ExploredViews) -> tuple[float, float]:
    """The lowest and the highest score that an outcome or an own score hangs on."""
    sides = [side.own for side in (views.before, views.after)]
    sides += [side.stranger for side in (views.before, views.after)]
    scores = np.concatenate(sides)
    scores = scores[np.isfinite(scores)]
    return (float(scores.min()), float(scores.max())) if len(scores) else (-1.0, 1.0)


def _on_ramp(share: float) -> str:
    """A mixture of the two of `SCORE_COLOURS` between which the share, 0 to 1, lies."""
    places = np.linspace(0, 1, len(SCORE_COLOURS))
    ends = np.array([list(bytes.fromhex(colour[1:])) for colour in SCORE_COLOURS])
    mixed = [int(np.interp(share, places, channel) + 0.5) for channel in ends.T]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
