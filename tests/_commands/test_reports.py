"""`report` and `compare`, as their user types them."""

import json

import nbformat
import pytest
from small_notebooks import write_notebook

from eumlib._reports import notebooks as workbook
from eumlib._reports.plan import only_report_in

PUBLISH = (
    "from IPython.display import display\n"
    "row = {'setting': 'UMR', 'eer': share, 'eer_low': share - 0.1, 'eer_high': share + 0.1}\n"
    "rates = {'application/vnd.eumlib.results+json': {'rates': [row]}}\n"
    "display({'text/plain': 'a row', **rates}, raw=True)"
)


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """The workbook's folder, with three notebooks, of which 03 alone has epochs."""
    folder = tmp_path / "workbook"
    folder.mkdir()
    write_notebook(folder, "01_first", cells=[(PUBLISH,)])
    write_notebook(folder, "02_second")
    write_notebook(folder, "03_third", parameters="epochs = 10")
    monkeypatch.setattr(workbook.discover, "__defaults__", (folder,))
    return folder


def planned(out):
    return [line[:2] for line in out.splitlines() if "kept" not in line]


def test_a_dry_run_says_what_would_run_and_makes_nothing(run, notebooks, tmp_path):
    out = tmp_path / "report"
    choices = {
        (): ["01", "02", "03"],
        ("--only", "03", "--only", "01"): ["01", "03"],
        ("--from", "02"): ["02", "03"],
        ("-p", "epochs=3"): ["01", "02", "03"],
    }
    for options, expected in choices.items():
        code, printed, err = run("report", "--out", out, "--dry-run", *options)
        assert code == 0, err
        assert planned(printed) == expected
        assert "about 1 min: it has not run here yet" in printed
    assert not out.exists()


def test_parameters_come_from_profile_file_and_command_line_in_this_order(
    run, notebooks, tmp_path, monkeypatch
):
    write_notebook(notebooks, "01_first", parameters="people = 4\nresamples = 2\nface_set = 'orl'")
    write_notebook(notebooks, "20_heavy", parameters="trainings = 3")
    (tmp_path / "2024").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yml").write_text("face_set: 2024\npeople: 5\nepochs: 1\n")
    code, _, err = run(
        "report", "--out", tmp_path / "report", "--only", "01", "--profile", "full",
        "--parameters", tmp_path / "mine.yml", "-p", "people=6",
    )  # fmt: skip
    assert code == 0, err
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text())
    assert manifest["profile"] == "full"
    assert manifest["runs"][0]["parameters"] == {
        "people": 6, "resamples": 1000, "face_set": "2024",
    }  # fmt: skip


def test_each_profile_runs_more_than_the_one_before(run, notebooks, tmp_path):
    parameters = "people = 4\nresamples = 2\nface_set = 'orl'\ntrainings = 3"
    write_notebook(notebooks, "10_optional", parameters=parameters)
    write_notebook(notebooks, "20_heavy", parameters=parameters)
    for profile, expected in (("quick", 3), ("optional", 4), ("full", 5)):
        _, printed, err = run(
            "report", "--out", tmp_path / "report", "--dry-run", "--profile", profile
        )
        assert len(planned(printed)) == expected, err


def test_wrong_options_end_with_a_message_before_anything_is_made(run, notebooks, tmp_path):
    (tmp_path / "bad.yml").write_text("epoch: 3")
    cases = {
        ("--profile", "fast"): (2, "quick, optional, full"),
        ("--parameters", tmp_path / "bad.yml"): (1, "did you mean 'epochs'"),
        ("--only", "01", "-p", "epochs=3"): (1, "has a parameter 'epochs', but 03: name them"),
        ("--from", "07"): (1, "no notebook begins with '07'"),
        ("-p", "people=many"): (1, "takes int"),
    }
    for options, (expected, message) in cases.items():
        code, _, err = run("report", "--out", tmp_path / "report", *options)
        assert code == expected, options
        assert message in err
    assert not (tmp_path / "report").exists()


