import json

import numpy as np
import pytest
from builders import both_ways, worn_table

from eumlib._common.files import sha256_of
from eumlib.embeddings import EmbeddingTable, PeopleOfNobody, TableError, write_table
from eumlib.study import run_study, target_cases
from eumlib.unmasking import Unmasker


def strangers(table):
    """The table, its people of other names than those of drawn tables."""
    rows = table.rows.assign(identity="stranger " + table.rows["identity"])
    return EmbeddingTable(rows, table.vectors, table.failures)


def test_a_folder_of_tables_becomes_results_people_and_models_with_cards(tmp_path, small):
    for seed, (name, people) in enumerate({"lfw": 60, "orl": 8}.items()):
        for way, table in zip(
            ("paper", "camera"), both_ways(name, people=people, pictures=2, seed=seed), strict=True
        ):
            write_table(table, tmp_path / f"{name}_{way}.parquet")
    write_table(strangers(worn_table(people=8)), tmp_path / "mfr2.parquet")
    results, models = tmp_path / "study.json", tmp_path / "models"
    run_study(tmp_path, results, models, tmp_path / "nobody.safetensors", 1, 1, 5, small)
    written = json.loads(results.read_text())
    assert {"targets", "differences", "ablation", "matrix", "unseen", "steps", "draws"} < set(
        written
    )
    assert written["steps_of_a_case"] == 20
    assert PeopleOfNobody.load(tmp_path / "nobody.safetensors").dim == 16
    for name in target_cases((), ()):
        card = json.loads((models / f"{name}.json").read_text())
        path = models / card["file"]
        assert card["sha256"] == sha256_of(path)
        unmasker = Unmasker.load(path)
        assert unmasker.backbone == card["recogniser"] == "drawn_recogniser"
        assert np.isfinite(card["validation_figure"])


def test_a_missing_table_is_named_before_the_work_begins(tmp_path):
    with pytest.raises(TableError, match=r"lfw_paper\.parquet"):
        run_study(tmp_path, tmp_path / "r.json", tmp_path, tmp_path / "n", 1, 1, 5)
