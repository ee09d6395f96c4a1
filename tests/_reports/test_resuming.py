import json
import shutil
from dataclasses import replace

import nbformat
import pytest
from small_notebooks import small_notebook, write_notebook

from eumlib._common.files import sha256_of
from eumlib._reports import resuming
from eumlib._reports.notebooks import read_notebook
from eumlib._reports.resuming import (
    read_record,
    reason_to_run,
    record_path,
    sources_of,
    write_record,
)
from eumlib._reports.runs import Run


@pytest.fixture
def notebook(tmp_path):
    return small_notebook(tmp_path, cells=[("people + 1",)])


@pytest.fixture
def executed(tmp_path):
    path = tmp_path / "executed.ipynb"
    path.write_text("the output")
    return path


def good_run(notebook, executed, **given):
    sources = sources_of(notebook, given)
    return Run(
        notebook.name, notebook.title, "done", 3.5, {}, sources=sources,
        output_sha256=sha256_of(executed),
    )  # fmt: skip


def test_nothing_changed_nothing_to_run(notebook, executed):
    last = good_run(notebook, executed, people=3)
    assert reason_to_run(last, sources_of(notebook, {"people": 3}), executed) is None
    other = sources_of(notebook, {"people": 3, "epochs": 9})  # it has no epochs
    assert reason_to_run(last, other, executed) is None


def test_a_changed_parameter_is_named(notebook, executed):
    last = good_run(notebook, executed)
    changed = sources_of(notebook, {"people": 5, "share": 0.1})
    assert reason_to_run(last, changed, executed) == "parameters changed: people, share"


def test_a_changed_source_counts_and_stored_outputs_do_not(notebook, executed):
    last = good_run(notebook, executed)
    book = nbformat.read(notebook.path, as_version=4)
    book.cells[-1].outputs = [nbformat.v4.new_output("stream", text="5")]
    nbformat.write(book, notebook.path)
    assert reason_to_run(last, sources_of(notebook, {}), executed) is None
    book.cells[-1].metadata["tags"] = ["raises-exception"]
    nbformat.write(book, notebook.path)
    assert reason_to_run(last, sources_of(notebook, {}), executed) == "notebook changed"


def test_a_changed_package_and_changed_data_count(notebook, executed, tmp_path, monkeypatch):
    package, data = tmp_path / "package", tmp_path / "data"
    for folder in (package, data):
        (folder / "deeper").mkdir(parents=True)
        (folder / "deeper" / "one.txt").write_text("1")
    monkeypatch.setattr(resuming, "PACKAGE_FOLDER", package)
    monkeypatch.setattr(resuming, "DATA_FOLDER", data)
    last = good_run(notebook, executed)
    (data / "results.json").write_text("of the report itself")
    shutil.copytree(package, package / "__pycache__")
    assert reason_to_run(last, sources_of(notebook, {}), executed) is None
    (package / "two.py").write_text("")
    assert reason_to_run(last, sources_of(notebook, {}), executed) == "package changed"
    (package / "two.py").unlink()
    (data / "deeper" / "one.txt").write_text("2")
    reason = reason_to_run(last, sources_of(notebook, {}), executed)
    assert reason == "data changed: deeper/one.txt"


def test_pictures_in_a_folder_that_a_parameter_names_count(notebook, executed, people_folder):
    last = good_run(notebook, executed, face_set=str(people_folder))
    (people_folder / "Ann" / "c.png").write_bytes(b"one more")
    sources = sources_of(notebook, {"face_set": str(people_folder)})
    assert reason_to_run(last, sources, executed) == "folders changed: face_set"


def test_the_users_own_lfw_counts_where_a_parameter_names_lfw(
    notebook, executed, people_folder, monkeypatch
):
    monkeypatch.setenv("EUMLIB_LFW", str(people_folder))
    last, other = (good_run(notebook, executed, face_set=name) for name in ("lfw_test", "orl"))
    (people_folder / "Ann" / "c.png").write_bytes(b"one more")
    sources = sources_of(notebook, {"face_set": "lfw_test"})
    assert reason_to_run(last, sources, executed) == "folders changed: EUMLIB_LFW"
    assert reason_to_run(other, sources_of(notebook, {"face_set": "orl"}), executed) is None
    monkeypatch.setenv("EUMLIB_LFW", "")
    assert not sources_of(notebook, {"face_set": "lfw_test"})["folders"]


def test_another_version_of_a_package_counts(notebook, executed):
    last = good_run(notebook, executed)
    versions = last.sources["versions"] | {"torch": "1.0"}
    last = replace(last, sources={**last.sources, "versions": versions})
    assert reason_to_run(last, sources_of(notebook, {}), executed) == "versions changed: torch"


def test_without_a_good_run_or_its_output_it_has_to_run(notebook, executed):
    sources, last = sources_of(notebook, {}), good_run(notebook, executed)
    assert reason_to_run(None, sources, executed) == "it has not run here yet"
    assert reason_to_run(replace(last, status="failed"), sources, executed) == "its last run failed"
    executed.write_text("half of the out")
    assert reason_to_run(last, sources, executed) == "its output is gone or was changed"
    executed.unlink()
    assert reason_to_run(last, sources, executed) == "its output is gone or was changed"


def test_a_record_comes_back_as_it_was_written_and_says_that_it_is_kept(
    notebook, executed, tmp_path
):
    run = good_run(notebook, executed)
    write_record(run, tmp_path)
    read = read_record(tmp_path, notebook.name)
    assert read == replace(run, kept=True)
    assert reason_to_run(read, sources_of(notebook, {}), executed) is None


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"status": "done"})])
def test_a_record_that_cannot_be_read_is_none(tmp_path, text):
    assert read_record(tmp_path, "01_a") is None
    record_path(tmp_path, "01_a").write_text(text)
    assert read_record(tmp_path, "01_a") is None


def test_no_path_of_this_machine_is_noted(tmp_path, monkeypatch, people_folder):
    monkeypatch.chdir(tmp_path)
    notebook = read_notebook(write_notebook(tmp_path))
    sources = sources_of(notebook, {"face_set": str(people_folder)})
    assert str(tmp_path) not in json.dumps(sources)
