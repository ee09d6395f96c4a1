import json

import numpy as np
import pytest
from builders import both_ways

from eumlib._common.files import sha256_of
from eumlib.embeddings import TableError, write_table
from eumlib.study import BEST, SHIPPED, SYNTHETIC_ONLY, Study, run_study
from eumlib.study.run import SYNTHETIC_MOVED
from eumlib.unmasking import Unmasker

CONDITIONS = {"flat masks, unmasked landmarks", "lifelike masks, masked landmarks"}


def test_the_parts_of_lfw_share_no_one_and_are_everyone(material):
    parts = {part: material.of_lfw(part) for part in ("train", "validation", "test")}
    people = {part: set(tables[0].rows["identity"]) for part, tables in parts.items()}
    assert sum(map(len, people.values())) == 120
    assert set.union(*people.values()) == set(material.lfw[0].rows["identity"])
    assert len(people["train"]) > len(people["test"]) > len(people["validation"]) > 0


def test_targets_judge_on_people_who_were_not_trained_on_and_give_what_is_shipped(study, material):
    rows, shipped = study.targets()
    assert set(rows["face_set"]) == {"lfw", "orl"}
    assert set(rows["condition"]) == CONDITIONS
    tested = material.of_lfw("test")[0].rows["identity"].nunique()
    assert set(rows[rows["face_set"] == "lfw"]["people"]) == {tested}
    assert set(rows[rows["trained"] == BEST]["seeds"]) == {2}
    assert rows["eer"].between(rows["eer_low"], rows["eer_high"]).mean() > 0.8
    plain = rows[rows["trained"] == "no EUM"]
    assert plain["eer_change"].to_numpy() == pytest.approx(0)
    assert {SYNTHETIC_ONLY, SYNTHETIC_MOVED} < set(rows["trained"])
    assert set(shipped) == set(SHIPPED)
    assert all(trained.recipe.seed == 0 for trained in shipped.values())


def test_the_ablation_and_the_matrix_are_judged_on_validation_people_alone(material):
    study = Study(material, seeds=1, resamples=5)
    validated = material.of_lfw("validation")[0].rows["identity"].nunique()
    ablation, matrix = study.ablation(), study.matrix()
    assert set(ablation["people"]) == set(matrix["people"]) == {validated}
    assert matrix["condition"].nunique() == 8
    assert "no EUM" in set(matrix["trained"])
    assert ablation.groupby("trained").size().eq(2).all()


def test_unseen_styles_are_tested_alone(study):
    rows = study.unseen()
    assert rows["condition"].str.contains("never trained on").all()
    assert rows.groupby("condition").size().tolist() == [2, 2, 2]
    few = rows["masked_views"].unique()
    assert len(few) == 1


def test_a_folder_of_tables_becomes_results_and_models_with_cards(tmp_path):
    sizes = {"lfw": 60, "orl": 8, "synthetic": 40}
    for seed, (name, people) in enumerate(sizes.items()):
        for way, table in zip(
            ("paper", "camera"), both_ways(name, people=people, pictures=2, seed=seed), strict=True
        ):
            write_table(table, tmp_path / f"{name}_{way}.parquet")
    results, models = tmp_path / "study.json", tmp_path / "models"
    run_study(tmp_path, results, models, seeds=1, ablation_seeds=1, resamples=5)
    written = json.loads(results.read_text())
    assert {"targets", "ablation", "matrix", "unseen", "commit", "seeds"} < set(written)
    for name in SHIPPED:
        card = json.loads((models / f"{name}.json").read_text())
        path = models / card["file"]
        assert card["sha256"] == sha256_of(path)
        unmasker = Unmasker.load(path)
        assert unmasker.backbone == card["recogniser"] == "drawn_recogniser"
        assert unmasker.model.dim == 16
        assert np.isfinite(card["validation_figure"])


def test_a_missing_table_is_named_before_the_work_begins(tmp_path):
    with pytest.raises(TableError, match=r"lfw_paper\.parquet"):
        run_study(tmp_path, tmp_path / "r.json", tmp_path, 1, 1, 5)
