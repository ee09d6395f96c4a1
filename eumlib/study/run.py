"""The study behind the claim: what makes an EUM work on people, and how sure that is.

Four tables come of it, all from tables of embeddings, by ``python -m eumlib study``:

- *ablation*: from the paper's recipe to the workbook's, one departure at a time;
- *matrix*: trained on some kinds of masks and alignments, tested on others;
- *targets*: the chosen recipe on people by whom nothing was chosen;
- *unseen*: the chosen recipe on styles of masks that it was not trained on.

Ablation and matrix are measured on validation people of LFW, by whom all choices are made; targets
and unseen on test people of LFW, and targets on ORL besides. Of a person no more than
`eumlib.faces.PICTURES_A_PERSON` pictures are tested on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from eumlib._common.files import sha256_of, write_text
from eumlib._common.progress import progress_bar
from eumlib._common.provenance import source_state
from eumlib.embeddings import MASKED, mated_vectors, read_table
from eumlib.faces import LFW_SHARES, split_by_identity
from eumlib.masks.mask import LIFELIKE
from eumlib.study.cases import (
    BEST,
    SHIPPED,
    SYNTHETIC_ONLY,
    Case,
    Tables,
    ablation_cases,
    matrix_cases,
    target_cases,
    without,
)
from eumlib.study.conditions import (
    CAMERAS_WAY,
    CELLS,
    PAPERS_WAY,
    Condition,
    few_pictures,
    with_masks,
)
from eumlib.study.judging import Judge, MeanRates
from eumlib.unmasking import (
    WORKBOOK,
    DoingNothing,
    Fit,
    LinearUnmaskingModel,
    Unmasker,
    available_device,
    linear_around_the_mean,
    train_unmasker,
)

SYNTHETIC_MOVED = f"{SYNTHETIC_ONLY}, moved to the mean of people"
Item = TypeVar("Item")


@dataclass(frozen=True)
class Material:
    """The tables that the study takes, each in both alignments where it has them."""

    lfw: Tables
    orl: Tables
    synthetic: Tables

    @classmethod
    def read(cls, folder: Path) -> Material:
        """Read ``lfw_paper.parquet`` and its like, six tables that ``make study`` embeds.

        Raises:
            TableError: one is not there.
        """
        lfw, orl, synthetic = (
            tuple(read_table(folder / f"{name}_{way}.parquet") for way in ("paper", "camera"))
            for name in ("lfw", "orl", "synthetic")
        )
        return cls(lfw, orl, synthetic)

    def of_lfw(self, part: str) -> Tables:
        """LFW's tables, the people of one part of `LFW_SHARES`."""
        return tuple(
            table.where(split_by_identity(table.rows["identity"], LFW_SHARES) == part)
            for table in self.lfw
        )


class Study:
    """Trains the cases and judges them.

    Args:
        material: the tables.
        seeds: how many trainings of each case, that differ in weights and triplets.
        resamples: of people, behind each interval.
        device: to train on.
    """

    def __init__(self, material: Material, seeds: int, resamples: int, device: str = "cpu") -> None:
        self._material, self._resamples, self._device = material, resamples, device
        self._seeds = range(seeds)
        self._training, self._validation = material.of_lfw("train"), material.of_lfw("validation")

    def ablation(self) -> pd.DataFrame:
        """A row a case and condition, on validation people."""
        cases = ablation_cases(self._training, self._material.synthetic)
        conditions = (PAPERS_WAY, CAMERAS_WAY)
        rows = []
        judges = self._judges(self._validation, conditions)
        for name, baseline in _baselines(self._training).items():
            rows += _judged(name, [baseline], judges)
        for case in _each(cases, "ablation"):
            rows += _judged(case.name, self._trained(case), judges)
        return pd.DataFrame(rows)

    def matrix(self) -> pd.DataFrame:
        """A row a case and a cell of style and alignment, on validation people."""
        judges = self._judges(self._validation, CELLS)
        rows = _judged("no EUM", [_nothing(self._training)], judges)
        for case in _each(matrix_cases(self._training), "matrix"):
            rows += _judged(case.name, self._trained(case), judges)
        return pd.DataFrame(rows)

    def targets(self) -> tuple[pd.DataFrame, dict[str, Fit]]:
        """A row a system, set and condition, on test people of LFW and on ORL; what to ship."""
        cases = target_cases(self._training, self._validation, self._material.synthetic)
        trained = {
            case.name: self._train(case, validation)
            for case, validation in _each(cases, "training for the targets")
        }
        both = self._training + self._material.synthetic
        systems = {name: [baseline] for name, baseline in _baselines(both).items()}
        systems |= {name: [fit.unmasker for fit in fits] for name, fits in trained.items()}
        systems[SYNTHETIC_MOVED] = _moved(systems[SYNTHETIC_ONLY], self._training)
        rows = []
        for tables in (self._material.of_lfw("test"), self._material.orl):
            judges = self._judges(tables, (PAPERS_WAY, CAMERAS_WAY))
            for name, unmaskers in _each(systems.items(), "judging"):
                rows += _judged(name, unmaskers, judges)
        return pd.DataFrame(rows), {file: trained[name][0] for file, name in SHIPPED.items()}

    def unseen(self) -> pd.DataFrame:
        """Each lifelike style as a camera sees it, after training on all others; on test people."""
        rows = []
        for style in _each(LIFELIKE, "unseen styles"):
            condition = Condition(f"{style}, never trained on", (style,), MASKED)
            judges = self._judges(self._material.of_lfw("test"), [condition])
            seen = with_masks(self._training, without(style))
            rows += _judged("no EUM", [_nothing(seen)], judges)
            rows += _judged(BEST, self._trained(Case(BEST, WORKBOOK, seen)), judges)
        return pd.DataFrame(rows)

    def _train(self, case: Case, validation: Tables) -> list[Fit]:
        return [
            train_unmasker(case.training, validation, replace(case.recipe, seed=seed), self._device)
            for seed in self._seeds
        ]

    def _trained(self, case: Case) -> list[Unmasker]:
        return [trained.unmasker for trained in self._train(case, self._validation)]

    def _judges(
        self, tables: Tables, conditions: Sequence[Condition]
    ) -> dict[Condition, tuple[Judge, MeanRates]]:
        """For each condition its judge, and what the recogniser scores without an EUM."""
        judges = {}
        for condition in conditions:
            (table,) = with_masks(few_pictures(tables), condition.styles, [condition.alignment])
            judge = Judge(table, self._resamples, seed=0)
            judges[condition] = judge, judge.measure(_nothing(tables))
        return judges


