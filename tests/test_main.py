"""The command line, as its user types it."""

import json
import re
import shutil
import sys

import cv2
import pandas as pd
import pytest
from builders import drawn_table

from eumlib import __main__ as command_line
from eumlib.datasets import orl_faces
from eumlib.embeddings import read_table, write_table
from eumlib.fetching import REGISTRY
from eumlib.landmarks import landmark_finder
from eumlib.masks import Mask, paint_mask
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker


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
    assert read_table(table).not_acquired == 1
    assert "unreadable picture: 1 × s1/torn.jpg" in out
    code, out, _ = run("evaluate", "--table", table, "--json", results, "--resamples", 5)
    assert code == 0
    assert "UMR-MP" in out
    assert "not acquired: 1 of 7 faces" in out
    rows = json.loads(results.read_text())["rows"]
    assert [row["setting"] for row in rows] == ["UMR-UMP", "UMR-MP", "MR-MP"]


def test_a_folder_of_people_becomes_a_page_to_explore(run, people, tmp_path):
    table, page = tmp_path / "table.parquet", tmp_path / "page.html"
    run("embed", "--faces", people, "--out", table)
    model = "data/models/lfw_and_synthetic.safetensors"
    options = "--table", table, "--model", model, "--faces", people, "--out", page
    code, out, _ = run("explore", *options)
    assert code == 0
    assert "12 views of 3 people" in out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    _, out, _ = run("explore", *options, "--views", 4)
    assert "4 views of 1 people" in out
    write_table(drawn_table(people=3, pictures=1), table)
    code, _, told = run("explore", *options)
    assert code == 1
    assert "a person with two pictures" in told


@pytest.fixture(scope="module")
def wearers(tmp_path_factory):
    """A folder in MFR2's layout: three people, a bare and a masked photograph each."""
    root = tmp_path_factory.mktemp("mfr2")
    labels = []
    for face in orl_faces().first_people(3):
        number = int(face.image_id.rpartition("/")[2])
        if number <= 2:
            picture, label = face.read(), "no-mask"
            if number == 2:
                landmarks = landmark_finder().find(picture)
                picture = paint_mask(picture, landmarks, Mask("surgical", (173, 216, 230)))
                label = "surgical_blue"
            path = root / face.identity / f"{face.identity}_{number:04d}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), picture[:, :, ::-1])
            labels.append(f"{face.identity}, {number}, {label}")
    (root / "mfr2_labels.txt").write_text("\n".join(labels) + "\n")
    (root / "pairs.txt").write_text("s1 1 2\ns2 1 2\ns3 1 2\ns1 1 s2 2\ns2 1 s3 2\ns3 1 s1 1\n")
    return root


def test_worn_masks_are_embedded_as_they_are_and_evaluated_by_their_pairs(run, wearers, tmp_path):
    table, results = tmp_path / "t.parquet", tmp_path / "r.json"
    code, out, _ = run("embed", "--faces", "mfr2", "--root", wearers, "--out", table)
    assert code == 0
    assert "6 of 6 faces acquired, 6 embeddings" in out
    rows = read_table(table).rows
    assert rows["view"].tolist() == ["unmasked", "masked"] * 3
    assert rows["mask_shape"].dropna().tolist() == ["worn"] * 3
    assert rows["mask_label"].dropna().tolist() == ["surgical_blue"] * 3
    Unmasker(EmbeddingUnmaskingModel(128), "dlib_resnet_v1").save(tmp_path / "m.safetensors")
    code, out, _ = run(
        "evaluate", "--table", table, "--pairs", wearers / "pairs.txt", "--resamples", 5,
        "--model", tmp_path / "m.safetensors", "--json", results,
    )  # fmt: skip
    assert code == 0, out
    rows = json.loads(results.read_text())["rows"]
    assert [(row["setting"], row["mated_pairs"], row["non_mated_pairs"]) for row in rows] == [
        ("UMR-MP", 3, 2), ("UMR-MP", 3, 2), ("as worn", 3, 3), ("as worn", 3, 3),
    ]  # fmt: skip


