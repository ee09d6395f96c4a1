"""The command line, as its user types it."""

import json
import shutil
import sys

import cv2
import nbformat
import pytest
from builders import drawn_table
from test_workbook import write_notebook

from eumlib import __main__ as command_line
from eumlib import workbook
from eumlib.embeddings import read_table, write_table
from eumlib.faces import orl_faces
from eumlib.unmasking import EmbeddingUnmaskingModel, load_model, save_model


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["eumlib", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A folder of three people, two photographs each, and one file that does not decode."""
    root = tmp_path_factory.mktemp("people")
    for face in orl_faces().first_people(3):
        if face.image_id.endswith(("/1", "/2")):
            path = root / face.identity / f"{face.identity}_{face.image_id[-1]}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), face.read()[:, :, ::-1])
    (root / "s1" / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    return root


def test_a_folder_of_people_goes_through_embed_and_evaluate_without_code(run, people, tmp_path):
    table, results = tmp_path / "table.parquet", tmp_path / "results.json"
    code, out, _ = run("embed", "--faces", people, "--out", table)
    assert code == 0
    assert "6 of 7 faces acquired, 12 embeddings" in out
    assert "torn.jpg" in out
    assert len(read_table(table).failures) == 1
    code, out, _ = run("evaluate", "--table", table, "--json", results, "--resamples", 5)
    assert code == 0
    assert "UMR-MP" in out
    assert "not acquired: 1 of 7 faces" in out
    rows = json.loads(results.read_text())["rows"]
    assert [row["setting"] for row in rows] == ["UMR-UMP", "UMR-MP", "MR-MP"]


def test_train_writes_a_model_that_evaluate_takes(run, tmp_path):
    table, model, results = (tmp_path / name for name in ("t.parquet", "m.safetensors", "r.json"))
    write_table(drawn_table(people=40), table)
    code, out, _ = run(
        "train", "--table", table, "--loss", "triplet", "--epochs", 2, "--out", model
    )
    assert code == 0
    assert "the best by validation" in out
    assert load_model(model).dim == 16
    code, _, _ = run(
        "evaluate", "--table", table, "--model", model, "--json", results, "--resamples", 5
    )
    rows = json.loads(results.read_text())["rows"]
    assert [(row["setting"], row["unmasking"]) for row in rows] == [
        ("UMR-UMP", None), ("UMR-MP", None), ("UMR-MP", "m"), ("MR-MP", None), ("MR-MP", "m"),
    ]  # fmt: skip


def test_synthetic_faces_are_embedded_in_half_precision(run, tmp_path):
    table = tmp_path / "t.parquet"
    code, out, _ = run(
        "embed", "--faces", "synthetic", "--count", 4, "--seed", 5, "--float16", "--out", table
    )
    assert code == 0
    assert " of 4 faces acquired" in out
    assert read_table(table).attempts == 4


def test_bad_input_ends_with_a_message_and_nothing_lost(run, people, tmp_path):
    kept = tmp_path / "kept.parquet"
    write_table(drawn_table(), kept)
    before = kept.read_bytes()
    save_model(EmbeddingUnmaskingModel(8), tmp_path / "eight.safetensors")
    lonely = tmp_path / "lonely"
    shutil.copytree(people / "s1", lonely / "s1")
    (tmp_path / "empty").mkdir()
    cases = {
        ("embed", "--faces", tmp_path / "empty", "--out", kept): "no pictures in",
        ("embed", "--faces", lonely, "--out", kept): "s1",
        ("embed", "--faces", "olr", "--out", kept): "orl, synthetic",
        ("evaluate", "--table", tmp_path / "none.parquet"): "python -m eumlib embed",
        (
            "evaluate", "--table", kept, "--model", tmp_path / "eight.safetensors", "--json", kept,
        ): "dimension 8, and these have 16",
        ("report", "-p", "poeple=3", "--out", tmp_path / "report"): "did you mean 'people'",
        ("report", "-p", "people=many", "--out", tmp_path / "report"): "takes int",
        ("report", "--only", "77", "--out", tmp_path / "report"): "no notebook begins with '77'",
    }  # fmt: skip
    for arguments, message in cases.items():
        code, _, err = run(*arguments)
        assert code == 1, arguments
        assert err.startswith("error: "), arguments
        assert message in err, arguments
        assert "Traceback" not in err
    assert kept.read_bytes() == before
    assert not (tmp_path / "report").exists()


def test_an_unknown_loss_is_refused_with_the_known_ones(run, tmp_path):
    code, _, err = run("train", "--table", "t", "--out", "m", "--loss", "quadruplet")
    assert code == 2
    assert "srt, triplet" in err


def test_report_ends_with_an_error_that_names_notebook_and_cell(run, tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder, "01_good")
    write_notebook(folder, "02_bad", cells=[("raise ValueError('on purpose')",)])
    monkeypatch.setattr(workbook.discover, "__defaults__", (folder,))
    code, out, err = run("report", "--out", tmp_path / "report", "-p", "people=2")
    assert code == 1
    assert "1/2 01_good" in out
    assert "02_bad, cell In [3]: ValueError: on purpose" in err
    assert "This notebook stopped" in (tmp_path / "report" / "02_bad.html").read_text()
    executed = nbformat.read(tmp_path / "report" / "notebooks" / "01_good.ipynb", as_version=4)
    assert any("people = 2" in cell.source for cell in executed.cells)


def test_fetch_lists_the_named_files_with_their_licences(run):
    code, out, _ = run("fetch")
    assert code == 0
    assert "orl_faces.whl" in out
    assert out.count("licence:") == 6


def test_every_command_explains_itself(run):
    code, out, _ = run("--help")
    assert code == 0
    for command in ("report", "embed", "train", "evaluate", "fetch", "readme"):
        assert command in out
        assert run(command, "--help")[0] == 0
