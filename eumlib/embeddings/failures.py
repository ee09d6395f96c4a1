"""Failures to acquire: how often a view of a face does not become an embedding, and why.

The failure-to-acquire rate (FTA, ISO/IEC 19795-1) stands beside the error rates, never inside them.
"""

from __future__ import annotations

import pandas as pd
from scipy.stats import binomtest

from eumlib._common.looks import with_interval

_GROUP = ["face_set", "view", "mask_shape"]
NO_MASK = "none"


def failures_to_acquire(outcomes: pd.DataFrame) -> pd.DataFrame:
    """FTA by face set, view and mask, with its 95 % interval and the reasons.

    Args:
        outcomes: one row per view that was tried, as `EmbeddingTable.attempted_views`.

    Returns:
        One row per set, view and mask shape (``"none"`` for unmasked views): ``attempts``,
        ``failures``, ``fta`` as a fraction, ``fta_low`` and ``fta_high`` (Wilson's interval; it
        takes the views for independent), and a column of counts for each reason that occurs.

    Taught in notebook 03.
    """
    tried = outcomes.assign(mask_shape=outcomes["mask_shape"].fillna(NO_MASK))
    groups = tried.groupby(_GROUP, sort=True)["reason"]
    counts = groups.agg(attempts="size", failures="count")
    reasons = (
        tried.dropna(subset="reason").groupby([*_GROUP, "reason"]).size().unstack(fill_value=0)
    )
    counts["fta"] = counts["failures"] / counts["attempts"]
    intervals = [
        binomtest(failed, attempts).proportion_ci(method="wilson")
        for failed, attempts in zip(counts["failures"], counts["attempts"], strict=True)
    ]
    counts["fta_low"] = [interval.low for interval in intervals]
    counts["fta_high"] = [interval.high for interval in intervals]
    return counts.join(reasons).fillna(dict.fromkeys(reasons.columns, 0)).reset_index()


def failures_summary(failures: pd.DataFrame) -> pd.DataFrame:
    """What `failures_to_acquire` found, for a reader: the rate in percent with its interval."""
    reasons = failures.columns[failures.columns.get_loc("fta_high") + 1 :]
    rates = [
        with_interval(100 * row.fta, 100 * row.fta_low, 100 * row.fta_high, "{:.2f}")
        for row in failures.itertuples()
    ]
    return pd.DataFrame(
        {
            "face set": failures["face_set"],
            "view": failures["view"],
            "mask": failures["mask_shape"],
            "attempts": failures["attempts"],
            "FTA %": rates,
        }
    ).join(failures[reasons].astype(int))