def _judged(
    name: str, unmaskers: Sequence[Unmasker], judges: dict[Condition, tuple[Judge, MeanRates]]
) -> list[dict[str, object]]:
    """A row a condition: what was trained, and its rates beside those without an EUM."""
    return [
        {"trained": name, "seeds": len(unmaskers), "condition": condition.name, **judge.counts}
        | {"unmasked_eer": judge.unmasked.eer}
        | judge.measure(*unmaskers).row(plain)
        for condition, (judge, plain) in judges.items()
    ]


def _moved(unmaskers: Sequence[Unmasker], people: Tables) -> list[Unmasker]:
    unmasked = np.concatenate([table.of_view("unmasked").vectors for table in people])
    return [unmasker.around(unmasked, WORKBOOK.reach) for unmasker in unmaskers]


def _nothing(tables: Tables) -> Unmasker:
    table = tables[0]
    return Unmasker(DoingNothing(table.dim), table.rows["backbone"].iloc[0])


def _baselines(training: Tables) -> dict[str, Unmasker]:
    """What an EUM has to beat."""
    nothing = _nothing(training)
    masked, unmasked = map(torch.from_numpy, mated_vectors(*training)[:2])
    return {
        "no EUM": nothing,
        "a linear map": replace(nothing, model=LinearUnmaskingModel.fitted(masked, unmasked)),
        "a linear map around the mean": replace(
            nothing, model=linear_around_the_mean(masked, unmasked, WORKBOOK.reach)
        ),
    }


def _each(items: Collection[Item], what: str) -> Iterator[Item]:
    with progress_bar(len(items), what, "case") as progress:
        for item in items:
            yield item
            progress.update()


PARTS = (Study.targets, Study.ablation, Study.unseen, Study.matrix)  # the longest first


def run_study(
    folder: Path, results: Path, models: Path, seeds: int, ablation_seeds: int, resamples: int
) -> None:
    """Make all tables of the study from the tables of embeddings in a folder, and the models.

    The parts run side by side, one on each core.

    Args:
        folder: as `Material.read` takes it.
        results: JSON to write: the rows of each table, and what made them.
        models: folder for the models that are shipped, each with a card.
        seeds: trainings of each case on which targets are judged.
        ablation_seeds: trainings of each case of the ablation and the matrix.
        resamples: as in `Study`.

    Raises:
        TableError: a table is not there.
    """
    Material.read(folder)  # what is missing is said before the work begins
    state = source_state()
    counts = {Study.targets: seeds, Study.unseen: seeds}
    jobs = [(part, folder, counts.get(part, ablation_seeds), resamples) for part in PARTS]
    workers = min(len(PARTS), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        done = pool.map(_run_part, *zip(*jobs, strict=True))
        tables = {part.__name__: made for part, made in zip(PARTS, done, strict=True)}
    tables["targets"], shipped = tables["targets"]
    rows = {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}
    made = {"seeds": seeds, "ablation_seeds": ablation_seeds, "resamples": resamples, **state}
    write_text(results, json.dumps(made | rows, indent=1, ensure_ascii=False) + "\n")
    for name, trained in shipped.items():
        trained.unmasker.save(models / f"{name}.safetensors")
        card = _card(models / f"{name}.safetensors", SHIPPED[name], trained) | state
        write_text(models / f"{name}.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")


def _run_part(part: Callable[[Study], object], folder: Path, seeds: int, resamples: int) -> object:
    torch.set_num_threads(1)
    return part(Study(Material.read(folder), seeds, resamples, available_device()))


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
