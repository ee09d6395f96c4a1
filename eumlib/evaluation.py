"""The settings of the paper, evaluated on a table of embeddings, with and without an EUM.

=========  ====================  ====================
setting    reference             probe
=========  ====================  ====================
UMR-UMP    unmasked              unmasked
UMR-MP     unmasked              masked
MR-MP      masked                masked
=========  ====================  ====================

Only masked embeddings pass through the EUM. Where people wore their masks, a picture has one view,
and a fourth setting, *as worn*, compares all pictures as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from eumlib.acquisition import MASKED, UNMASKED, WORN
from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.files import write_text
from eumlib.pairs import Pair
from eumlib.unmasking import Unmasker
from eumlib.verification import (
    FaceViews,
    PairScores,
    ScoreError,
    Thresholds,
    bootstrap_rates,
    error_rates,
    score_listed_pairs,
    score_pairs,
)

UNMASKED_SETTING, MIXED_SETTING, MASKED_SETTING = "UMR-UMP", "UMR-MP", "MR-MP"
AS_WORN_SETTING = "as worn"
DEPLOYED_RATES = ("fmr_at_100", "fnmr_at_100", "fmr_at_1000", "fnmr_at_1000")
RATES = ("eer", "fmr100", "fmr1000", *DEPLOYED_RATES)
METRICS = (*RATES, "g_mean", "i_mean", "fdr")
INTERVAL_PERCENT = 95


@dataclass(frozen=True)
class ComparedViews:
    """What a table has to compare: its unmasked views and its masked ones.

    Attributes:
        unmasked: the unmasked views.
        masked: the masked views, raw or after an EUM.
        backbone: name of the recogniser.
        worn: whether masks were worn, not painted; then a picture has one view.
        pairs: the pairs to compare, by picture; None compares everyone with everyone.
    """

    unmasked: FaceViews
    masked: FaceViews
    backbone: str
    worn: bool = False
    pairs: tuple[Pair, ...] | None = None

    @classmethod
    def of_table(cls, table: EmbeddingTable, pairs: Sequence[Pair] | None = None) -> ComparedViews:
        """The views of a table.

        Raises:
            TableError: it has no masked or no unmasked views, or mixes recognisers or face sets.
        """
        for column, what in (("backbone", "recogniser"), ("face_set", "face set")):
            values = table.rows[column].unique()
            if len(values) > 1:
                raise TableError(f"one table, one {what}; this one has {', '.join(values)}")
        unmasked, masked = (
            FaceViews(
                part.vectors, part.rows["identity"].to_numpy(), part.rows["image_id"].to_numpy()
            )
            for part in (table.of_view(UNMASKED), table.of_view(MASKED))
        )
        if not len(unmasked.vectors) or not len(masked.vectors):
            raise TableError(
                f"to compare takes unmasked and masked views, and this table has "
                f"{len(unmasked.vectors)} and {len(masked.vectors)}"
            )
        worn = bool((table.rows["mask_shape"] == WORN).any())
        return cls(
            unmasked,
            masked,
            table.rows["backbone"].iloc[0],
            worn,
            None if pairs is None else tuple(pairs),
        )

    def through(self, unmasker: Unmasker) -> ComparedViews:
        """The same views, the masked ones passed through the EUM.

        Raises:
            ModelError: embeddings of another recogniser than it was trained for.
        """
        unmasked = unmasker.unmask(self.masked.vectors, self.backbone)
        return replace(self, masked=replace(self.masked, vectors=unmasked))

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings to evaluate; photographs of worn masks add ``"as worn"``, all of them."""
        three = (UNMASKED_SETTING, MIXED_SETTING, MASKED_SETTING)
        return (*three, AS_WORN_SETTING) if self.worn else three

    def scores(self, setting: str) -> PairScores:
        """The scores of one of the `settings`.

        Raises:
            ScoreError: no mated or no non-mated pairs in this setting.
        """
        references, probes = {
            UNMASKED_SETTING: (self.unmasked, self.unmasked),
            MIXED_SETTING: (self.unmasked, self.masked),
            MASKED_SETTING: (self.masked, self.masked),
            AS_WORN_SETTING: (self._all, self._all),
        }[setting]
        if self.pairs is None:
            return score_pairs(references, probes)
        return score_listed_pairs(references, probes, self.pairs)

    @cached_property
    def _all(self) -> FaceViews:
        both = (self.unmasked, self.masked)
        return FaceViews(
            np.concatenate([side.vectors for side in both]),
            np.concatenate([side.identities for side in both]),
            np.concatenate([side.pictures for side in both]),
        )


