"""The results of the protocol for readers."""

from __future__ import annotations

import pandas as pd

from eumlib._common.looks import with_interval

RATE_TITLES = {"eer": "EER", "fmr1000": "FMR1000", "error_at_1000": "in service"}


def rivals_by_rate(systems: pd.DataFrame, face_set: str, condition: str) -> pd.DataFrame:
    """One test of ``systems`` of ``data/rivals.json``: a line a system, in percent.

    Each rate with its 95 % interval; *minus SRT* in percentage points, with an interval of its own,
    taken on the same resamples. *In service* is the mean of FMR and FNMR at the threshold that lets
    0.1 % of strangers pass among unmasked faces.
    """
    of_test = (systems["face_set"] == face_set) & (systems["condition"] == condition)
    rows = systems[of_test].set_index("system")
    shown = {}
    for rate, title in RATE_TITLES.items():
        shown[f"{title} %"] = _cells(rows, rate, "{:.1f}")
        shown[f"{title} minus SRT"] = _cells(rows, f"{rate}_minus_srt", "{:+.1f}")
    return pd.DataFrame(shown, index=rows.index)


def costs_of_rivals(systems: pd.DataFrame) -> pd.DataFrame:
    """What each system costs: parameters, minutes of one training, milliseconds a face."""
    rows = systems.dropna(subset="parameters").drop_duplicates("system").set_index("system")
    return pd.DataFrame(
        {
            "parameters": [f"{count:,.0f}" for count in rows["parameters"]],
            "minutes of training": rows["minutes"].round(1),
            "ms a face": rows["milliseconds_a_face"].round(4),
        },
        index=rows.index,
    )


def _cells(rows: pd.DataFrame, name: str, form: str) -> list[str]:
    ends = 100 * rows[[name, f"{name}_low", f"{name}_high"]].astype(float)
    return [with_interval(*cells, form) for cells in ends.to_numpy()]
