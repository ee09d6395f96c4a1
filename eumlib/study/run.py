"""Run the study: all experiments, side by side, from a folder of tables to results and models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from eumlib._common.files import sha256_of, write_text
from eumlib._common.provenance import source_state
from eumlib.embeddings import PeopleOfNobody
from eumlib.study.cases import FULL_SIZE, Size
from eumlib.study.experiments import Study
from eumlib.study.material import Material
from eumlib.unmasking import FAITHFUL, Fit

PARTS = (Study.targets, Study.ablation, Study.matrix, Study.unseen, Study.steps, Study.draws)


def run_study(
    folder: Path,
    results: Path,
    models: Path,
    people: Path,
    seeds: int,
    ablation_seeds: int,
    resamples: int,
    size: Size = FULL_SIZE,
) -> None:
    """Make all tables of the study from the tables of embeddings in a folder, and the models.

    The parts run side by side, one on each core.

    Args:
        folder: as `Material.read` takes it.
        results: JSON to write: the rows of each table, and what made them.
        models: folder for the models that are shipped, each with a card.
        people: file to write, the people of nobody.
        seeds: trainings of each case on which targets are judged.
        ablation_seeds: trainings of each other case.
        resamples, size: as in `Study`.

    Raises:
        TableError: a table is not there.
    """
    state = source_state()
    PeopleOfNobody.of_tables(*Material.read(folder).of_lfw("train")).save(people)
    counts = {Study.targets: seeds, Study.unseen: seeds}
    jobs = [
        (part, folder, people, counts.get(part, ablation_seeds), resamples, size) for part in PARTS
    ]
    workers = min(len(PARTS), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        done = pool.map(_run_part, *zip(*jobs, strict=True))
        tables = {part.__name__: made for part, made in zip(PARTS, done, strict=True)}
    judged, shipped = tables.pop("targets")
    rows = {
        name: json.loads(table.to_json(orient="records"))
        for name, table in (judged | tables).items()
    }
    made = {
        "seeds": seeds,
        "ablation_seeds": ablation_seeds,
        "steps_of_a_case": FAITHFUL.epochs * size.steps_an_epoch,
        "people_drawn": size.people,
        "resamples": resamples,
        **state,
    }
    write_text(results, json.dumps(made | rows, indent=1, ensure_ascii=False) + "\n")
    for file, (name, trained) in shipped.items():
        path = models / f"{file}.safetensors"
        trained.unmasker.save(path)
        card = _card(path, name, trained) | state
        write_text(models / f"{file}.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def _run_part(
    part: Callable[[Study], object],
    folder: Path,
    people: Path,
    seeds: int,
    resamples: int,
    size: Size,
) -> object:
    torch.set_num_threads(1)
    nobody = PeopleOfNobody.load(people)
    return part(Study(Material.read(folder), nobody, seeds, resamples, size))


def _card(path: Path, name: str, trained: Fit) -> dict[str, object]:
    return {
        "file": path.name,
        "sha256": sha256_of(path),
        "what": name,
        "recogniser": trained.unmasker.backbone,
        "recipe": trained.recipe.describe(),
        "best_epoch": trained.best_epoch,
        "validation_figure": float(trained.history["validation"].max()),
        "made_by": "python -m eumlib study",
    }
