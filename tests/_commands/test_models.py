"""`train` and `evaluate`, as their user types them."""

import importlib
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
import torch
from builders import drawn_table
from torch import nn

import eumlib
from eumlib import verification
from eumlib._commands.models import LOSSES
from eumlib.embeddings import EmbeddingTable, PeopleOfNobody, read_table, write_table
from eumlib.rivals import TRAINERS, Gate
from eumlib.unmasking import (
    WORKBOOK,
    EmbeddingUnmaskingModel,
    ResidualUnmaskingModel,
    Unmasker,
    available_device,
    split_for_validation,
    train_unmasker,
)


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


def test_evaluate_counts_on_the_device_that_is_asked_for(run, tmp_path, monkeypatch):
    """Of a device that is not there, and of two places at once, in a line."""
    table = tmp_path / "t.parquet"
    write_table(drawn_table(people=40), table)
    results = [tmp_path / f"{name}.csv" for name in ("here", "there")]
    given = "evaluate", "--table", table, "--resamples", 5
    assert run(*given, "--csv", results[0])[0] == 0
    monkeypatch.setattr(verification.comparison, "FEW", 0)
    counted = []
    count_scores = verification.DeviceCounter.count_scores
    monkeypatch.setattr(
        verification.DeviceCounter,
        "count_scores",
        lambda counter, sides: counted.append(counter.device) or count_scores(counter, sides),
    )
    assert run(*given, "--csv", results[1], "--device", "cpu")[0] == 0
    assert counted == ["cpu"] * 3
    one, other = (pd.read_csv(path) for path in results)
    pd.testing.assert_frame_equal(one, other, rtol=1e-4)
    code, _, err = run(*given, "--device", "warp")
    assert code == 1
    assert re.fullmatch(r"error: PyTorch cannot compute on the device 'warp' here .*\n", err)
    code, _, err = run(*given, "--device", "cpu", "--cluster", "local")
    assert code == 2
    assert "a cluster counts on its cores" in err


def test_a_rival_is_trained_by_name_and_evaluated_as_any_model(run, tmp_path):
    table, model = tmp_path / "t.parquet", tmp_path / "m.safetensors"
    write_table(drawn_table(people=40), table)
    code, out, _ = run(
        "train", "--rival", "my_eyes", "--table", table, "--epochs", 2, "--out", model
    )
    assert code == 0
    assert "my_eyes, for embeddings of drawn_recogniser" in out
    assert run("evaluate", "--table", table, "--model", model, "--resamples", 5)[0] == 0
    code, _, err = run("train", "--rival", "nobody", "--table", table, "--out", model)
    assert code != 0
    assert "my_eyes, maskinv, hsst, ccl" in " ".join(err.replace("│", " ").split())


def test_a_gate_adds_a_stream_of_bare_and_masked_probes(run, tmp_path):
    table, gate, model = (tmp_path / name for name in ("t.parquet", "g", "m.safetensors"))
    write_table(drawn_table(people=30), table)
    assert run("train", "--rival", "ccl", "--table", table, "--out", gate)[0] == 0
    Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser").save(model)
    code, out, _ = run(
        "evaluate", "--table", table, "--model", model, "--gate", gate, "--resamples", 5
    )
    assert code == 0
    assert out.count("UMR-AP") == 5
    assert "m, by the gate" in out
    assert re.search(r"takes [\d.]+% of masked faces for bare, and [\d.]+% of bare", out)
    code, _, err = run("evaluate", "--table", table, "--gate", model)
    assert code == 1
    assert "does not hold a gate" in err
    code, _, err = run("evaluate", "--table", table, "--model", gate)
    assert code == 1
    assert "does not hold an unmasking model" in err


@pytest.mark.parametrize("gated", [False, True])
def test_a_table_is_unmasked_where_the_table_or_the_gate_says_masked(run, tmp_path, gated):
    paths = {name: tmp_path / name for name in ("t.parquet", "u.parquet", "m.safetensors", "g")}
    given = drawn_table(people=30)
    write_table(given, paths["t.parquet"])
    Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser").save(paths["m.safetensors"])
    masked = (given.rows["view"] == "masked").to_numpy()
    options = []
    if gated:
        Gate.trained_on(given, steps=200).save(paths["g"])
        masked = Gate.load(paths["g"]).wears_mask(given.vectors, "drawn_recogniser")
        options = ["--gate", paths["g"]]
    code, out, err = run(
        "unmask", "--table", paths["t.parquet"], "--model", paths["m.safetensors"],
        "--out", paths["u.parquet"], *options,
    )  # fmt: skip
    assert code == 0, err
    assert f"{masked.sum()} of {len(given)} embeddings are unmasked" in out
    unmasked = read_table(paths["u.parquet"])
    assert (unmasked.vectors[~masked] == given.vectors[~masked]).all()
    expected = Unmasker.load(paths["m.safetensors"]).unmask(
        given.vectors[masked], "drawn_recogniser"
    )
    assert unmasked.vectors[masked] == pytest.approx(expected, abs=1e-6)
    assert unmasked.rows.equals(read_table(paths["t.parquet"]).rows)