def evaluate(
    table: EmbeddingTable,
    unmaskers: Mapping[str, Unmasker],
    resamples: int = 200,
    seed: int = 0,
    pairs: Sequence[Pair] | None = None,
) -> pd.DataFrame:
    """Every setting without an EUM, and those with masks with each unmasker.

    Args:
        table: faces of people on whom no model was trained, unmasked and masked.
        unmaskers: by the name that the results carry.
        resamples: bootstrap resamples of people behind each interval.
        seed: of the bootstrap.
        pairs: the pairs to compare; without them, everyone with everyone.

    Returns:
        A row a setting and unmasking: ``setting``, ``backbone``, ``unmasking`` (None or the
        unmasker's name), counts of people, pictures, pairs and faces that were not acquired, every
        one of `METRICS` (rates as fractions) with its 95 % interval in ``…_low`` and ``…_high``,
        and ``eer_change``: the EER minus that of the same setting without an EUM, with the interval
        of the difference, taken resample by resample. A setting that has no mated or no non-mated
        pairs is left out; without the unmasked setting, there are no rates at its threshold.

    Raises:
        TableError: no unmasked or no masked views.
        ScoreError: no setting has mated and non-mated pairs.
        ModelError: an unmasker for another recogniser than the table's.

    Taught in notebook 08.
    """
    unmasked = ComparedViews.of_table(table, pairs)
    unmaskings = {None: unmasked} | {
        name: unmasked.through(unmasker) for name, unmasker in unmaskers.items()
    }
    plain: dict[str, pd.Series] = {}
    deployed: Thresholds | None = None
    rows, last_error = [], None
    for setting, name, views in _compared(unmaskings):
        try:
            scores = views.scores(setting)
        except ScoreError as error:
            last_error = error
            continue
        rates = _rates(scores, deployed, resamples, seed)
        if setting == UNMASKED_SETTING:
            deployed = Thresholds(*rates.loc[0, ["threshold100", "threshold1000"]])
        rates["eer_change"] = rates["eer"] - plain[setting]["eer"] if name else np.nan
        plain.setdefault(setting, rates)
        if deployed is None:
            rates[list(DEPLOYED_RATES)] = np.nan
        case = {"setting": setting, "backbone": views.backbone, "unmasking": name}
        values = rates.iloc[0].to_dict()
        rows.append(case | _counts(table, scores) | values | _intervals(rates.iloc[1:]))
    if not rows:
        raise last_error
    return pd.DataFrame(rows)


def _compared(
    unmaskings: Mapping[str | None, ComparedViews],
) -> Iterator[tuple[str, str | None, ComparedViews]]:
    """Every setting with each unmasking; unmasked faces do not pass through an EUM."""
    for setting in unmaskings[None].settings:
        for name, views in unmaskings.items():
            if name is None or setting != UNMASKED_SETTING:
                yield setting, name, views


def _rates(
    scores: PairScores, deployed: Thresholds | None, resamples: int, seed: int
) -> pd.DataFrame:
    """The error rates in row 0, and those of each resample in the rows after it."""
    exact = error_rates(scores, deployed)
    return pd.DataFrame(map(asdict, [exact, *bootstrap_rates(scores, deployed, resamples, seed)]))


def _counts(table: EmbeddingTable, scores: PairScores) -> dict[str, object]:
    return {
        "people": scores.people,
        "pictures": table.rows["image_id"].nunique(),
        "mated_pairs": len(scores.mated),
        "non_mated_pairs": len(scores.non_mated),
        "not_acquired": table.not_acquired,
        "attempts": table.attempts,
    }


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
