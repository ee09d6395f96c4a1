import time
from dataclasses import replace

import pytest
from small_notebooks import small_notebook, write_notebook

from eumlib._reports.notebooks import NotebookError
from eumlib._reports.plan import (
    BusyFolderError,
    Limits,
    Step,
    only_report_in,
    plan,
    require_success,
    walk,
)
from eumlib._reports.resuming import read_record, write_record
from eumlib._reports.runs import Run


@pytest.fixture
def notebooks(tmp_path):
    """Two notebooks; `people` is a parameter of the first alone."""
    return [
        small_notebook(tmp_path, "01_first", cells=[("print(people)",)]),
        small_notebook(tmp_path, "02_second", parameters="epochs = 2"),
    ]


def statuses(runs):
    return [(run.notebook, run.status, run.kept) for run in runs]


def test_only_what_has_changed_runs_again(notebooks, tmp_path, capsys):
    out = tmp_path / "out"
    first = list(walk(plan(notebooks, {}, out), {}, out))
    assert statuses(first) == [("01_first", "done", False), ("02_second", "done", False)]
    assert (
        "2/2 02_second, about 1 min: it has not run here yet; 1 min to" in capsys.readouterr().out
    )
    given = {"people": 9}
    again = list(walk(plan(notebooks, given, out), given, out))
    assert statuses(again) == [("01_first", "done", False), ("02_second", "done", True)]
    assert again[1] == replace(first[1], kept=True)
    printed = capsys.readouterr().out
    assert "01_first, about 1 min: parameters changed: people; 1 min to the end" in printed
    assert "2/2 02_second: kept, nothing it is made of has changed" in printed
    forced = plan(notebooks, given, out, force=True)
    assert [step.reason for step in forced] == ["forced", "forced"]
    assert [step.reason for step in plan(notebooks, given, out)] == [None, None]


def test_a_plan_makes_nothing(notebooks, tmp_path):
    plan(notebooks, {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_ended_in_the_middle_is_run_again(notebooks, tmp_path):
    out = tmp_path / "out"
    walking = walk(plan(notebooks, {}, out), {}, out)
    next(walking)
    walking.close()  # as where the process ends now
    (out / "02_second.ipynb").write_text("half")
    assert [step.reason for step in plan(notebooks, {}, out)] == [None, "it has not run here yet"]


def test_a_failure_stops_the_rest_and_the_next_report_goes_on_from_there(notebooks, tmp_path):
    out = tmp_path / "out"
    write_notebook(tmp_path, "01_first", cells=[("faces = []",), ("faces[0]",)])
    runs = list(walk(plan(notebooks, {}, out), {}, out))
    assert [run.status for run in runs] == ["failed", "not run"]
    with pytest.raises(
        NotebookError, match=r"01_first, cell In \[3\]: IndexError: list(.|\n)*not run: 02_second"
    ):
        require_success(runs, out)
    assert (out / "01_first.ipynb").exists()
    steps = plan(notebooks, {}, out)
    assert [step.reason for step in steps] == ["its last run failed", "it has not run here yet"]
    runs = list(walk(steps, {}, out, keep_going=True))
    assert [run.status for run in runs] == ["failed", "done"]
    with pytest.raises(NotebookError, match="01_first") as told:
        require_success(runs, out)
    assert "not run" not in str(told.value)
    require_success(runs[1:], out)


def test_when_all_time_is_spent_the_rest_is_not_run(notebooks, tmp_path):
    out = tmp_path / "out"
    runs = list(walk(plan(notebooks, {}, out), {}, out, Limits(total=0)))
    assert [run.status for run in runs] == ["not run", "not run"]
    assert not (out / "01_first.ipynb").exists()


def test_a_notebook_may_take_as_long_as_the_limit_says(tmp_path):
    slow = small_notebook(tmp_path, "01_slow", cells=[("import time; time.sleep(99)",)])
    start = time.monotonic()
    out = tmp_path / "out"
    (run,) = walk(plan([slow], {}, out), {}, out, Limits(notebook=3))
    assert "took longer than the 0.05 minutes" in run.error
    assert time.monotonic() - start < 60
    assert read_record(out, "01_slow").status == "failed"


def test_without_a_limit_a_notebook_has_an_hour_or_twice_what_it_states(notebooks):
    assert Limits().seconds_for(notebooks[0]) == 3600
    assert Limits().seconds_for(replace(notebooks[0], minutes=90)) == 3 * 3600
    assert Limits(notebook=5).seconds_for(replace(notebooks[0], minutes=90)) == 5


def test_the_estimate_is_the_last_good_run_or_what_the_notebook_says(notebooks, tmp_path):
    last = Run("01_first", "", "done", 300.0, {})
    assert Step(notebooks[0], {}, "forced", last).seconds == 300
    assert Step(notebooks[0], {}, "forced", replace(last, status="failed")).seconds == 60
    assert Step(notebooks[0], {}, None, last).seconds == 0
    write_record(last, tmp_path)
    assert plan(notebooks, {}, tmp_path)[0].describe().startswith("01_first, about 5 min: ")


def test_two_reports_into_one_folder_do_not_meet(tmp_path):
    out = tmp_path / "out"
    with only_report_in(out):
        with only_report_in(tmp_path / "other"):
            pass
        with (
            pytest.raises(BusyFolderError, match="another report is being written into"),
            only_report_in(out),
        ):
            pass
    with only_report_in(out):
        pass