def test_embeddings_of_no_recogniser_or_of_two_are_not_unmasked(run, tmp_path):
    table, model = tmp_path / "t.parquet", tmp_path / "m.safetensors"
    Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser").save(model)
    for names in (["drawn_recogniser", "another"], []):
        given = drawn_table(people=4)
        given.rows["backbone"] = (["drawn_recogniser", "another"] * len(given))[: len(given)]
        write_table(given if names else given.where([False] * len(given)), table)
        code, _, err = run("unmask", "--table", table, "--model", model, "--out", tmp_path / "u")
        assert code == 1
        assert "embeddings of one recogniser, not of" in err
        assert not (tmp_path / "u").exists()


@pytest.mark.parametrize(
    ("rival", "option"),
    [
        ("hsst", ("--checkpoint", "c.safetensors")),
        ("hsst", ("--loss", "srt")),
        ("my_eyes", ("--loss", "triplet")),
        ("ccl", ("--loss", "triplet")),
        ("ccl", ("--recipe", "workbook")),
        ("ccl", ("--epochs", 2)),
        ("ccl", ("--checkpoint", "c.safetensors")),
        ("my_eyes", ("--features", "maps.arrow")),
        ("hsst", ("--steps", "10")),
    ],
)
def test_a_rival_refuses_an_option_that_has_no_effect_on_it(run, tmp_path, rival, option):
    code, _, err = run("train", "--rival", rival, "--nobody", 50, *option, "--out", tmp_path / "m")
    assert code == 2
    said = " ".join(err.replace("│", " ").split())
    assert f"{option[0]}: it has no effect on {rival}; leave it out" in said
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--rival", "from", "--nobody", "50"), "--nobody: it has no effect on from; leave it out"),
        (("--rival", "meer", "--epochs", "2"), "--epochs: it has no effect on meer; leave it out"),
        (("--nobody", "50", "--steps", "9"), "--steps: it has no effect on the EUM; leave it out"),
        (("--rival", "ffr_net"), "make them with: python -m eumlib features"),
    ],
)
def test_feature_maps_are_for_networks_and_for_nothing_else(run, tmp_path, given, said):
    code, _, err = run("train", *given, "--out", tmp_path / "m")
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())


def test_a_stream_of_listed_pairs_has_its_accuracy_by_fold(run, tmp_path):
    table, pairs, gate = (tmp_path / name for name in ("t.parquet", "pairs.txt", "g"))
    given = drawn_table(people=12, pictures=3, noise=1.5)
    write_table(given, table)
    Gate.trained_on(given, steps=20).save(gate)
    lines = []
    for fold in range(3):
        lines += [f"p{4 * fold + i}\t1\t2" for i in range(4)]
        lines += [f"p{4 * fold + i}\t1\tp{(4 * fold + i + 1) % 12}\t3" for i in range(4)]
    pairs.write_text("3\t4\n" + "\n".join(lines) + "\n", encoding="utf-8")
    code, out, err = run(
        "evaluate", "--table", table, "--pairs", pairs, "--gate", gate, "--resamples", 3
    )
    assert code == 0, err
    assert re.search(r"UMR-AP –: accuracy [\d.]+ % ± [\d.]+ \(standard error of 3", out)


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


def test_a_folder_of_parts_trains_the_model_that_one_table_trains(run, tmp_path, own_home):
    table = drawn_table(people=40)
    write_table(table, tmp_path / "t.parquet")
    (tmp_path / "parts").mkdir()
    of_person = table.rows["identity"].str.removeprefix("p").astype(int)
    for number in range(2):
        write_table(table.where(of_person % 2 == number), tmp_path / f"parts/{number}.parquet")
    models = []
    for name in ("t.parquet", "parts"):
        out = tmp_path / f"{name}.safetensors"
        code, _, err = run("train", "--table", tmp_path / name, "--epochs", 2, "--out", out)
        assert code == 0, err
        models.append(Unmasker.load(out).model.state_dict())
    for name, value in models[0].items():
        assert torch.equal(models[1][name], value)
    code, _, err = run("train", "--table", own_home / "vectors", "--out", tmp_path / "no")
    assert code == 1
    assert "holds no tables (*.parquet)" in err


