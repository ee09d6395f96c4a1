import pandas as pd
from builders import worn_table

from eumlib.embeddings import EmbeddingTable, write_table
from eumlib.study import Material


def test_the_parts_of_lfw_share_no_one_and_are_everyone(material):
    parts = {part: material.of_lfw(part) for part in ("train", "validation", "test")}
    people = {part: set(tables[0].rows["identity"]) for part, tables in parts.items()}
    assert sum(map(len, people.values())) == 120
    assert set.union(*people.values()) == set(material.lfw[0].rows["identity"])
    assert len(people["train"]) > len(people["test"]) > len(people["validation"]) > 0


def renamed(table, names):
    rows = table.rows.assign(identity=table.rows["identity"].replace(names))
    return EmbeddingTable(rows, table.vectors, table.failures)


def test_those_who_wore_masks_and_are_trained_on_or_chosen_by_are_left_out(tmp_path, material):
    for name in ("lfw", "orl"):
        for way, table in zip(("paper", "camera"), getattr(material, name), strict=True):
            write_table(table, tmp_path / f"{name}_{way}.parquet")
    known = {
        part: material.of_lfw(part)[0].rows["identity"].iloc[0]
        for part in ("train", "validation", "test")
    }
    worn = worn_table(people=6, pictures=4)
    others = [f"Stranger {number}" for number in range(6)]
    others[:3] = [known[part].replace("-", " ").upper() for part in known]
    names = dict(zip(pd.unique(worn.rows["identity"]), others, strict=True))
    write_table(renamed(worn, names), tmp_path / "mfr2.parquet")
    (kept,) = Material.read(tmp_path).worn
    assert set(kept.rows["identity"]) == set(others[2:])
