import re

import pytest

from eumlib.course import EXERCISES, AnswerError, check


def square(x, y):
    return 2 - 2 * (x * y).sum(dim=1) / (x.norm(dim=1) * y.norm(dim=1))


def test_every_core_notebook_has_two_with_a_title_each():
    numbered = [number for number in EXERCISES if number[-1].isdigit()]
    assert numbered == [f"0{notebook}.{place}" for notebook in range(10) for place in (1, 2)]
    assert list(EXERCISES) == sorted(EXERCISES, key=lambda n: (n[:2], n[-1].isdigit(), n))
    assert all(number.startswith(e.notebook + ".") for number, e in EXERCISES.items())
    assert len({exercise.title for exercise in EXERCISES.values()}) == len(EXERCISES)
    assert len({exercise.check for exercise in EXERCISES.values()}) == len(EXERCISES)


def test_a_right_answer_gets_a_short_confirmation(capsys):
    check("05.2", square)
    assert capsys.readouterr().out == "Right: 05.2, the distance by the cosine.\n"


def test_a_wrong_answer_raises_with_a_hint_and_prints_nothing(capsys):
    with pytest.raises(AnswerError, match="half of it"):
        check("05.2", lambda x, y: square(x, y) / 2)
    assert not capsys.readouterr().out


def test_a_notebook_shows_the_hint_and_no_traceback(capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    shell.run_cell('from eumlib.course.exercises import check\ncheck("05.2", lambda x, y: 0)')
    shown = re.sub(r"\x1b\[[\d;]*m", "", "".join(capsys.readouterr()))
    assert shown.strip().startswith("Not yet. Multiply out")
    assert "Traceback" not in shown


@pytest.mark.parametrize("number", EXERCISES)
def test_an_answer_that_is_not_written_yet_is_no_error_of_the_library(number):
    def answer(*_):
        raise NotImplementedError("your answer")

    with pytest.raises(AnswerError, match="Write your answer first"):
        check(number, answer)


def test_an_error_of_the_answer_passes_through():
    with pytest.raises(ZeroDivisionError):
        check("05.2", lambda x, y: 1 / 0)


def test_a_value_instead_of_the_function_is_told_apart():
    with pytest.raises(AnswerError, match="without brackets"):
        check("05.1", 0.5)


def test_an_unknown_exercise_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no exercise '05.3'; there are 00.1, 00.2"):
        check("05.3", square)