def test_training_on_people_of_nobody_takes_no_table(run, tmp_path):
    model = tmp_path / "m.safetensors"
    code, out, err = run("train", "--nobody", 200, "--epochs", 1, "--seed", 3, "--out", model)
    assert code == 0, err
    assert "weights of epoch 1" in out
    trained = Unmasker.load(model)
    assert (trained.backbone, trained.model.dim) == ("mobilefacenet", 192)
    assert type(trained.model) is ResidualUnmaskingModel
    parts = split_for_validation(PeopleOfNobody.load().draw(200, seed=1))
    recipe = replace(WORKBOOK, epochs=1, seed=3)
    expected = train_unmasker(*([part] for part in parts), recipe, available_device())
    for name, weights in expected.unmasker.model.state_dict().items():
        torch.testing.assert_close(trained.model.state_dict()[name], weights)


def test_people_of_nobody_are_drawn_beside_a_table(run, tmp_path):
    table, models = tmp_path / "t.parquet", [tmp_path / f"{n}.safetensors" for n in "ab"]
    write_table(PeopleOfNobody.load().draw(300, seed=7), table)
    once = ("train", "--table", table, "--epochs", 1)
    assert run(*once, "--out", models[0])[0] == 0
    assert run(*once, "--nobody", 100, "--out", models[1])[0] == 0
    alone, beside = (Unmasker.load(model).model.state_dict() for model in models)
    assert not all(torch.equal(alone[name], beside[name]) for name in alone)


def test_people_of_nobody_beside_a_table_of_another_recogniser_are_refused(run, tmp_path):
    table, model = tmp_path / "t.parquet", tmp_path / "m.safetensors"
    write_table(drawn_table(people=40, dim=192), table)
    code, _, err = run("train", "--table", table, "--nobody", 100, "--out", model)
    assert code == 1
    assert err.startswith("error: ")
    assert "drawn_recogniser" in err
    assert "mobilefacenet" in err
    assert not model.exists()


@pytest.mark.parametrize("count", [[], ["--nobody", 0]])
def test_training_on_nothing_is_refused_with_both_ways_to_give_it_something(run, tmp_path, count):
    model = tmp_path / "m.safetensors"
    code, _, err = run("train", *count, "--out", model)
    assert code == 2
    assert "name a table, or draw people" in err
    assert "--table" in err
    assert "--nobody" in err
    assert not model.exists()
    code, _, err = run("train", "--nobody", -1, "--out", model)
    assert code == 2
    assert "--nobody" in err


@pytest.mark.parametrize("dim", [192, 128])
def test_a_table_of_one_recogniser_with_a_model_of_another_is_refused_in_one_line(
    run, tmp_path, dim
):
    table, model, results = (tmp_path / name for name in ("t.parquet", "m.safetensors", "r.json"))
    drawn = drawn_table(dim=dim)
    rows = drawn.rows.assign(backbone="dlib_resnet_v1")
    write_table(EmbeddingTable(rows, drawn.vectors, drawn.failures), table)
    Unmasker(EmbeddingUnmaskingModel(192), "mobilefacenet").save(model)
    code, out, err = run("evaluate", "--table", table, "--model", model, "--json", results)
    assert code == 1
    assert out == ""
    assert err == (
        "error: the model unmasks embeddings of mobilefacenet, and these are of dlib_resnet_v1: "
        "train one for that recogniser, or embed the faces with mobilefacenet\n"
    )
    assert not results.exists()


def test_an_unknown_loss_is_refused_with_the_known_ones(run, tmp_path):
    code, _, err = run("train", "--table", "t", "--out", "m", "--loss", "quadruplet")
    assert code == 2
    assert "srt, triplet" in err
    code, _, err = run("train", "--table", "t", "--out", "m", "--recipe", "secret")
    assert code == 2
    assert "paper, workbook" in err


def test_every_loss_can_be_named():
    """By `--loss`, or by `--rival` where it is that of a related system."""
    rooms = [importlib.import_module(f"eumlib.{name}") for name in eumlib.ROOMS]
    shown = [getattr(room, name) for room in rooms for name in room.__all__]
    losses = {
        thing.name
        for thing in shown
        if isinstance(thing, type) and issubclass(thing, nn.Module) and hasattr(thing, "name")
    }
    assert {"triplet", "srt", "my_eyes"} <= losses
    assert losses == set(LOSSES) | (losses & set(TRAINERS))
