"""Judge unmaskers: error rates over several seeds, and intervals of them and of their change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from eumlib.acquisition import MASKED
from eumlib.embeddings import EmbeddingTable
from eumlib.evaluation import MIXED_SETTING, UNMASKED_SETTING, ComparedViews
from eumlib.measurement import intervals, measure
from eumlib.unmasking import Unmasker
from eumlib.verification import ErrorRates, ScoreCounts, error_rates, thresholds_of

RATES = ("eer", "fmr100", "fmr1000", "fmr_at_1000", "fnmr_at_1000", "error_at_1000")


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
            change = relative_change(self.values[name], plain.values[name])
            row |= {name: self.values[name], f"{name}_change": float(change)}
            draws = relative_change(self.draws[name], plain.draws[name])
            row |= intervals({name: self.draws[name], f"{name}_change": draws})
        return row


def relative_change(
    rate: float | np.ndarray, plain: float | np.ndarray
) -> np.floating | np.ndarray:
    """rate / plain − 1; where the plain rate is 0, as if it were one in a million."""
    return rate / np.maximum(plain, 1e-6) - 1


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
    def _unmasked_counts(self) -> ScoreCounts:
        return ScoreCounts.of_comparison(self._views.compare(UNMASKED_SETTING))

    @property
    def unmasked(self) -> ErrorRates:
        """The rates of unmasked against unmasked faces."""
        return error_rates(self._unmasked_counts)

    def measure(self, *unmaskers: Unmasker) -> Measured:
        """The rates of unmasked references against masked probes, the mean over the unmaskers."""
        each = [self._measure(unmasker) for unmasker in unmaskers]
        return Measured(
            {name: float(np.mean([one.values[name] for one in each])) for name in RATES},
            {name: np.mean([one.draws[name] for one in each], axis=0) for name in RATES},
        )

    def _measure(self, unmasker: Unmasker) -> Measured:
        comparison = self._views.through(unmasker).compare(MIXED_SETTING)
        in_service = thresholds_of(self._unmasked_counts)
        measured = measure(comparison, in_service, self._resamples, self._seed)
        return Measured(
            {name: measured.values[name] for name in RATES},
            {name: measured.draws[name].to_numpy() for name in RATES},
        )


def eer_by_condition(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `Measured.row` for a reader: a line a training, a column a condition, EER in percent.

    Each with its 95 % interval and, but for the line without an EUM, its change relative to that.
    """
    shown = rows.assign(text=_for_a_reader(rows, "eer"))
    order = {"index": rows["trained"].unique(), "columns": rows["condition"].unique()}
    return shown.pivot(index="trained", columns="condition", values="text").reindex(**order)


SHOWN = {
    "eer": "EER %",
    "fmr1000": "FMR1000 %",
    "fmr_at_1000": "FMR % at the old threshold",
    "fnmr_at_1000": "FNMR % there",
    "error_at_1000": "their mean %",
}


def rates_of_condition(rows: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Rows of `Measured.row` under one condition: a line a training, a column a rate, in percent.

    The old threshold is the one that lets 0.1 % of strangers pass among unmasked faces. Each rate
    with its 95 % interval and, but for the line without an EUM, its change relative to that; FMR at
    the old threshold is so small that it has its value alone.
    """
    rows = rows[rows["condition"] == condition]
    columns = {title: _for_a_reader(rows, name) for name, title in SHOWN.items()}
    columns[SHOWN["fmr_at_1000"]] = [f"{100 * rate:.2f}" for rate in rows["fmr_at_1000"]]
    return pd.DataFrame(columns, index=pd.Index(rows["trained"], name="trained"))


def _for_a_reader(rows: pd.DataFrame, name: str) -> list[str]:
    columns = [name, f"{name}_low", f"{name}_high", f"{name}_change", "trained"]
    return [
        f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        + ("" if trained == "no EUM" else f" {100 * change:+.0f} %")
        for value, low, high, change, trained in rows[columns].itertuples(index=False)
    ]
