import json

import numpy as np
import pytest
from builders import both_ways, worn_table

from eumlib._common.files import sha256_of
from eumlib.embeddings import PeopleOfNobody, TableError, write_table
from eumlib.study import Study, run_study
from eumlib.unmasking import Unmasker

CONDITIONS = {
    "flat masks, unmasked landmarks",
    "lifelike masks, unmasked landmarks",
    "lifelike masks, masked landmarks",
}
FILES = {
    f"{material}_{recipe}_{loss}"
    for material in ("nobody", "lfw")
    for recipe in ("paper", "workbook")
    for loss in ("triplet", "srt")
}


@pytest.fixture(scope="module")
def targets(study):
    return study.targets()


def test_the_parts_of_lfw_share_no_one_and_are_everyone(material):
    parts = {part: material.of_lfw(part) for part in ("train", "validation", "test")}
    people = {part: set(tables[0].rows["identity"]) for part, tables in parts.items()}
    assert sum(map(len, people.values())) == 120
    assert set.union(*people.values()) == set(material.lfw[0].rows["identity"])
    assert len(people["train"]) > len(people["test"]) > len(people["validation"]) > 0


def test_targets_judge_on_people_who_were_not_trained_on_and_give_what_is_shipped(
    targets, material
):
    tables, shipped = targets
    rows = tables["targets"]
    assert set(rows["condition"]) == {*CONDITIONS, "masks that people wore"}
    tested = material.of_lfw("test")[0].rows["identity"].nunique()
    assert set(rows[rows["face_set"] == "lfw"]["people"]) == {tested}
    assert rows["eer"].between(rows["eer_low"], rows["eer_high"]).mean() > 0.8
    assert rows[rows["trained"] == "no EUM"]["eer_change"].to_numpy() == pytest.approx(0)
    assert set(shipped) == FILES
    assert all(fit.recipe.seed == 0 for _, fit in shipped.values())
    assert "pairs" not in tables


def test_every_case_of_the_targets_takes_the_same_number_of_steps(targets):
    assert {fit.recipe.steps_an_epoch for _, fit in targets[1].values()} == {2}


def test_differences_are_those_of_the_values_and_have_intervals(targets):
    tables = targets[0]
    rates = tables["targets"].set_index(["trained", "face_set", "condition"])["eer"]
    differences = tables["differences"]
    assert len(differences) == 4 * 7
    for row in differences.itertuples():
        srt, triplet = (
            rates[f"the {row.recipe}'s recipe, {loss}, {row.material}", row.face_set, row.condition]
            for loss in ("SRT", "triplet loss")
        )
        assert row.eer == pytest.approx(srt - triplet)
        assert row.eer_low <= row.eer_high


def test_choices_are_made_on_validation_people_alone(study, material):
    validated = material.of_lfw("validation")[0].rows["identity"].nunique()
    tables = [study.ablation(), study.matrix(), study.steps(), study.draws()]
    for table in tables:
        assert set(table["people"]) == {validated}
        assert "no EUM" in set(table["trained"])
    ablation, matrix, steps, draws = tables
    assert ablation.groupby("trained").size().eq(3).all()
    assert matrix["condition"].nunique() == 8
    assert set(steps["steps"].dropna()) == {100, 200}
    assert draws["trained"].nunique() == 3


def test_unseen_styles_are_tested_alone_beside_seen_ones(study):
    rows = study.unseen()
    assert rows["condition"].str.contains("never trained on").all()
    assert rows.groupby("condition").size().tolist() == [3, 3, 3]
    assert set(rows["trained"]) == {"no EUM", "trained on all but it", "trained on all styles"}


def test_a_folder_of_tables_becomes_results_people_and_models_with_cards(tmp_path, small):
    for seed, (name, people) in enumerate({"lfw": 60, "orl": 8}.items()):
        for way, table in zip(
            ("paper", "camera"), both_ways(name, people=people, pictures=2, seed=seed), strict=True
        ):
            write_table(table, tmp_path / f"{name}_{way}.parquet")
    write_table(worn_table(people=8), tmp_path / "mfr2.parquet")
    results, models = tmp_path / "study.json", tmp_path / "models"
    run_study(tmp_path, results, models, tmp_path / "nobody.safetensors", 1, 1, 5, small)
    written = json.loads(results.read_text())
    assert {"targets", "differences", "ablation", "matrix", "unseen", "steps", "draws"} < set(
        written
    )
    assert written["steps_of_a_case"] == 20
    assert PeopleOfNobody.load(tmp_path / "nobody.safetensors").dim == 16
    for name in FILES:
        card = json.loads((models / f"{name}.json").read_text())
        path = models / card["file"]
        assert card["sha256"] == sha256_of(path)
        unmasker = Unmasker.load(path)
        assert unmasker.backbone == card["recogniser"] == "drawn_recogniser"
        assert np.isfinite(card["validation_figure"])


def test_a_missing_table_is_named_before_the_work_begins(tmp_path):
    with pytest.raises(TableError, match=r"lfw_paper\.parquet"):
        run_study(tmp_path, tmp_path / "r.json", tmp_path, tmp_path / "n", 1, 1, 5)


def test_the_pairs_of_the_papers_authors_give_its_seven_rows(material, nobody, small, tmp_path):
    table = material.lfw[0]
    first = table.where(~table.rows.duplicated(["image_id", "view"]))
    lines = [f"p{i}\t1\t2" for i in range(40)] + [f"p{i}\t1\tp{i + 1}\t1" for i in range(40)]
    path = tmp_path / "pairs.txt"
    path.write_text("1\t40\n" + "\n".join(lines) + "\n")
    with_log = Study(
        type(material)(material.lfw, material.orl, (), (first, path)), nobody, 1, 5, small
    )
    pairs = with_log.targets()[0]["pairs"]
    assert len(pairs) == 7
    assert set(pairs["mated_pairs"]) == {40}
