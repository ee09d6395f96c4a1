"""Judge unmaskers: error rates over several seeds, and intervals of them and of their change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from eumlib.acquisition import MASKED
from eumlib.embeddings import EmbeddingTable
from eumlib.evaluation import MIXED_SETTING, UNMASKED_SETTING, ComparedViews
from eumlib.resampling import draw_people, resampled_rates
from eumlib.unmasking import Unmasker
from eumlib.verification import ErrorRates, error_rates, unmasked_thresholds

RATES = ("eer", "fmr100", "fmr1000", "fmr_at_1000", "fnmr_at_1000", "error_in_service")


@dataclass(frozen=True)
class Measured:
    """Rates of a system, a mean over its seeds, and of its resamples.

    Attributes:
        values: by the names in `RATES`, fractions in [0, 1].
        draws: the same of each resample, ``(B,)``.
    """

    values: dict[str, float]
    draws: dict[str, np.ndarray]

    def row(self, plain: Measured) -> dict[str, float]:
        """Values and 95 % intervals, and how much each rate changed relative to another system."""
        row = {}
        for name in RATES:
            row |= _with_interval(name, self.values[name], self.draws[name])
            change = relative_change(self.values[name], plain.values[name])
            draws = relative_change(self.draws[name], plain.draws[name])
            row |= _with_interval(f"{name}_change", change, draws)
        return row


def relative_change(
    rate: float | np.ndarray, plain: float | np.ndarray
) -> np.floating | np.ndarray:
    """rate / plain − 1; where the plain rate is 0, as if it were one in a million."""
    return rate / np.maximum(plain, 1e-6) - 1


def _with_interval(name: str, value: float, draws: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}


class Judge:
    """Measures unmaskers on the masked and unmasked views of one table.

    Args:
        table: people on whom nothing was trained.
        resamples: of people, behind each interval; the same ones for every unmasker.
        seed: of the resamples.
    """

    def __init__(self, table: EmbeddingTable, resamples: int, seed: int) -> None:
        self._table, self._resamples, self._seed = table, resamples, seed
        self._views = ComparedViews.of_table(table)
        self._deployed = unmasked_thresholds(self.unmasked)

    @property
    def counts(self) -> dict[str, object]:
        """The face set, its people and pictures, and the masked views among them."""
        rows = self._table.rows
        return {
            "face_set": rows["face_set"].iloc[0],
            "people": rows["identity"].nunique(),
            "pictures": rows["image_id"].nunique(),
            "masked_views": int((rows["view"] == MASKED).sum()),
        }

    @cached_property
    def unmasked(self) -> ErrorRates:
        """The rates of unmasked against unmasked faces."""
        return error_rates(self._views.scores(UNMASKED_SETTING))

    def measure(self, *unmaskers: Unmasker) -> Measured:
        """The rates of unmasked references against masked probes, the mean over the unmaskers."""
        each = [self._measure(unmasker) for unmasker in unmaskers]
        return Measured(
            {name: float(np.mean([one.values[name] for one in each])) for name in RATES},
            {name: np.mean([one.draws[name] for one in each], axis=0) for name in RATES},
        )

    def _measure(self, unmasker: Unmasker) -> Measured:
        deployed = self._deployed
        scores = self._views.through(unmasker).scores(MIXED_SETTING)
        exact = error_rates(scores, deployed)
        values = {name: getattr(exact, name) for name in RATES[:-1]}
        values["error_in_service"] = (exact.fmr_at_1000 + exact.fnmr_at_1000) / 2
        times = draw_people(scores.people, self._resamples, self._seed)
        resampled = resampled_rates(scores, times, [deployed.at_1000])
        fmr, fnmr = resampled.at(deployed.at_1000)
        draws = {
            "eer": resampled.eer, "fmr100": resampled.fnmr_at(0.01),
            "fmr1000": resampled.fnmr_at(0.001), "fmr_at_1000": fmr, "fnmr_at_1000": fnmr,
            "error_in_service": (fmr + fnmr) / 2,
        }  # fmt: skip
        return Measured(values, draws)


def eer_by_condition(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `Measured.row` for a reader: a line a training, a column a condition, EER in percent.

    Each with its 95 % interval and, but for the first line, its change relative to no EUM. The
    first column is the EER of unmasked against unmasked faces, which centring changes.
    """
    shown = rows.assign(
        text=[
            f"{100 * row.eer:.1f} [{100 * row.eer_low:.1f}, {100 * row.eer_high:.1f}]"
            + ("" if row.trained == "no EUM" else f" {100 * row.eer_change:+.0f} %")
            for row in rows.itertuples()
        ]
    )
    order = {"index": rows["trained"].unique(), "columns": rows["condition"].unique()}
    table = shown.pivot(index="trained", columns="condition", values="text").reindex(**order)
    unmasked = rows.groupby("trained")["unmasked_eer"].first().reindex(table.index)
    table.insert(0, "no masks", [f"{100 * eer:.1f}" for eer in unmasked])
    return table
