"""Every figure of merit of one comparison, and what resampling people makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from eumlib.verification.comparison import Comparison
from eumlib.verification.identification import found_by
from eumlib.verification.rates import (
    ErrorRates,
    OperatingThresholds,
    ScoreCounts,
    error_rates,
    resolves,
    thresholds_of,
)
from eumlib.verification.resampling import ResampledRates, TeamTables

METRICS = (*(field.name for field in fields(ErrorRates)), "rank1")
INTERVAL_PERCENT = 95


@dataclass(frozen=True)
class Measurement:
    """The figures of one comparison.

    Attributes:
        counts: of its scores.
        values: by the names in `METRICS`; rates are fractions.
        draws: the same of each resample, a row each.
    """

    counts: ScoreCounts
    values: dict[str, float]
    draws: pd.DataFrame

    def change_from(self, other: Measurement) -> tuple[dict[str, float], pd.DataFrame]:
        """The values minus those of another system on the same people, and so the draws."""
        values = {name: self.values[name] - other.values[name] for name in METRICS}
        return values, self.draws - other.draws


def measure(
    comparison: Comparison, operating: OperatingThresholds | None, resamples: int, seed: int
) -> Measurement:
    """Count, rate and resample a comparison.

    The same `seed` and people give the same resamples, whatever the scores: so the difference
    between two systems can be taken resample by resample.

    Args:
        comparison: of one setting.
        operating: thresholds found on unmasked faces; without them, these scores' own.
        resamples: how many times people are drawn.
        seed: of the draw.

    Raises:
        ScoreError: no mated or no non-mated pairs.

    Taught in notebook 08.
    """
    counts = ScoreCounts.of_comparison(comparison)
    thresholds = operating or thresholds_of(counts)
    tables = TeamTables.of(comparison, counts, thresholds, seed)
    resampled = ResampledRates(tables, tables.draw(resamples, seed))
    draws = resampled.metrics(thresholds).assign(rank1=resampled.found_by(1))
    values = asdict(error_rates(counts, thresholds)) | {"rank1": found_by(tables.ranks, 1)}
    return Measurement(counts, values, draws)


def intervals(draws: pd.DataFrame | Mapping[str, np.ndarray], suffix: str = "") -> dict[str, float]:
    """``…_low`` and ``…_high`` of each column: the middle 95 % of its draws."""
    tail = (100 - INTERVAL_PERCENT) / 2
    limits = {}
    for name, values in draws.items():
        low, high = np.percentile(np.asarray(values, dtype=float), [tail, 100 - tail])
        limits |= {f"{name}{suffix}_low": float(low), f"{name}{suffix}_high": float(high)}
    return limits


def unresolved(counts: ScoreCounts) -> list[str]:
    """The metrics that these pairs are too few for: their FMR is 0, below what is asked."""
    targets = {"fmr100": 0.01, "fmr1000": 0.001}
    return [name for name, target in targets.items() if not resolves(counts, target)]
