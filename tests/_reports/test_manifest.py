import json

import pytest
from small_notebooks import small_notebook

from eumlib._common.files import sha256_of
from eumlib._reports.manifest import (
    ManifestError,
    begin,
    finish,
    read_manifest,
    stopped,
    with_runs,
    write_manifest,
)
from eumlib._reports.plan import plan
from eumlib._reports.runs import Run


@pytest.fixture
def begun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seeded = small_notebook(tmp_path, "01_a", parameters="seed = 3\nface_set = 'orl'")
    plain = small_notebook(tmp_path, "02_b", parameters="people = 4")
    (tmp_path / "faces").mkdir()
    given = {"face_set": str(tmp_path / "faces")}
    return begin(plan([seeded, plain], given, tmp_path / "out"), given, "quick")


def test_it_says_what_the_report_is_made_of(begun, tmp_path):
    assert (begun["status"], begun["finished"], begun["runs"]) == ("running", None, [])
    assert begun["parameters"] == {"face_set": "faces"}
    assert begun["seeds"] == {"01_a": 3}
    assert begun["commit"] is None or len(begun["commit"]) == 40
    for name in ("python", "system", "cpu", "cores", "threads", "device"):
        assert begun[name]
    assert begun["packages"]["papermill"]
    assert {
        "eumlib", "folder of face_set", "notebooks/01_a.ipynb", "notebooks/02_b.ipynb",
        "data/study.json", "data/models/nobody_workbook_srt.safetensors",
    } <= set(begun["inputs"])  # fmt: skip
    assert "data/results.json" not in begun["inputs"]
    assert {len(sha256) for sha256 in begun["inputs"].values()} == {64}
    assert str(tmp_path) not in json.dumps(begun)


@pytest.mark.parametrize(("status", "expected"), [("done", "done"), ("not run", "failed")])
def test_it_ends_with_the_runs_the_outputs_and_a_status(begun, tmp_path, status, expected):
    runs = [
        Run("01_a", "A", "done", 1.5, {"seed": 3}, results={"rates": [{"eer": 0.5}]}),
        Run("02_b", "B", status, 0, {}, sources={"data": {"long": "list"}}),
    ]
    page = tmp_path / "01_a.html"
    page.write_text("page")
    ended = finish(with_runs(begun, runs), {"01_a.html": page})
    assert ended["status"] == expected
    assert ended["finished"] >= ended["started"]
    assert ended["outputs"] == {"01_a.html": sha256_of(page)}
    assert ended["runs"][0]["parameters"] == {"seed": 3}
    assert "sources" not in ended["runs"][1]
    write_manifest(ended, tmp_path)
    assert read_manifest(tmp_path) == ended


@pytest.mark.parametrize("text", [None, "{"])
def test_without_a_manifest_the_error_says_how_one_is_made(tmp_path, text):
    if text:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ManifestError, match="python -m eumlib report --out"):
        read_manifest(tmp_path)


def test_a_report_that_was_interrupted_says_so_and_when(begun):
    ended = stopped(begun)
    assert ended["status"] == "stopped"
    assert ended["finished"] >= begun["started"]