def test_a_folder_of_the_users_own_with_a_labels_file_needs_no_name(run, wearers, tmp_path):
    code, out, _ = run("embed", "--faces", wearers, "--out", tmp_path / "t.parquet")
    assert code == 0
    assert "6 of 6 faces acquired, 6 embeddings" in out


def test_pairs_are_drawn_for_any_folder_and_compared(run, people, tmp_path):
    pairs, table, results = (tmp_path / name for name in ("p.txt", "t.parquet", "r.json"))
    code, out, _ = run("pairs", "--faces", people, "--mated", 3, "--non-mated", 5, "--out", pairs)
    assert code == 0
    assert "3 mated and 5 non-mated pairs" in out
    assert run("embed", "--faces", people, "--out", table)[0] == 0
    code, _, err = run(
        "evaluate", "--table", table, "--pairs", pairs, "--json", results, "--resamples", 3
    )
    assert code == 0, err
    row = json.loads(results.read_text())["rows"][1]
    assert row["mated_pairs"] + row["non_mated_pairs"] <= 8


def test_masks_are_painted_by_kind_by_log_and_with_the_camera(run, people, tmp_path):
    table, log = tmp_path / "t.parquet", tmp_path / "log.txt"
    kinds = ("--mask", "surgical", "--mask", "nist")
    assert run("embed", "--faces", people, *kinds, "--camera", "--out", table)[0] == 0
    rows = read_table(table).rows
    assert set(rows["view"]) == set(rows["landmarks_from"]) == {"unmasked", "masked"}
    assert "surgical" in set(rows["mask_shape"])
    pictures = [path.relative_to(people).as_posix() for path in people.glob("*/*")]
    log.write_text("".join(f"{name} d 10 20 30\n" for name in pictures))
    assert run("embed", "--faces", people, "--replay", log, "--out", table)[0] == 0
    assert set(read_table(table).rows["mask_colour"].dropna()) == {"#0a141e"}
    assert run("embed", "--faces", people, "--shared", 2, "--out", table)[0] == 0
    masked = read_table(table).of_view("masked").rows
    assert masked.groupby("identity")["mask_colour"].nunique().max() == 2
    assert masked["mask_colour"].nunique() == 2
    code, _, err = run("embed", "--faces", people, "--mask", "burka", "--out", table)
    assert code == 2
    assert "surgical" in err


def test_train_writes_a_model_that_evaluate_takes(run, tmp_path):
    table, model, results = (tmp_path / name for name in ("t.parquet", "m.safetensors", "r.json"))
    write_table(drawn_table(people=40), table)
    code, out, _ = run(
        "train", "--table", table, "--loss", "triplet", "--epochs", 2, "--out", model
    )
    assert code == 0
    assert "the best by validation" in out
    assert Unmasker.load(model).model.dim == 16
    code, _, _ = run(
        "evaluate", "--table", table, "--model", model, "--json", results, "--resamples", 5
    )
    rows = json.loads(results.read_text())["rows"]
    assert [(row["setting"], row["unmasking"]) for row in rows] == [
        ("UMR-UMP", None), ("UMR-MP", None), ("UMR-MP", "m"), ("MR-MP", None), ("MR-MP", "m"),
    ]  # fmt: skip
    assert {row["backbone"] for row in rows} == {"drawn_recogniser"}


