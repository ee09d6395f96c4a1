import json
from types import SimpleNamespace

import numpy as np
import pytest
from builders import both_ways

from eumlib.embeddings import TableError, write_feature_maps, write_table
from eumlib.embeddings.acquisition import AcquiredView, View
from eumlib.masks import Mask
from eumlib.rivals import NETWORK_SYSTEMS, SYSTEMS, YARDSTICK, Gate, read_network, run_rivals
from eumlib.rivals.run import MLFW_TABLE, Kept
from eumlib.unmasking import Unmasker

DIM = 192


class Drawn:
    """Stands in for an extraction: the views of a table, their chips noise."""

    def __init__(self, table, styles, backbone):
        self.backbone = backbone
        shape = table.rows["mask_shape"].fillna("").str.partition(" ")[0]
        self._rows = table.rows[shape.isin(["", *styles])]

    def attempts(self):
        random = np.random.default_rng(0)
        for row in self._rows.itertuples(index=False):
            chip = random.integers(0, 256, (112, 112, 3), np.uint8)
            mask = None if row.view == "unmasked" else Mask(row.mask_shape, (1, 2, 3))
            yield row, [AcquiredView(View(row.view, mask), chip, "hog", row.landmarks_from)]

    def row_of(self, row, _acquired):
        return tuple(None if value != value else value for value in row)


@pytest.fixture
def folder(tmp_path, backbone):
    for seed, (name, people) in enumerate({"lfw": 40, "orl": 6}.items()):
        tables = both_ways(name, people=people, pictures=2, seed=seed, dim=DIM)
        styles = {"paper": ["a"], "camera": ["surgical", "respirator", "cloth"]}
        for way, table in zip(styles, tables, strict=True):
            write_table(table, tmp_path / f"{name}_{way}.parquet")
            drawn = Drawn(table, styles[way], backbone)
            write_feature_maps(drawn, tmp_path / f"{name}_{way}.arrow")
    write_shared(tmp_path / MLFW_TABLE)
    return tmp_path


def write_shared(path):
    (table, _) = both_ways("lfw", people=200, pictures=3, dim=DIM)
    shape = table.rows["mask_shape"]
    table = table.where((table.rows["view"] == "unmasked") | (shape == "a"))
    number = table.rows["image_id"].str.rpartition("/")[2].astype(int)
    colours = np.array(["#ff0000", "#00ff00", "#0000ff"])[number % 3]
    masked = table.rows["view"] == "masked"
    rows = table.rows.assign(mask_colour=table.rows["mask_colour"].mask(masked, colours))
    write_table(type(table)(rows, table.vectors, table.failures), path)


def test_a_run_goes_on_behind_the_system_where_it_stopped(folder, small, monkeypatch):
    for name in ("ffr_net", "meer"):  # slow, and tried elsewhere
        monkeypatch.delitem(NETWORK_SYSTEMS, name)
    results, work = folder / "rivals.json", folder / "work"
    sizes = SimpleNamespace(trainings=1, resamples=5, size=small, network_steps=3)
    run_rivals(folder, results, work, **vars(sizes))
    first = json.loads(results.read_text())
    titles = {row["system"] for row in first["systems"]}
    every = [*SYSTEMS.values(), *NETWORK_SYSTEMS.values()]
    assert titles == {"no EUM", *(system.title for system in every)}
    assert len(first["systems"]) == 4 * (1 + len(every))
    for row in first["systems"]:
        assert 0 <= row["eer_low"] <= row["eer_high"] <= 1
        if row["system"] == SYSTEMS[YARDSTICK].title:
            assert row["eer_minus_srt"] == row["eer_minus_srt_low"] == 0
        assert row["eer_minus_srt_low"] <= row["eer_minus_srt_high"]
        assert ("commit" in row) == (row["system"] != "no EUM")
    assert len(first["networks"]) == 4 * 2 * len(NETWORK_SYSTEMS)
    for row in first["networks"]:
        assert row["eer_minus_low"] <= row["eer_minus_high"]
    assert {len(rows) for rows in first["views"].values()} == {0, 4}
    assert {row["style"] for row in first["gate"]["errors"]} == {
        "flat", "surgical", "respirator", "cloth",
    }  # fmt: skip
    assert len(first["gate"]["streams"]) == 4
    assert {row["pairs"] for row in first["mlfw"]} == {"misleading", "random"}
    Gate.load(work / "gate.safetensors")
    assert read_network(work / "from.safetensors").backbone().dim == DIM

    made = {path.name: path.stat().st_mtime_ns for path in work.glob("*.json")}
    (work / "hsst.json").unlink()
    (work / "from.json").unlink()
    run_rivals(folder, results, work, **vars(sizes))
    for path in work.glob("*.json"):
        kept = path.name not in ("hsst.json", "from.json")
        assert (path.stat().st_mtime_ns == made[path.name]) == kept
    again = json.loads(results.read_text())
    for one, other in zip(first["systems"], again["systems"], strict=True):
        assert one["eer"] == other["eer"]
    assert Unmasker.load(work / "hsst.safetensors").backbone == "drawn_recogniser"


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TableError, match=r"lfw_paper\.parquet"):
        run_rivals(tmp_path, tmp_path / "r.json", tmp_path, 1, 5)


def test_a_result_is_made_again_only_under_another_key(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return {"rates": [0.5, float("nan")]}

    first = Kept(tmp_path, "key", {"commit": "a"}).result("one", make)
    assert first == {"commit": "a", "rates": [0.5, None]}
    assert Kept(tmp_path, "key", {"commit": "b"}).result("one", make) == first
    assert len(calls) == 1
    again = Kept(tmp_path, "other key", {"commit": "b"}).result("one", make)
    assert again["commit"] == "b"
    assert len(calls) == 2
