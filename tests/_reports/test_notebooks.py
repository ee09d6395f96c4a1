import pytest
from small_notebooks import write_notebook

from eumlib._reports.notebooks import (
    NotebookError,
    discover,
    of_tens,
    read_notebook,
    select,
    starting_with,
)


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
    assert [notebook.name for notebook in of_tens(found, "0")] == ["01_a", "02_b"]
    assert [notebook.name for notebook in select(found, ["10", "01"])] == ["01_a", "10_more"]
    assert [notebook.name for notebook in starting_with(found, "02")] == ["02_b", "10_more"]
    for choose in (lambda: select(found, ["01", "07"]), lambda: starting_with(found, "07")):
        with pytest.raises(NotebookError, match="no notebook begins with '07'; there are 01_a"):
            choose()


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(NotebookError, match=r"no notebooks .* in .*Clone it"):
        discover(tmp_path)
