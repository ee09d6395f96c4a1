"""Every notebook: its shape, and a run at the smallest parameters."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from eumlib.files import NOTEBOOK_FOLDER
from eumlib.running import run_notebook
from eumlib.workbook import discover, read_notebook

ROOT = Path(__file__).parent.parent
PATHS = sorted(NOTEBOOK_FOLDER.glob("*.ipynb"))
SMALLEST = {"people": 8, "training_faces": 2000, "epochs": 2, "resamples": 20, "examples": 3}
STORED = {"keep_output", "nbval-check-output"}

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells_of(path, kind=None):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if kind in (None, cell.cell_type)]


def tags_of(cell):
    return set(cell.metadata.get("tags", []))


@each_notebook
def test_it_runs(path, tmp_path):
    notebook = read_notebook(path)
    given = {name: value for name, value in SMALLEST.items() if name in notebook.parameters}
    run = run_notebook(notebook, given, tmp_path / path.name)
    assert run.error is None


def test_no_notebook_is_left_out():
    assert [notebook.path for notebook in discover()] == PATHS
    numbers = [path.stem[:2] for path in PATHS]
    assert len(set(numbers)) == len(numbers)
    assert {"00", "01", "02", "03", "04", "05", "06", "07", "08", "09"} <= set(numbers)


@each_notebook
def test_it_opens_and_closes_as_the_others_do(path):
    text = [cell.source for cell in cells_of(path, "markdown")]
    assert sum(len(re.findall(r"^# ", source, re.MULTILINE)) for source in text) == 1
    for part in ("**Goals**", "**Prerequisites:**", "**Time:**"):
        assert part in text[0]
    for part in ("## What you did", "**Exercises**", "**Next:**"):
        assert part in text[-1]
    assert "parameters" in tags_of(cells_of(path)[1])


@each_notebook
def test_its_cells_are_short_and_clean(path):
    code = cells_of(path, "code")
    assert len(code) <= 20
    source = "\n".join(cell.source for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 25
    for forbidden in ("sys.path", "!pip", "%pip", "@interact", "/home/", "/tmp/"):
        assert forbidden not in source
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


@each_notebook
def test_outputs_are_stored_in_tagged_cells_alone(path):
    for cell in cells_of(path, "code"):
        if tags_of(cell) >= STORED:
            assert cell.outputs, cell.source
            assert cell.execution_count, cell.source
            assert all(output.output_type == "stream" for output in cell.outputs)
        else:
            assert not STORED & tags_of(cell)
            assert not cell.outputs, cell.source


def test_nbval_compares_what_is_stored_and_fails_on_a_changed_number(pytester):
    path = NOTEBOOK_FOLDER / "06_write_the_self_restrained_loss.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    stored = next(cell for cell in book["cells"] if cell.get("outputs"))
    book["cells"] = book["cells"][: book["cells"].index(stored) + 1]
    (pytester.path / "same.ipynb").write_text(json.dumps(book), encoding="utf-8")
    changed = json.dumps(book).replace("0.4000", "0.5000")
    assert changed != json.dumps(book)
    (pytester.path / "changed.ipynb").write_text(changed, encoding="utf-8")
    arguments = ("--nbval-lax",)
    assert pytester.runpytest(*arguments, "same.ipynb").ret == 0
    assert pytester.runpytest(*arguments, "changed.ipynb").ret == 1
