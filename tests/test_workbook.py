import json

import nbformat
import pandas as pd
import pytest

from eumlib import workbook
from eumlib.workbook import (
    NotebookError,
    ParameterError,
    check_parameters,
    core,
    discover,
    parse_assignment,
    read_notebook,
    require_success,
    run_notebook,
    run_workbook,
    select,
    write_manifest,
)

OPENING = "# Count the faces\n\n**Time:** 1 minute on two cores."
PARAMETERS = "people = 4  # how many\nface_set = 'orl'  # which\nshare = 0.5"


def write_notebook(folder, name="01_count_faces", cells=(), opening=OPENING, parameters=PARAMETERS):
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    book.cells = [nbformat.v4.new_markdown_cell(opening), nbformat.v4.new_code_cell(parameters)]
    book.cells[1].metadata["tags"] = ["parameters"]
    for source, *tags in cells:
        book.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path = folder / f"{name}.ipynb"
    nbformat.write(book, path)
    return path


def test_a_notebook_says_its_title_minutes_and_parameters(tmp_path):
    notebook = read_notebook(write_notebook(tmp_path))
    assert (notebook.title, notebook.minutes, notebook.name) == (
        "Count the faces", 1, "01_count_faces",
    )  # fmt: skip
    assert {name: p.default for name, p in notebook.parameters.items()} == {
        "people": 4, "face_set": "orl", "share": 0.5,
    }  # fmt: skip
    assert notebook.parameters["people"].help == "how many"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"opening": "no title"}, "must open with a title"),
        ({"opening": "# Title"}, "must open with a title"),
        ({"parameters": "people = len([1])"}, "name = literal"),
        ({"parameters": "import os"}, "name = literal"),
    ],
)
def test_a_notebook_that_does_not_say_so_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_notebook(write_notebook(tmp_path, **changes))


def test_notebooks_are_found_in_the_order_of_their_numbers(tmp_path):
    for name in ("10_more", "02_b", "01_a"):
        write_notebook(tmp_path, name)
    (tmp_path / "notes.ipynb").write_text("{}")
    found = discover(tmp_path)
    assert [notebook.name for notebook in found] == ["01_a", "02_b", "10_more"]
    assert [notebook.name for notebook in core(found)] == ["01_a", "02_b"]
    assert [notebook.name for notebook in select(found, ["10", "01"])] == ["01_a", "10_more"]
    with pytest.raises(NotebookError, match="no notebook begins with '07'; there are 01_a"):
        select(found, ["07"])


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no notebooks in"):
        discover(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"poeple": 3}, "no notebook has a parameter 'poeple'; did you mean 'people'"),
        ({"zzzz": 3}, "there are face_set, people, share"),
        ({"people": "many"}, r"'people' takes int, such as 4, and not 'many' \(str\)"),
        ({"people": 2.5}, "takes int"),
        ({"people": True}, "takes int"),
        ({"face_set": 3}, "takes str"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(tmp_path, given, message):
    notebook = read_notebook(write_notebook(tmp_path))
    with pytest.raises(ParameterError, match=message):
        run_workbook([notebook], given, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_right_parameters_pass_and_a_whole_number_serves_as_float(tmp_path):
    check_parameters(
        [read_notebook(write_notebook(tmp_path))], {"people": 3, "share": 1, "face_set": "my/faces"}
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=3", 3), ("a=0.5", 0.5), ("a=True", True), ("a=x/y", "x/y"), ("a=1=2", "1=2"), ("a=", "")],
)
def test_assignments_are_read_as_literals_or_text(text, value):
    assert parse_assignment(text) == ("a", value)


def test_an_assignment_without_equals_is_refused():
    with pytest.raises(ParameterError, match="NAME=VALUE"):
        parse_assignment("people")


def test_a_notebook_runs_with_parameters_and_its_results_come_back(tmp_path, capsys):
    path = write_notebook(
        tmp_path,
        cells=[
            ("import pandas as pd\nfrom eumlib.workbook import publish",),
            ("publish(pd.DataFrame({'people': [people], 'face_set': [face_set]}), 'headline')",),
            ("1 / 0", "raises-exception"),
            ("print('went on')",),
        ],
    )
    runs = run_workbook([read_notebook(path)], {"people": 7}, tmp_path / "out")
    assert runs[0].status == "done"
    assert runs[0].results == {"headline": [{"people": 7, "face_set": "orl"}]}
    executed = nbformat.read(tmp_path / "out" / "01_count_faces.ipynb", as_version=4)
    assert executed.cells[-2].outputs[0].text == "ZeroDivisionError: division by zero\n"
    assert executed.cells[-1].outputs[0].text == "went on\n"
    assert "1/1 01_count_faces, about 1 min" in capsys.readouterr().out
    require_success(runs, tmp_path / "out")


def test_a_relative_path_is_one_of_the_folder_where_the_command_was_given(tmp_path, monkeypatch):
    path = write_notebook(tmp_path, cells=[("print(open(face_set).read())",)])
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "faces").write_text("found")
    monkeypatch.chdir(tmp_path / "here")
    run = run_notebook(read_notebook(path), {"face_set": "faces"}, tmp_path / "out.ipynb")
    assert run.error is None


def test_a_failure_names_notebook_and_cell_and_stops_the_rest(tmp_path):
    bad = write_notebook(tmp_path, "01_bad", cells=[("faces = []",), ("faces[0]",)])
    after = write_notebook(tmp_path, "02_after")
    runs = run_workbook([read_notebook(bad), read_notebook(after)], {}, tmp_path / "out")
    assert [run.notebook for run in runs] == ["01_bad"]
    with pytest.raises(NotebookError, match=r"01_bad, cell In \[3\]: IndexError: list index"):
        require_success(runs, tmp_path / "out")
    assert (tmp_path / "out" / "01_bad.ipynb").exists()


def test_a_cell_that_was_to_raise_and_did_not_is_a_failure(tmp_path):
    path = write_notebook(tmp_path, cells=[("1 + 1", "raises-exception")])
    run = run_notebook(read_notebook(path), {}, tmp_path / "out.ipynb")
    assert run.status == "failed"
    assert "was to raise, and did not" in run.error


def test_the_manifest_says_what_ran_from_which_commit(tmp_path):
    run = workbook.Run("01_a", "A", "done", 1.5, {"people": 3}, results={"headline": []})
    manifest = write_manifest([run], {"people": 3}, tmp_path / "manifest.json")
    assert manifest == json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["runs"][0]["parameters"] == {"people": 3}
    assert manifest["packages"]["papermill"]
    assert manifest["commit"] is None or len(manifest["commit"]) == 40
    assert str(tmp_path) not in json.dumps(manifest)


def test_published_results_keep_their_digits(tmp_path):
    value = 0.12345678901234
    path = write_notebook(
        tmp_path,
        cells=[
            ("import pandas as pd\nfrom eumlib.workbook import publish",),
            (f"publish(pd.DataFrame({{'eer': [{value}, None]}}), 'headline')",),
        ],
    )
    run = run_notebook(read_notebook(path), {}, tmp_path / "out.ipynb")
    kept = pd.DataFrame(run.results["headline"])["eer"]
    assert kept[0] == pytest.approx(value, abs=1e-14)
    assert pd.isna(kept[1])