def test_a_report_is_resumed_forced_and_compared(run, notebooks, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for out in (a, b):
        assert run("report", "--out", out, "--only", "01", "--only", "03")[0] == 0
    code, out, _ = run("compare", a, b)
    assert code == 0
    assert "What went into them is the same" in out
    assert "Their results are the same." in out
    code, out, _ = run("report", "--out", b, "-p", "share=0.9", "--only", "01", "--only", "03")
    assert code == 0
    assert "1/2 01_first, about 1 min: parameters changed: share" in out
    assert "2/2 03_third: kept" in out
    assert "done, kept from" in (b / "index.html").read_text(encoding="utf-8")
    code, out, _ = run("compare", a, b)
    assert "01_first: share" in out
    for part in ("UMR", "eer %", "50 [40, 60]", "90 [80, 100]", "1 of 1 are apart"):
        assert part in out
    code, _, err = run("compare", a, b, "--metric", "fmr100")
    assert code == 2
    assert "no result fmr100; there are eer" in err
    code, out, _ = run("report", "--out", a, "--only", "03", "--force", "--dry-run")
    assert out.startswith("03_third, about 1 min: forced")


def test_a_failure_names_notebook_and_cell_and_the_rest_can_go_on(run, notebooks, tmp_path):
    out = tmp_path / "report"
    write_notebook(notebooks, "01_first", cells=[("raise ValueError('on purpose')",)])
    code, printed, err = run("report", "--out", out, "-p", "people=2", "--keep-going")
    assert code == 1
    assert "1/3 01_first, about 1 min: it has not run here yet; 3 min to the end" in printed
    assert "01_first, cell In [3]: ValueError: on purpose" in err
    assert "This notebook stopped" in (out / "01_first.html").read_text(encoding="utf-8")
    executed = nbformat.read(out / "notebooks" / "02_second.ipynb", as_version=4)
    assert any("people = 2" in cell.source for cell in executed.cells)
    assert json.loads((out / "manifest.json").read_text())["status"] == "failed"


def test_a_second_report_into_the_same_folder_is_refused(run, notebooks, tmp_path):
    with only_report_in(tmp_path / "report"):
        code, _, err = run("report", "--out", tmp_path / "report")
    assert code == 1
    assert "another report is being written into" in err
    assert not (tmp_path / "report" / "manifest.json").exists()


def test_what_one_report_alone_has_is_summed_up(run, notebooks, tmp_path):
    assert run("report", "--out", tmp_path / "a", "--only", "01")[0] == 0
    assert run("report", "--out", tmp_path / "b", "--only", "02")[0] == 0
    code, out, _ = run("compare", tmp_path / "a", tmp_path / "b")
    assert code == 0
    assert "In A alone: 1 numbers of rates." in out
    assert out.endswith("Results that both have are the same.\n")


def test_reports_without_results_are_not_said_to_have_the_same(run, notebooks, tmp_path):
    for name in ("a", "b"):
        assert run("report", "--out", tmp_path / name, "--only", "02")[0] == 0
    code, out, _ = run("compare", tmp_path / "a", tmp_path / "b")
    assert code == 0
    assert "Neither has results to compare" in out


def test_comparing_needs_two_reports(run, tmp_path):
    code, _, err = run("compare", tmp_path, tmp_path)
    assert code == 1
    assert "manifest.json is not there" in err


def test_what_moved_within_its_interval_is_counted_and_shown_when_asked_for(run, tmp_path):
    def row(system, eer, d_prime):
        found = {"system": system, "eer": eer, "d_prime": d_prime}
        return found | {
            f"{name}_{end}": found[name] + by
            for name in ("eer", "d_prime")
            for end, by in (("low", -0.05), ("high", 0.05))
        }

    for name, rows in {
        "old": [row("EUM", 0.1, 2.0), row("none", 0.3, 1.0)],
        "new": [row("EUM", 0.3, 2.5), row("none", 0.31, 1.0)],
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"systems": rows}))
    _, out, _ = run("compare", tmp_path / "old.json", tmp_path / "new.json")
    assert "30 [25, 35]" in out
    assert "31 [26, 36]" not in out
    assert "2.5 [2.45, 2.55]" in out  # d′ is no share
    assert "2 of 3 are apart; 1 moved within intervals: --all shows them." in out
    _, out, _ = run("compare", tmp_path / "old.json", tmp_path / "new.json", "--all")
    assert out.index("30 [25, 35]") < out.index("31 [26, 36]")
    assert "--all shows" not in out


def test_two_files_of_results_are_compared(run, tmp_path):
    row = {"system": "EUM", "eer": 0.1, "eer_low": 0.09, "eer_high": 0.11}
    for name, rows in {"old": [row], "new": [row | {"eer": 0.3, "eer_low": 0.2}]}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"seeds": len(name), "systems": rows}))
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    code, out, _ = run("compare", old, new)
    assert code == 0
    for part in ("What went into them is the same", "systems", "10 [9, 11]", "1 of 1 are apart"):
        assert part in out
    new.write_text("[]")
    code, _, err = run("compare", old, new)
    assert code == 1
    assert err.count("\n") == 1
    assert "new.json holds no values by name, but a list" in err
