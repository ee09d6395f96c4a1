"""The settings of the paper, evaluated on a table of embeddings, with and without an EUM.

=========  ====================  ====================
setting    reference             probe
=========  ====================  ====================
UMR-UMP    unmasked              unmasked
UMR-MP     unmasked              masked
MR-MP      masked                masked
=========  ====================  ====================

Only masked embeddings pass through the EUM.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.files import write_text
from eumlib.unmasking import EmbeddingUnmaskingModel, unmask
from eumlib.verification import (
    PairScores,
    Thresholds,
    bootstrap_rates,
    error_rates,
    score_pairs,
    unmasked_thresholds,
)

UNMASKED_SETTING, MIXED_SETTING, MASKED_SETTING = "UMR-UMP", "UMR-MP", "MR-MP"
RATES = (
    "eer", "fmr100", "fmr1000", "fmr_at_100", "fnmr_at_100", "fmr_at_1000", "fnmr_at_1000",
)  # fmt: skip
METRICS = (*RATES, "g_mean", "i_mean", "fdr")
INTERVAL_PERCENT = 95


@dataclass(frozen=True)
class MatedViews:
    """The two views of the same n pictures, row by row.

    Attributes:
        unmasked: ``(n, d)`` float32 of unit length.
        masked: ``(n, d)`` float32 of unit length, raw or after an EUM.
        identities: ``(n,)``, who is on them.
    """

    unmasked: np.ndarray
    masked: np.ndarray
    identities: np.ndarray

    @classmethod
    def of_table(cls, table: EmbeddingTable) -> MatedViews:
        """The pictures of a table that have both views.

        Raises:
            TableError: none has, or the table mixes recognisers.
        """
        recognisers = table.rows["backbone"].unique()
        if len(recognisers) > 1:
            raise TableError(f"one table, one recogniser; this one has {', '.join(recognisers)}")
        masked, unmasked = table.mated_views()
        identities = table.rows["identity"].to_numpy()[unmasked]
        return cls(table.vectors[unmasked], table.vectors[masked], identities)

    def through(self, model: EmbeddingUnmaskingModel) -> MatedViews:
        """The same pictures, the masked views passed through the EUM."""
        return MatedViews(self.unmasked, unmask(model, self.masked), self.identities)

    def scores(self, setting: str) -> PairScores:
        """The scores of one setting, ``"UMR-UMP"``, ``"UMR-MP"`` or ``"MR-MP"``."""
        references, probes = {
            UNMASKED_SETTING: (self.unmasked, self.unmasked),
            MIXED_SETTING: (self.unmasked, self.masked),
            MASKED_SETTING: (self.masked, self.masked),
        }[setting]
        return score_pairs(references, probes, self.identities, symmetric=setting != MIXED_SETTING)


def evaluate(
    table: EmbeddingTable,
    models: Mapping[str, EmbeddingUnmaskingModel],
    resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Every setting without an EUM, and the masked ones with each model.

    Args:
        table: faces in both views, of people on whom no model was trained.
        models: by the name that the results carry.
        resamples: bootstrap resamples of people behind each interval.
        seed: of the bootstrap.

    Returns:
        A row a setting and unmasking: ``setting``, ``backbone``, ``unmasking`` (None or the model's
        name), counts of people, pictures, pairs and faces that were not acquired, every one of
        `METRICS` (rates as fractions) with its 95 % interval in ``…_low`` and ``…_high``, and
        ``eer_change``: the EER minus that of the same setting without an EUM, with the interval of
        the difference, taken resample by resample.

    Raises:
        TableError: no pictures in both views.
        ScoreError: no mated or no non-mated pairs.
        ModelError: a model of another dimension than the table.

    Taught in notebook 08.
    """
    plain = MatedViews.of_table(table)
    unmaskings = {None: plain} | {name: plain.through(model) for name, model in models.items()}
    cases = [(UNMASKED_SETTING, None)]
    cases += [(setting, name) for setting in (MIXED_SETTING, MASKED_SETTING) for name in unmaskings]
    deployed: Thresholds | None = None
    without_model: dict[str, tuple[float, pd.Series]] = {}
    rows = []
    for setting, name in cases:
        scores = unmaskings[name].scores(setting)
        rates = error_rates(scores, deployed)
        resampled = bootstrap_rates(scores, deployed, resamples, seed)
        deployed = deployed or unmasked_thresholds(rates)
        values, draws = pd.Series(asdict(rates)), pd.DataFrame(map(asdict, resampled))
        plain_eer, plain_draws = without_model.setdefault(setting, (rates.eer, draws["eer"]))
        values["eer_change"] = rates.eer - plain_eer if name else np.nan
        draws["eer_change"] = draws["eer"] - plain_draws if name else np.nan
        rows.append(
            {
                "setting": setting,
                "backbone": table.rows["backbone"].iloc[0],
                "unmasking": name,
                "people": scores.people,
                "pictures": len(plain.identities),
                "mated_pairs": len(scores.mated),
                "non_mated_pairs": len(scores.non_mated),
                "not_acquired": len(table.failures),
                "attempts": table.attempts,
                **values,
                **_intervals(draws),
            }
        )
    return pd.DataFrame(rows)


def _intervals(draws: pd.DataFrame) -> dict[str, float]:
    tail = (100 - INTERVAL_PERCENT) / 2
    limits = np.percentile(
        draws[[*METRICS, "eer_change"]].astype(float), [tail, 100 - tail], axis=0
    )
    names = [f"{metric}_{end}" for end in ("low", "high") for metric in (*METRICS, "eer_change")]
    return dict(zip(names, limits.ravel().tolist(), strict=True))


def write_results(results: pd.DataFrame, path: Path | str) -> None:
    """Write `evaluate`'s rows as JSON, ``{"rows": [...]}``, atomically; rates are fractions."""
    rows = json.loads(results.to_json(orient="records", double_precision=15))
    write_text(path, json.dumps({"rows": rows}, indent=1) + "\n")


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """The results for a reader: rates in percent, each with its 95 % interval, as text."""
    table = results[["setting"]].assign(
        recogniser=results["backbone"], EUM=results["unmasking"].fillna("–")
    )
    for metric, title in (("eer", "EER %"), ("fmr100", "FMR100 %"), ("fmr1000", "FMR1000 %")):
        table[title] = _with_intervals(100 * results[_columns(metric)], "{:.1f}")
    table["change of EER"] = _with_intervals(100 * results[_columns("eer_change")], "{:+.1f}")
    for metric, title in (("g_mean", "G-mean"), ("i_mean", "I-mean"), ("fdr", "FDR")):
        table[title] = _with_intervals(results[_columns(metric)], "{:.2f}")
    return table


def _columns(metric: str) -> list[str]:
    return [metric, f"{metric}_low", f"{metric}_high"]


def _with_intervals(values: pd.DataFrame, form: str) -> list[str]:
    shown = [[form.format(number) for number in row] for row in values.to_numpy(dtype=float)]
    known = values.notna().all(axis=1)
    return [
        "{} [{}, {}]".format(*row) if there else "–"
        for row, there in zip(shown, known, strict=True)
    ]
