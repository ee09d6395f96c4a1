"""`train` and `evaluate`, as their user types them."""

import importlib
import json
import pkgutil
import re

import pandas as pd
import pytest
from builders import drawn_table
from torch import nn

import eumlib
from eumlib._commands.models import LOSSES
from eumlib.embeddings import write_table
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker


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


def test_an_unknown_loss_is_refused_with_the_known_ones(run, tmp_path):
    code, _, err = run("train", "--table", "t", "--out", "m", "--loss", "quadruplet")
    assert code == 2
    assert "srt, triplet" in err
    code, _, err = run("train", "--table", "t", "--out", "m", "--recipe", "secret")
    assert code == 2
    assert "paper, workbook" in err


def test_every_loss_can_be_named():
    known = set()
    for module in pkgutil.iter_modules(eumlib.__path__):
        for thing in vars(importlib.import_module(f"eumlib.{module.name}")).values():
            if isinstance(thing, type) and issubclass(thing, nn.Module) and hasattr(thing, "name"):
                known.add(thing)
    assert set(LOSSES.values()) == known
