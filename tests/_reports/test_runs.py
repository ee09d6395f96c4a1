import os
import time

import nbformat
import pandas as pd
import pytest
from small_notebooks import small_notebook

from eumlib._common.files import sha256_of
from eumlib._reports.runs import run_notebook


def test_a_notebook_runs_with_parameters_and_its_results_come_back(tmp_path, monkeypatch):
    monkeypatch.setenv("PLOTLY_RENDERER", "browser")  # the user's, and not the report's
    value = 0.12345678901234
    publish = (
        "import pandas as pd\nfrom eumlib.course import publish\n"
        f"publish(pd.DataFrame({{'eer': [{value}, None], 'people': people}}), 'rates')"
    )
    notebook = small_notebook(
        tmp_path,
        cells=[
            (publish,),
            ("1 / 0", "raises-exception"),
            ("import os\nprint('on', people, os.environ['PLOTLY_RENDERER'])",),
        ],
    )
    executed = tmp_path / "out" / "01_count_faces.ipynb"
    run = run_notebook(notebook, {"people": 7, "epochs": 3}, executed, sources={"package": "a"})
    assert (run.status, run.error, run.sources) == ("done", None, {"package": "a"})
    assert run.parameters == {"people": 7, "face_set": "orl", "share": 0.5}
    rates = pd.DataFrame(run.results["rates"])
    assert rates["eer"][0] == pytest.approx(value, abs=1e-14)
    assert pd.isna(rates["eer"][1])
    assert rates["people"].tolist() == [7, 7]
    assert run.started <= run.finished
    assert run.output_sha256 == sha256_of(executed)
    book = nbformat.read(executed, as_version=4)
    assert book.cells[-2].outputs[0].text == "ZeroDivisionError: division by zero\n"
    assert book.cells[-1].outputs[0].text == "on 7 plotly_mimetype\n"


def test_a_relative_path_is_one_of_the_folder_where_the_command_was_given(tmp_path, monkeypatch):
    notebook = small_notebook(tmp_path, cells=[("print(open(face_set).read())",)])
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "faces").write_text("found")
    monkeypatch.chdir(tmp_path / "here")
    run = run_notebook(notebook, {"face_set": "faces"}, tmp_path / "out.ipynb")
    assert run.error is None


def test_a_failure_names_its_cell_and_no_path_of_this_machine(tmp_path, monkeypatch):
    home = tmp_path / "homes" / "quentina"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    module = tmp_path / "quentina.py"
    module.write_text("def fail(path):\n    raise ValueError(f'no {path}')\n")
    cells = [
        ("import sys, pathlib\nsys.path.insert(0, str(pathlib.Path(face_set).parent))",),
        ("import quentina, warnings\nwarnings.warn('old')\nprint(pathlib.Path.home(), face_set)",),
        ("quentina.fail(face_set)",),
    ]
    notebook = small_notebook(tmp_path, cells=cells)
    executed = tmp_path / "out.ipynb"
    monkeypatch.chdir(tmp_path)
    run = run_notebook(notebook, {"face_set": str(module)}, executed)
    assert run.status == "failed"
    assert run.error == "cell In [5]: ValueError: no quentina.py"
    assert run.parameters["face_set"] == "quentina.py"
    text = executed.read_text(encoding="utf-8")
    assert "UserWarning" in text
    assert "Traceback" in text
    assert "homes" not in text
    assert str(tmp_path) not in text
    assert "papermill" not in nbformat.reads(text, as_version=4).metadata


def test_a_cell_that_was_to_raise_and_did_not_is_a_failure(tmp_path):
    notebook = small_notebook(tmp_path, cells=[("1 + 1", "raises-exception")])
    run = run_notebook(notebook, {}, tmp_path / "out.ipynb")
    assert run.status == "failed"
    assert "was to raise, and did not" in run.error


def test_a_hung_kernel_is_ended_and_its_cell_named(tmp_path):
    hang = (
        "import os, pathlib, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "pathlib.Path(face_set).write_text(str(os.getpid()))\nwhile True: pass"
    )
    notebook = small_notebook(tmp_path, cells=[("",), (hang,), ("print('never')",)])
    start = time.monotonic()
    given = {"face_set": str(tmp_path / "pid")}
    run = run_notebook(notebook, given, tmp_path / "out.ipynb", seconds=6)
    assert run.status == "failed"
    assert run.error.startswith("cell In [3]: the notebook took longer than the 0.1 minutes")
    assert time.monotonic() - start < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_kernel_that_dies_is_a_failure_that_names_the_cell(tmp_path):
    notebook = small_notebook(tmp_path, cells=[("import os\nos._exit(1)",)])
    run = run_notebook(notebook, {}, tmp_path / "out.ipynb")
    assert run.error == "cell In [2]: the kernel died; was there enough memory?"


def test_a_widget_that_nbclient_stumbles_over_is_a_failure_of_its_notebook(tmp_path):
    cells = [("from ipywidgets import interact\ninteract(lambda x: print(x), x=(0, 10))",)]
    run = run_notebook(small_notebook(tmp_path, cells=cells), {}, tmp_path / "out.ipynb", 60)
    assert run.status == "failed"
    assert run.error.startswith("cell In [2]: KeyError")
