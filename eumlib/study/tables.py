"""The rows of a study as tables for a reader."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eumlib._common.looks import with_interval


def eer_by_condition(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `MeanRates.row` for a reader: EER in percent, trainings down, conditions across.

    Each with its 95 % interval and, but for the line without an EUM, its change relative to that.
    """
    shown = rows.assign(text=_for_a_reader(rows, "eer"))
    order = {"index": rows["trained"].unique(), "columns": rows["condition"].unique()}
    return shown.pivot(index="trained", columns="condition", values="text").reindex(**order)


COLUMN_TITLES = {
    "eer": "EER %",
    "fmr1000": "FMR1000 %",
    "fmr_at_1000": "FMR % at operating threshold",
    "fnmr_at_1000": "FNMR % at operating threshold",
    "error_at_1000": "HTER %",
}


def rates_of_condition(rows: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Rows of `MeanRates.row` under one condition, in percent: trainings down, rates across.

    The operating threshold is the one that lets 0.1 % of impostors pass among unmasked faces. HTER
    is the half total error rate, the mean of FMR and FNMR there. Each rate has its 95 % interval
    and, but for the line without an EUM, its change relative to that; FMR is so small that it has
    its value alone.
    """
    rows = rows[rows["condition"] == condition]
    columns = {title: _for_a_reader(rows, name) for name, title in COLUMN_TITLES.items()}
    columns[COLUMN_TITLES["fmr_at_1000"]] = [f"{100 * rate:.2f}" for rate in rows["fmr_at_1000"]]
    return pd.DataFrame(columns, index=pd.Index(rows["trained"], name="trained"))


def differences_by_rate(rows: pd.DataFrame, rates: Sequence[str]) -> pd.DataFrame:
    """Rows of `MeanRates.minus` for a reader: in percentage points, each with its 95 % interval."""
    shown = {
        name: [
            with_interval(100 * value, 100 * low, 100 * high, "{:+.1f}")
            for value, low, high in rows[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        ]
        for name in rates
    }
    return pd.DataFrame(shown, index=rows.index)


def _for_a_reader(rows: pd.DataFrame, name: str) -> list[str]:
    columns = [name, f"{name}_low", f"{name}_high", f"{name}_change", "trained"]
    return [
        with_interval(100 * value, 100 * low, 100 * high)
        + ("" if trained == "no EUM" else f" {100 * change:+.0f} %")
        for value, low, high, change, trained in rows[columns].itertuples(index=False)
    ]
