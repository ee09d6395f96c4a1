"""What the README, RESULTS.md and the data card say is what the files hold."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import drawn_table

from eumlib._common.files import DATA_FOLDER, sha256_of
from eumlib._reports.notebooks import discover
from eumlib._reports.readme import (
    badges_markdown,
    front_markdown,
    notebooks_markdown,
    results_markdown,
    rivals_markdown,
    study_markdown,
    with_section,
)
from eumlib.embeddings import synthetic_training_table
from eumlib.embeddings.table_files import SYNTHETIC_TABLE
from eumlib.study import target_cases
from eumlib.unmasking import Unmasker

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
MODELS = DATA_FOLDER / "models"
NAMES_OF_MODELS = list(target_cases((), ()))
CARD = (DATA_FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_results_are_those_of_the_committed_run():
    manifest = json.loads((DATA_FOLDER / "results.json").read_text(encoding="utf-8"))
    assert not manifest["uncommitted_changes"]
    assert with_section(RESULTS, "results", results_markdown(manifest)) == RESULTS


def test_the_tables_of_the_study_are_those_of_the_committed_run():
    study = json.loads((DATA_FOLDER / "study.json").read_text(encoding="utf-8"))
    assert not study["uncommitted_changes"]
    assert study["seeds"] >= 5
    assert with_section(RESULTS, "study", study_markdown(study)) == RESULTS


def test_the_tables_of_the_rivals_are_those_of_the_committed_run():
    compared = json.loads((DATA_FOLDER / "rivals.json").read_text(encoding="utf-8"))
    assert not compared["uncommitted_changes"]
    assert not any(row.get("uncommitted_changes") for row in compared["systems"])
    assert compared["trainings"] >= 3
    assert with_section(RESULTS, "rivals", rivals_markdown(compared)) == RESULTS
    assert with_section(README, "front", front_markdown(compared)) == README


def test_the_models_are_the_targets_of_the_study():
    assert {path.stem for path in MODELS.glob("*.safetensors")} == set(NAMES_OF_MODELS)
    assert {path.stem for path in MODELS.glob("*.json")} == set(NAMES_OF_MODELS)


@pytest.mark.parametrize("name", NAMES_OF_MODELS)
def test_the_models_are_those_of_their_cards(name):
    card = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))
    path = MODELS / card["file"]
    assert card["sha256"] == sha256_of(path)
    assert not card["uncommitted_changes"]
    assert path.stat().st_size < 1e6
    unmasker = Unmasker.load(path)
    assert (unmasker.backbone, unmasker.model.dim) == ("mobilefacenet", 192)
    assert path.name in CARD


def test_the_list_of_notebooks_is_what_the_notebooks_say():
    assert with_section(README, "notebooks", notebooks_markdown(discover())) == README


def test_the_badges_are_those_of_the_repository_that_the_project_names():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert with_section(README, "badges", badges_markdown(table)) == README


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", README + RESULTS, re.MULTILINE))
    named = {name for pair in named for name in pair if name}
    assert {"report", "lab", "site", "study"} <= named <= targets


def test_links_to_files_lead_somewhere():
    benchmarks = ROOT / "benchmarks"
    measured = (benchmarks / "README.md").read_text(encoding="utf-8")
    texts = [(README, ROOT), (RESULTS, ROOT), (CARD, DATA_FOLDER), (measured, benchmarks)]
    texts += [
        (page.read_text(encoding="utf-8"), page.parent) for page in ROOT.glob("docs/how_to/*")
    ]
    for text, folder in texts:
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        links += re.findall(r'(?:href|src)="(?!https?:|#)([^"#]+)', text)
        for link in links:
            of_github = link.startswith(("../../actions/", "../../deployments/"))
            assert of_github or (folder / link).exists(), link


def test_the_readme_is_two_screens_long():
    text = re.sub(r"<!--.*?-->|<[^>]+>", "", README)
    assert len(text.split()) < 900
    assert len(README.splitlines()) < 110


def test_the_data_card_names_every_file_with_its_sha_256():
    listed = dict(re.findall(r"\| `([\w.]+)` \| `([0-9a-f]{64})` \|", CARD))
    made = {"README.md", "results.json", "rivals.json", "study.json"}
    files = {p.name for p in DATA_FOLDER.iterdir() if p.is_file()} - made
    assert listed == {name: sha256_of(DATA_FOLDER / name) for name in files}


def test_the_data_card_counts_what_the_table_holds():
    table = synthetic_training_table()
    assert SYNTHETIC_TABLE.stat().st_size < 5e6
    counts = [int(n.replace(",", "")) for n in re.findall(r"\*\*([\d,]+)\*\*", CARD)]
    faces = table.rows["image_id"].nunique()
    tried = 1 + table.rows["image_id"].str.rpartition("-")[2].astype(int).max()
    assert counts == [tried, faces, tried - faces, len(table)]
    assert faces == 6_000


def test_the_papers_table_keeps_the_papers_own_arithmetic():
    paper = pd.read_csv(DATA_FOLDER / "paper_table3.csv", keep_default_na=False)
    assert list(zip(paper["setting"], paper["unmasking"], strict=True)) == [
        ("UMR-UMP", ""), *(("UMR-MP", n) for n in ("", "triplet", "srt")),
        *(("MR-MP", n) for n in ("", "triplet", "srt")),
    ]  # fmt: skip
    # 3,000 pairs of each kind: every rate is a whole number of pairs
    for column in ("fmr100", "fmr1000", "fmr_at_100", "fnmr_at_100", "fmr_at_1000", "fnmr_at_1000"):
        pairs = paper[column] * 30
        np.testing.assert_allclose(pairs, pairs.round(), atol=0.002)
    assert paper["fnmr_at_100"].iloc[0] == pytest.approx(paper["fmr100"].iloc[0])


def test_its_ten_lines_lead_from_arrays_to_the_rates_of_an_unmasker(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line and "import" not in line]) <= 12
    table = drawn_table(people=60, pictures=4, noise=1.5, mask=1.0)
    masked, unmasked = table.mated_views()
    arrays = {"unmasked": 2 * table.vectors[unmasked], "masked": table.vectors[masked]}
    monkeypatch.chdir(tmp_path)
    np.savez("embeddings.npz", identity=table.rows["identity"][unmasked].to_numpy(str), **arrays)
    exec(code, {})
    printed = capsys.readouterr().out
    assert "UMR-MP" in printed
    assert "SRT" in printed