def test_folds_give_accuracies_and_results_are_written_in_every_form(run, tmp_path):
    table, pairs = tmp_path / "t.parquet", tmp_path / "pairs.txt"
    write_table(drawn_table(people=12, pictures=3, noise=1.5), table)
    lines = []
    for fold in range(3):
        lines += [f"p{4 * fold + i}\t1\t2" for i in range(4)]
        lines += [f"p{4 * fold + i}\t1\tp{(4 * fold + i + 1) % 12}\t3" for i in range(4)]
    pairs.write_text("3\t4\n" + "\n".join(lines) + "\n", encoding="utf-8")
    outputs = {kind: tmp_path / f"r.{kind}" for kind in ("json", "csv", "html")}
    code, out, err = run(
        "evaluate", "--table", table, "--pairs", pairs, "--resamples", 5, "--json", outputs["json"],
        "--csv", outputs["csv"], "--report", outputs["html"],
    )  # fmt: skip
    assert code == 0, err
    for setting in ("UMR-UMP", "UMR-MP", "MR-MP"):
        assert re.search(rf"{setting} –: accuracy [\d.]+ % ± [\d.]+ \(standard error of 3", out)
    assert "* too few non-mated pairs" in out
    rows = json.loads(outputs["json"].read_text())["rows"]
    eers = [row["eer"] for row in rows]
    assert pd.read_csv(outputs["csv"])["eer"].tolist() == pytest.approx(eers)
    assert "Error rates of drawn_recogniser" in outputs["html"].read_text(encoding="utf-8")


def test_training_by_the_papers_recipe_on_two_tables_can_be_stopped_and_resumed(run, tmp_path):
    tables = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.parquet"
        write_table(drawn_table(people=40, seed=seed), path)
        tables += ["--table", path]
    model, checkpoint = tmp_path / "m.safetensors", tmp_path / "c.safetensors"
    options = ("--recipe", "paper", "--out", model, "--checkpoint", checkpoint)
    assert run("train", *tables, *options, "--epochs", 2)[0] == 0
    unmasker = Unmasker.load(model)
    assert type(unmasker.model) is EmbeddingUnmaskingModel
    model.unlink()
    assert run("train", *tables, *options, "--epochs", 2)[0] == 0
    assert model.exists()
    code, _, err = run("train", *tables, *options, "--epochs", 2, "--seed", 1)
    assert code == 1
    assert "another training" in err


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
    Unmasker(EmbeddingUnmaskingModel(8), "arcface").save(tmp_path / "other.safetensors")
    lonely = tmp_path / "lonely"
    shutil.copytree(people / "s1", lonely / "s1")
    (tmp_path / "empty").mkdir()
    cases = {
        ("embed", "--faces", tmp_path / "empty", "--out", kept): "no pictures in",
        ("embed", "--faces", lonely, "--out", kept): "s1",
        ("embed", "--faces", "olr", "--out", kept): "orl, synthetic",
        ("embed", "--faces", "mfr2", "--root", people, "--out", kept): "labels.txt",
        ("embed", "--faces", "orl", "--backbone", "none.onnx", "--out", kept): "none.onnx",
        ("evaluate", "--table", kept, "--pairs", people / "s1" / "torn.jpg"): "torn.jpg",
        ("evaluate", "--table", tmp_path / "none.parquet"): "python -m eumlib embed",
        (
            "evaluate", "--table", kept, "--model", tmp_path / "other.safetensors", "--json", kept,
        ): "embeddings of arcface, and these are of drawn_recogniser",
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
    code, _, err = run("train", "--table", "t", "--out", "m", "--recipe", "secret")
    assert code == 2
    assert "paper, workbook" in err


def test_fetch_lists_the_named_files_with_their_licences(run):
    code, out, _ = run("fetch")
    assert code == 0
    assert "orl_faces.whl" in out
    assert out.count("licence:") == len(REGISTRY)


def test_every_command_explains_itself(run):
    code, out, _ = run("--help")
    assert code == 0
    commands = "report compare doctor embed pairs train evaluate study fetch readme"
    for command in commands.split():
        assert command in out
        assert run(command, "--help")[0] == 0


def test_student_writes_the_notebooks_without_answers(run, tmp_path):
    code, out, _ = run("student", "--out", tmp_path / "course")
    assert code == 0
    assert "10 notebooks without answers" in out
    copies = sorted(path.name for path in (tmp_path / "course").iterdir())
    assert (copies[0], len(copies)) == ("00_start_here.ipynb", 10)
