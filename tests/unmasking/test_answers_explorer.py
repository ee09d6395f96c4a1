import numpy as np
import pytest

from eumlib.unmasking import AnswersExplorer


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


RANDOM = np.random.default_rng(0)
UNMASKED = unit(RANDOM.normal(size=(6, 8)))
MASKED = unit(UNMASKED + RANDOM.normal(0, 0.4, size=(6, 8)))
ON_THE_WAY = [unit((1 - share) * MASKED + share * UNMASKED) for share in (0.2, 0.5, 1.0)]
ANSWERS = {"triplet": [MASKED, ON_THE_WAY[0]], "SRT": ON_THE_WAY}


@pytest.fixture
def tool():
    return AnswersExplorer(ANSWERS, MASKED, UNMASKED)


def test_the_words_give_the_mean_cosine_of_each_training(tool):
    by_hand = np.mean([a @ b for a, b in zip(ON_THE_WAY[1], UNMASKED, strict=True)])
    first, second = tool.words(2)
    assert first.startswith("epoch 2")
    assert f"SRT {by_hand:.3f}" in second
    assert "SRT 1.000" in tool.words(3)[1]


def test_an_answer_that_is_the_unmasked_view_lies_on_it(tool):
    figure = tool.figure(3)
    home = [trace for trace in figure.data if trace.name == "unmasked"][1]
    answer = figure.data[-1]
    assert (home.xaxis, home.yaxis) == (answer.xaxis, answer.yaxis)
    assert list(answer.x) == list(home.x)
    assert list(answer.y) == list(home.y)


def test_the_map_keeps_what_varies_most(tool):
    centred = UNMASKED - UNMASKED.mean(axis=0)
    values = np.sort(np.linalg.eigvalsh(centred.T @ centred))[::-1]
    kept = (tool.places(UNMASKED) ** 2).sum()
    assert kept == pytest.approx(values[:2].sum())


def test_each_tie_leads_from_an_answer_to_its_own_unmasked_view(tool):
    ties, answers = tool.moved(1)[2:]
    homes = tool.places(UNMASKED)
    assert len(ties["x"]) == 3 * len(UNMASKED)
    for row in range(len(UNMASKED)):
        assert ties["x"][3 * row] == answers["x"][row]
        assert ties["y"][3 * row + 1] == pytest.approx(homes[row, 1], abs=1e-4)
        assert ties["x"][3 * row + 2] is None


def test_a_training_that_stopped_stays_at_its_last_epoch(tool):
    assert tool.moved(3)[:2] == tool.moved(2)[:2]


def test_both_sliders_go_through_the_epochs_and_start_at_the_first(tool):
    slider, figure = tool.widget().children
    assert (slider.min, slider.value, slider.max) == (1, 1, 3)
    slider.value = 3
    assert [list(trace.x) for trace in figure.data[-4:]] == [m["x"] for m in tool.moved(3)]
    static = tool.static()
    (steps,) = static.layout.sliders
    assert [step.label for step in steps.steps] == list("123")
    assert steps.active == 0
    assert static.layout.meta["alt"].endswith("; ".join(tool.words(1)))


@pytest.mark.parametrize("answers", [{}, {"SRT": []}])
def test_nothing_to_show_is_refused(answers):
    with pytest.raises(ValueError, match="one training of one epoch"):
        AnswersExplorer(answers, MASKED, UNMASKED)
