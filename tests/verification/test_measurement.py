import numpy as np
import pytest
from builders import drawn_table

from eumlib.verification import (
    METRICS,
    ComparedViews,
    ScoreCounts,
    error_rates,
    intervals,
    measure,
    ranks_of,
    thresholds_of,
    unresolved,
)

COMPARISON = ComparedViews.of_table(drawn_table(people=20, pictures=4, noise=1.5)).compare("UMR-MP")


def test_a_measurement_holds_every_metric_and_as_many_draws():
    measured = measure(COMPARISON, None, resamples=30, seed=1)
    counts = ScoreCounts.of_comparison(COMPARISON)
    rates = error_rates(counts, thresholds_of(counts))
    assert tuple(measured.values) == METRICS == tuple(measured.draws.columns)
    assert len(measured.draws) == 30
    for name in METRICS[:-1]:
        assert measured.values[name] == getattr(rates, name)
    assert measured.values["rank1"] == (ranks_of(COMPARISON) == 1).mean()


def test_differences_are_taken_draw_by_draw():
    one, other = (measure(COMPARISON, None, 20, seed=2) for _ in range(2))
    values, draws = one.change_from(other)
    assert set(values.values()) == {0}
    assert not draws.to_numpy().any()
    assert intervals(draws, "_change")["eer_change_low"] == 0


def test_intervals_are_percentiles():
    limits = intervals({"eer": np.arange(1001)})
    assert limits == pytest.approx({"eer_low": 25, "eer_high": 975})


def test_too_few_pairs_are_told():
    few = ScoreCounts.of(np.array([0.9]), np.linspace(0, 1, 200))
    assert unresolved(few) == ["fmr1000"]
    assert unresolved(ScoreCounts.of(np.array([0.9]), np.linspace(0, 1, 1000))) == []
