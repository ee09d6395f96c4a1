import numpy as np
import pytest
from builders import drawn_table
from scipy.stats import norm

from eumlib.verification import ComparedViews, ErrorCurve, ScoreCounts, evaluate, figures

TABLE = drawn_table(people=8, pictures=4, noise=1.2, mask=1.0)


VIEWS = ComparedViews.of_table(TABLE)


SCORES = {name: ScoreCounts.of_comparison(VIEWS.compare(name)) for name in ("UMR-UMP", "UMR-MP")}


def words_of(figure):
    return figure.layout.meta["alt"]


def test_score_histograms_are_shares_of_their_pairs():
    figure = figures.score_distributions(SCORES, thresholds=[0.5])
    assert [trace.name for trace in figure.data] == ["non-mated", "mated"] * 2
    for trace in figure.data:
        assert sum(trace.y) == pytest.approx(1)
    assert "UMR-MP: mated scores around" in words_of(figure)


def test_det_curves_run_through_the_error_rates_on_normal_deviate_axes():
    figure = figures.det_curves(SCORES)
    for trace, scores in zip(figure.data, SCORES.values(), strict=True):
        curve = ErrorCurve(scores)
        for x, y, (fmr, fnmr, threshold) in zip(trace.x, trace.y, trace.customdata, strict=True):
            place = np.searchsorted(curve.thresholds, threshold)
            assert (curve.fmr[place], curve.fnmr[place]) == (fmr, fnmr)
            assert norm.cdf(x) == pytest.approx(fmr)
            assert norm.cdf(y) == pytest.approx(fnmr)
    assert len({trace.line.dash for trace in figure.data}) == 2


def test_a_det_curve_of_many_scores_stays_small_and_keeps_its_ends():
    random = np.random.default_rng(0)
    mated, non_mated = random.normal(1, 0.3, 5000), random.normal(0, 0.3, 50000)
    big = ScoreCounts.of(mated.clip(-1, 1), non_mated.clip(-1, 1))
    trace = figures.det_curves({"big": big}).data[0]
    assert 100 < len(trace.x) <= figures.POINTS_A_CURVE
    gaps = np.hypot(np.diff(trace.x), np.diff(trace.y))
    assert gaps.max() < 1


def test_roc_curves_run_through_the_error_rates_at_false_match_rates_above_0():
    figure = figures.roc_curves(SCORES)
    assert figure.layout.xaxis.type == "log"
    for trace, counts in zip(figure.data, SCORES.values(), strict=True):
        curve = ErrorCurve(counts)
        for x, y, threshold in zip(trace.x, trace.y, trace.customdata, strict=True):
            point = curve.at(threshold)
            assert (x, y) == (point.fmr, 1 - point.fnmr)
            assert x > 0
    assert len({trace.line.dash for trace in figure.data}) == 2
    assert "UMR-MP: " in words_of(figure)


def test_cmc_curves_rise_from_rank_1():
    figure = figures.cmc_curves({"a": np.array([1, 2, 0, 5]), "b": np.array([1, 1])}, up_to=5)
    assert list(figure.data[0].y) == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3, 1])
    assert list(figure.data[1].y) == [1] * 5
    assert len({trace.line.dash for trace in figure.data}) == 2
    assert "a: 33% found at rank 1" in words_of(figure)


def test_a_number_line_tells_who_is_accepted_by_shape_and_has_the_threshold():
    scores = {"oneself": 0.8, "at the threshold": 0.5, "a stranger": -0.2}
    figure = figures.number_line(scores, 0.5)
    accepted, rejected = figure.data
    assert dict(zip(accepted.y, accepted.x, strict=True)) == {
        "oneself": 0.8, "at the threshold": 0.5
    }  # fmt: skip
    assert dict(zip(rejected.y, rejected.x, strict=True)) == {"a stranger": -0.2}
    assert accepted.marker.symbol != rejected.marker.symbol
    assert figure.layout.shapes[0].x0 == 0.5
    assert figure.layout.xaxis.range[0] < -0.2
    assert figure.layout.yaxis.ticktext[-1] == "a stranger"


@pytest.mark.parametrize("draw", ["det_curves", "roc_curves", "score_distributions"])
def test_curves_say_what_they_are_drawn_from(draw):
    results = evaluate(TABLE, {}, resamples=2)
    for given in (results, {"UMR-MP": VIEWS.compare("UMR-MP")}):
        with pytest.raises(TypeError, match=r"ScoreCounts\.of_comparison"):
            getattr(figures, draw)(given)
