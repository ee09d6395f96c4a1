"""Whom and what the errors hit: by kind of mask, and by person.

Small groups are shown and flagged, not hidden: with few people a rate says little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from eumlib.verification.comparison import Comparison, FaceViews, ScoreError
from eumlib.verification.evaluation import MIXED_SETTING, ComparedViews
from eumlib.verification.measurement import intervals, measure
from eumlib.verification.rates import OperatingThresholds
from eumlib.verification.steps import STEP

FEW_PEOPLE = 20
FEW_PAIRS = 30
BROKEN_DOWN_RATES = ("eer", "fmr_at_1000", "fnmr_at_1000")


def by_mask(
    views: ComparedViews,
    kinds: Sequence[str],
    operating: OperatingThresholds,
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """UMR-MP for the masked views of each kind alone.

    Args:
        views: unmasked and masked views.
        kinds: of each masked view, in their order: shape, coverage, colour or what else there is;
            a `pandas.Categorical` keeps the order of its categories, others are sorted.
        operating: thresholds found on unmasked faces.
        resamples: bootstrap resamples of people behind each interval.
        seed: of the bootstrap.

    Returns:
        One row per kind: ``kind``, ``people``, ``probes``, ``few`` (fewer than `FEW_PEOPLE`),
        `BROKEN_DOWN_RATES` as fractions with their intervals; NaN where there are no mated pairs.

    Taught in notebook 03.
    """
    kinds = pd.Categorical(kinds).remove_unused_categories()
    rows = []
    for kind in kinds.categories:
        chosen = _some(views.masked, kinds == kind)
        people = len(set(chosen.identities))
        row = {"kind": kind, "people": people, "probes": len(chosen), "few": people < FEW_PEOPLE}
        try:
            comparison = replace(views, masked=chosen).compare(MIXED_SETTING)
            measured = measure(comparison, operating, resamples, seed)
            row |= {name: measured.values[name] for name in BROKEN_DOWN_RATES}
            row |= intervals(measured.draws[list(BROKEN_DOWN_RATES)])
        except ScoreError:
            row |= {
                f"{name}{end}": np.nan
                for name in BROKEN_DOWN_RATES
                for end in ("", "_low", "_high")
            }
        rows.append(row)
    return pd.DataFrame(rows)


def by_person(comparison: Comparison, threshold: float) -> pd.DataFrame:
    """How each person's own pairs fare at a threshold, the hardest first.

    Returns:
        One row per person with mated pairs: ``identity``, ``mated_pairs``, ``fnmr`` (share of them
        that is rejected), ``mean_score``, ``few`` (fewer than `FEW_PAIRS` pairs); sorted by FNMR,
        then by the mean score.

    Taught in notebook 08.
    """
    left, right = comparison.person_of
    names = comparison.references.identities
    rows = []
    for person in np.unique(left):
        reference, probe = np.flatnonzero(left == person), np.flatnonzero(right == person)
        block = comparison.block(reference, probe)
        compared = block.compared
        if comparison.symmetric:
            compared = compared & (block.reference < block.probe)
        scores = block.steps[compared] * STEP
        if len(scores):
            rows.append(
                {
                    "identity": names[reference[0]],
                    "mated_pairs": len(scores),
                    "fnmr": float((scores < threshold).mean()),
                    "mean_score": float(scores.mean()),
                    "few": len(scores) < FEW_PAIRS,
                }
            )
    hardest = pd.DataFrame(rows).sort_values(["fnmr", "mean_score"], ascending=[False, True])
    return hardest.reset_index(drop=True)


def _some(views: FaceViews, chosen: np.ndarray) -> FaceViews:
    return FaceViews(views.vectors[chosen], views.identities[chosen], views.pictures[chosen])
