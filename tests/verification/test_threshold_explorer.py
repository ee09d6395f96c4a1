import numpy as np
import pytest
from builders import drawn_table
from scipy.stats import norm

from eumlib.verification import ComparedViews, ScoreCounts, ThresholdExplorer
from eumlib.verification.figures import DET_TICKS
from eumlib.verification.threshold_explorer import STOPS

VIEWS = ComparedViews.of_table(drawn_table(people=8, pictures=4, noise=1.2, mask=1.0))
SETTINGS = {
    name: ScoreCounts.of_comparison(VIEWS.compare(setting))
    for name, setting in (("no masks", "UMR-UMP"), ("masks", "UMR-MP"))
}


@pytest.fixture
def tool():
    return ThresholdExplorer(SETTINGS, 0.5)


def slow_rates(setting, threshold):
    mated, non_mated, *_ = VIEWS.compare(setting).scores()
    return np.mean([s >= threshold for s in non_mated]), np.mean([s < threshold for s in mated])


@pytest.mark.parametrize("threshold", [0.1, 0.4, 0.7])
def test_both_errors_agree_with_a_count(tool, threshold):
    for name, setting in (("no masks", "UMR-UMP"), ("masks", "UMR-MP")):
        point = tool.points(threshold)[name]
        assert (point.fmr, point.fnmr) == pytest.approx(slow_rates(setting, threshold))
        assert f"{name}: FMR {point.fmr:.2%}, FNMR {point.fnmr:.2%}" in tool.words(threshold)
    assert tool.words(threshold)[0] == f"threshold {threshold:.3f}"


def test_the_points_lie_on_the_det_axes_and_stay_inside(tool):
    *lines, points = tool.moved(0.4)
    assert [line["x"] for line in lines] == [[0.4, 0.4]] * 2
    for (name, point), x, y in zip(tool.points(0.4).items(), points["x"], points["y"], strict=True):
        assert norm.cdf(x) == pytest.approx(np.clip(point.fmr, DET_TICKS[0], DET_TICKS[-1])), name
        assert norm.cdf(y) == pytest.approx(np.clip(point.fnmr, DET_TICKS[0], DET_TICKS[-1]))
    assert np.isfinite(tool.moved(2)[-1]["x"]).all()


def test_both_sliders_start_at_the_threshold_and_span_the_scores(tool):
    slider, figure = tool.widget().children
    ends = [counts.scores[[0, -1]] for counts in SETTINGS.values()]
    assert (slider.min, slider.value) == (pytest.approx(np.min(ends)), 0.5)
    assert slider.max == pytest.approx(min(1, np.max(ends)))
    slider.value = 0.3
    assert [list(trace.x) for trace in figure.data[-3:]] == [m["x"] for m in tool.moved(0.3)]
    (steps,) = tool.static().layout.sliders
    assert len(steps.steps) == STOPS
    assert steps.steps[steps.active].label == "0.500"
    assert steps.steps[0].label == f"{slider.min:.3f}"


def test_the_figure_has_the_scores_of_every_setting_and_all_curves(tool):
    figure = tool.figure(0.5)
    assert len(figure.data) == 2 * 2 + 2 + 2 + 1
    assert len({trace.yaxis for trace in figure.data}) == 3
    assert figure.layout.meta["alt"] == "; ".join(tool.words(0.5))


def test_no_settings_are_refused():
    with pytest.raises(ValueError, match="one setting at least"):
        ThresholdExplorer({}, 0.5)
