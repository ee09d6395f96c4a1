"""The results of an evaluation for readers: tables, JSON, CSV, and one page that opens offline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from eumlib._common.files import write_text
from eumlib._common.looks import with_interval
from eumlib._common.spreadsheets import csv_of
from eumlib.verification.evaluation import MASKED_SETTING, MIXED_SETTING, RATES, UNMASKED_SETTING

UNRESOLVED = "*"

STARRED = "too few non-mated pairs for the FMR, or for the operating threshold; read at an FMR of 0"

SHOWN_RATES = {
    "eer": "EER %",
    "fmr100": "FMR100 %",
    "fmr1000": "FMR1000 %",
    "error_at_1000": "HTER %",
}

SHOWN_BY_KIND = {
    "eer": "EER %",
    "fmr_at_1000": "FMR % at operating threshold",
    "fnmr_at_1000": "FNMR % at operating threshold",
}

SHOWN_CHANGES = {"eer_change": "change of EER", "error_at_1000_change": "change of HTER"}


SHOWN_SHARES = {"rank1": "rank 1 %", "auc": "AUC %"}


SHOWN_SCORES = {"d_prime": "d′", "g_mean": "G-mean", "i_mean": "I-mean", "fdr": "FDR"}


PAPERS_COLUMNS = (*RATES, "g_mean", "i_mean", "fdr")


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """`eumlib.verification.evaluate`'s rows for a reader: each value with its interval, as text.

    Rates and their changes are in percent and percentage points. HTER, the half total error rate,
    is the mean of FMR and FNMR at the operating threshold, which keeps FMR at 0.1 % among unmasked
    faces. A rate with a star has too few non-mated pairs for its FMR, or for the operating
    threshold; it is read at an FMR of 0.
    """
    table = results[["setting"]].assign(EUM=results["unmasking"].fillna("–"))
    for metric, title in SHOWN_RATES.items():
        cells = _with_intervals(100 * results[_columns(metric)], "{:.1f}")
        table[title] = [
            cell + UNRESOLVED if metric in names.split(", ") else cell
            for cell, names in zip(cells, results["unresolved"], strict=True)
        ]
    for metric, title in SHOWN_CHANGES.items():
        table[title] = _with_intervals(100 * results[_columns(metric)], "{:+.1f}")
    for metric, title in SHOWN_SHARES.items():
        table[title] = _with_intervals(100 * results[_columns(metric)], "{:.1f}")
    for metric, title in SHOWN_SCORES.items():
        table[title] = _with_intervals(results[_columns(metric)], "{:.2f}")
    return table


def has_stars(results: pd.DataFrame) -> bool:
    """Whether there is a rate with a star in the summary of these results."""
    return bool((results["unresolved"] != "").any())


def without_empty_columns(shown: pd.DataFrame) -> pd.DataFrame:
    """The summary without columns that say nothing: changes where there is no unmasking model."""
    return shown.loc[:, (shown != "–").any()]


def _columns(metric: str) -> list[str]:
    return [metric, f"{metric}_low", f"{metric}_high"]


def _with_intervals(values: pd.DataFrame, form: str) -> list[str]:
    return [with_interval(*row, form) for row in values.to_numpy(dtype=float)]


def breakdown_summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `eumlib.verification.by_mask` for a reader: percent, with 95 % intervals, as text.

    Kinds with few people have it written behind their number.
    """
    people = rows["people"].astype(str) + np.where(rows["few"], ", few", "")
    table = rows[["kind"]].assign(people=people, probes=rows["probes"])
    for metric, title in SHOWN_BY_KIND.items():
        table[title] = _with_intervals(100 * rows[_columns(metric)], "{:.1f}")
    return table


def in_the_papers_shape(results: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Our rates in the rows and columns of the paper's Table 3: percent, but for the last three.

    Args:
        results: of `eumlib.verification.evaluate`.
        names: of our unmaskings by the paper's: ``{"T": …, "SRT": …}``.

    Returns:
        7 rows, named as in the paper, of 12 numbers: `PAPERS_COLUMNS`.

    Taught in notebook 09.
    """
    by_case = results.assign(unmasking=results["unmasking"].fillna("")).set_index(
        ["setting", "unmasking"]
    )
    wanted = {UNMASKED_SETTING: (UNMASKED_SETTING, "")}
    for setting in (MIXED_SETTING, MASKED_SETTING):
        wanted[setting] = (setting, "")
        wanted |= {f"{setting}({paper})": (setting, name) for paper, name in names.items()}
    table = by_case.loc[list(wanted.values()), list(PAPERS_COLUMNS)].copy()
    table[list(RATES)] *= 100
    return table.set_axis(list(wanted), axis=0)


def write_json(results: pd.DataFrame, path: Path | str) -> None:
    """Write `evaluate`'s rows as JSON, ``{"rows": [...]}``, atomically; rates are fractions."""
    rows = json.loads(results.to_json(orient="records", double_precision=15))
    write_text(path, json.dumps({"rows": rows}, indent=1) + "\n")


def write_csv(results: pd.DataFrame, path: Path | str) -> None:
    """Write `evaluate`'s rows as CSV, atomically; rates are fractions, names no formulas."""
    write_text(path, csv_of(results))
