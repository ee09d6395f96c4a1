import numpy as np
import pytest
from scipy.stats import binom

from eumlib.embeddings import EmbeddingTable, failures_summary, failures_to_acquire


def drawn_attempts(seed=0):
    """Attempts on two sets, with and without masks: (set, view, shape, reason or None)."""
    random = np.random.default_rng(seed)
    kinds = [("unmasked", None), ("masked", "a"), ("masked", "surgical")]
    reasons = [None, None, None, "no face found", "unreadable picture"]
    return [
        (("red", "blue")[random.integers(2)], *kinds[random.integers(3)], random.choice(reasons))
        for _ in range(300)
    ]


def table_of(attempts):
    rows, failures = [], []
    for number, (face_set, view, shape, reason) in enumerate(attempts):
        common = (str(number), "p", face_set, view, shape)
        if reason is None:
            rows.append((*common, None, None, "hog", "unmasked", "drawn"))
        else:
            failures.append((*common, reason, f"{reason} in {number}"))
    return EmbeddingTable.of_rows(rows, np.ones((len(rows), 2), np.float32), failures)


@pytest.mark.parametrize("seed", range(3))
def test_counts_by_set_view_mask_and_reason_agree_with_a_slow_count(seed):
    attempts = drawn_attempts(seed)
    report = failures_to_acquire(table_of(attempts).attempted_views)
    assert report["attempts"].sum() == len(attempts)
    assert len(report) == 6
    for row in report.itertuples():
        shape = None if row.mask_shape == "none" else row.mask_shape
        mine = [a for a in attempts if a[:3] == (row.face_set, row.view, shape)]
        failed = [a for a in mine if a[3]]
        assert (row.attempts, row.failures) == (len(mine), len(failed))
        assert row.fta == pytest.approx(len(failed) / len(mine))
        assert row.fta_low < row.fta < row.fta_high
    for reason in ("no face found", "unreadable picture"):
        assert report[reason].sum() == sum(a[3] == reason for a in attempts)


def test_the_interval_is_wilsons():
    attempts = [("red", "unmasked", None, "no face found" if n < 7 else None) for n in range(80)]
    (row,) = failures_to_acquire(table_of(attempts).attempted_views).itertuples()
    z, n, p = 1.959964, 80, 7 / 80
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (row.fta_low, row.fta_high) == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert binom.cdf(7, n, row.fta_high) < 0.05


def test_without_failures_there_are_no_reasons_and_the_rate_is_zero():
    report = failures_to_acquire(table_of([("red", "unmasked", None, None)] * 50).attempted_views)
    assert report["fta"].tolist() == [0]
    assert report["fta_high"].item() > 0.01
    assert list(report.columns)[-1] == "fta_high"


def test_where_nothing_was_acquired_the_rate_is_one():
    report = failures_to_acquire(
        table_of([("red", "masked", "worn", "no face found")] * 3).attempted_views
    )
    assert (report["fta"].item(), report["attempts"].item()) == (1, 3)


def test_the_summary_has_percent_with_interval_and_whole_counts():
    attempts = [("red", "masked", "b", "no face found" if n < 5 else None) for n in range(200)]
    shown = failures_summary(failures_to_acquire(table_of(attempts).attempted_views))
    assert shown["FTA %"].tolist() == ["2.50 [1.07, 5.72]"]
    assert shown["no face found"].tolist() == [5]
    assert list(shown.columns) == [
        "face set", "view", "mask", "attempts", "FTA %", "no face found",
    ]  # fmt: skip
