"""Judge unmaskers: error rates over several seeds, and intervals of them and of their change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eumlib.embeddings import MASKED, EmbeddingTable
from eumlib.unmasking import Unmasker
from eumlib.verification import (
    MIXED_SETTING,
    UNMASKED_SETTING,
    ComparedViews,
    ErrorRates,
    OperatingThresholds,
    ScoreCounts,
    error_rates,
    intervals,
    measure,
    thresholds_of,
)

JUDGED_RATES = ("eer", "fmr100", "fmr1000", "fmr_at_1000", "fnmr_at_1000", "error_at_1000")


@dataclass(frozen=True)
class MeanRates:
    """Rates of a system, a mean over its seeds, and of its resamples.

    Attributes:
        values: by the names in `JUDGED_RATES`, fractions in [0, 1].
        draws: the same of each resample, ``(B,)``.
    """

    values: dict[str, float]
    draws: dict[str, np.ndarray]

    def row(self, plain: MeanRates) -> dict[str, float]:
        """Values and 95 % intervals, and how much each rate changed relative to another system."""
        row = {}
        for name in JUDGED_RATES:
            change = relative_change(self.values[name], plain.values[name])
            row |= {name: self.values[name], f"{name}_change": float(change)}
            draws = relative_change(self.draws[name], plain.draws[name])
            row |= intervals({name: self.draws[name], f"{name}_change": draws})
        return row

    def minus(self, other: MeanRates) -> dict[str, float]:
        """Each rate minus that of another system on the same resamples, with 95 % intervals."""
        row = {}
        for name in JUDGED_RATES:
            row[name] = self.values[name] - other.values[name]
            row |= intervals({name: self.draws[name] - other.draws[name]})
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

    @cached_property
    def unmasked(self) -> ErrorRates:
        """The rates of unmasked against unmasked faces."""
        return error_rates(self._unmasked_counts)

    @cached_property
    def plain(self) -> MeanRates:
        """The rates of unmasked references against masked probes without an EUM."""
        return self._measured(self._views)

    @cached_property
    def of_bare_faces(self) -> MeanRates:
        """The rates of unmasked against unmasked faces, with the same resamples."""
        return self._measured(self._views, UNMASKED_SETTING)

    def measure(self, *unmaskers: Unmasker) -> MeanRates:
        """The rates of unmasked references against masked probes, the mean over the unmaskers."""
        each = [self._measured(self._views.through(unmasker)) for unmasker in unmaskers]
        return MeanRates(
            {name: float(np.mean([one.values[name] for one in each])) for name in JUDGED_RATES},
            {name: np.mean([one.draws[name] for one in each], axis=0) for name in JUDGED_RATES},
        )

    @cached_property
    def _operating(self) -> OperatingThresholds:
        return thresholds_of(self._unmasked_counts)

    def _measured(self, views: ComparedViews, setting: str = MIXED_SETTING) -> MeanRates:
        comparison = views.compare(setting)
        measured = measure(comparison, self._operating, self._resamples, self._seed)
        return MeanRates(
            {name: measured.values[name] for name in JUDGED_RATES},
            {name: measured.draws[name].to_numpy() for name in JUDGED_RATES},
        )
