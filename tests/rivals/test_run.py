import json

import pytest
from builders import both_ways

from eumlib.embeddings import TableError, write_table
from eumlib.rivals import SYSTEMS, YARDSTICK, Gate, run_rivals
from eumlib.unmasking import Unmasker


@pytest.fixture
def folder(tmp_path):
    for seed, (name, people) in enumerate({"lfw": 60, "orl": 8}.items()):
        for way, table in zip(
            ("paper", "camera"), both_ways(name, people=people, pictures=2, seed=seed), strict=True
        ):
            write_table(table, tmp_path / f"{name}_{way}.parquet")
    return tmp_path


def test_a_run_goes_on_behind_the_system_where_it_stopped(folder, small, monkeypatch):
    results, work = folder / "rivals.json", folder / "work"
    run_rivals(folder, results, work, 1, 5, small)
    first = json.loads(results.read_text())
    titles = {row["system"] for row in first["systems"]}
    assert titles == {"no EUM", *(system.title for system in SYSTEMS.values())}
    assert len(first["systems"]) == 4 * (1 + len(SYSTEMS))
    for row in first["systems"]:
        assert 0 <= row["eer_low"] <= row["eer_high"] <= 1
        if row["system"] == SYSTEMS[YARDSTICK].title:
            assert row["eer_minus_srt"] == row["eer_minus_srt_low"] == 0
        assert row["eer_minus_srt_low"] <= row["eer_minus_srt_high"]
        assert ("commit" in row) == (row["system"] != "no EUM")
    assert {row["style"] for row in first["gate"]["errors"]} == {
        "flat", "surgical", "respirator", "cloth",
    }  # fmt: skip
    assert len(first["gate"]["streams"]) == 4
    Gate.load(work / "gate.safetensors")

    made = (work / "my_eyes.json").stat().st_mtime_ns
    (work / "hsst.json").unlink()
    run_rivals(folder, results, work, 1, 5, small)
    assert (work / "my_eyes.json").stat().st_mtime_ns == made
    again = json.loads(results.read_text())
    for one, other in zip(first["systems"], again["systems"], strict=True):
        assert one["eer"] == other["eer"]
    run_rivals(folder, results, work, 1, 6, small)
    assert (work / "my_eyes.json").stat().st_mtime_ns > made
    assert Unmasker.load(work / "hsst.safetensors").backbone == "drawn_recogniser"


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TableError, match=r"lfw_paper\.parquet"):
        run_rivals(tmp_path, tmp_path / "r.json", tmp_path, 1, 5)
