"""The study behind the claims: what makes an EUM work on people, and how sure that is.

All of it comes from tables of embeddings, by ``python -m eumlib study``. First the statistics of
LFW's training people are taken, from which *people of nobody* are drawn. Then:

- *steps*: error against the number of steps, drawn people beside photographs;
- *draws*: error against how many people are drawn, at the same number of steps;
- *ablation*: from the paper's recipe to the workbook's, one departure at a time;
- *matrix*: trained on some kinds of masks and alignments, tested on others;
- *targets*: the chosen recipes on people by whom nothing was chosen;
- *differences*: SRT minus triplet loss on the same people, with intervals;
- *unseen*: styles of masks that were not trained on;
- *pairs*: LFW's own 6,000 pairs in the masks that the paper's authors painted, where they are.

All but the last four are measured on validation people of LFW, by whom all choices are made; the
others on test people of LFW, on ORL, and on MFR2 where it is. Of a person no more than
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

import pandas as pd
import torch

from eumlib._common.files import sha256_of, write_text
from eumlib._common.progress import progress_bar
from eumlib._common.provenance import source_state
from eumlib.embeddings import MASKED, EmbeddingTable, PeopleOfNobody, mated_vectors, read_table
from eumlib.faces import LFW_SHARES, read_pairs, split_by_identity
from eumlib.masks import LIFELIKE, STYLES
from eumlib.study.cases import (
    FULL_SIZE,
    MATERIALS,
    RECIPES,
    Case,
    Drawn,
    Size,
    Tables,
    ablation_cases,
    matrix_cases,
    name_of,
    target_cases,
    without,
)
from eumlib.study.conditions import (
    AS_WORN,
    CAMERAS_WAY,
    CELLS,
    LIFELIKE_MASKS,
    PAPERS_WAY,
    Condition,
    few_pictures,
)
from eumlib.study.judging import Judge, MeanRates
from eumlib.unmasking import (
    DoingNothing,
    Fit,
    LinearUnmaskingModel,
    Unmasker,
    available_device,
    train_unmasker,
)
from eumlib.verification import evaluate

Item = TypeVar("Item")


@dataclass(frozen=True)
class Material:
    """The tables that the study takes, in both alignments.

    Attributes:
        lfw, orl: of photographs.
        worn: of MFR2, one table of masks that people wore; none where it is not there.
        logged: LFW in the masks of the paper's authors, and LFW's pairs file; None without them.
    """

    lfw: Tables
    orl: Tables
    worn: Tables
    logged: tuple[EmbeddingTable, Path] | None

    @classmethod
    def read(cls, folder: Path) -> Material:
        """Read ``lfw_paper.parquet`` and its like, the tables that ``make study`` embeds.

        ``mfr2.parquet`` may be missing, and ``lfw_log.parquet`` with ``lfw_pairs.txt``.

        Raises:
            TableError: another table is not there.
        """
        lfw, orl = (
            tuple(read_table(folder / f"{name}_{way}.parquet") for way in ("paper", "camera"))
            for name in ("lfw", "orl")
        )
        worn = (read_table(folder / "mfr2.parquet"),) if (folder / "mfr2.parquet").exists() else ()
        log, pairs = folder / "lfw_log.parquet", folder / "lfw_pairs.txt"
        logged = (read_table(log), pairs) if log.exists() and pairs.exists() else None
        return cls(few_pictures(lfw), few_pictures(orl), few_pictures(worn), logged)

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
        people: of nobody, to train on.
        seeds: how many trainings of each case, that differ in weights and triplets.
        resamples: of people, behind each interval.
        size: of each training.
    """

    def __init__(
        self,
        material: Material,
        people: PeopleOfNobody,
        seeds: int,
        resamples: int,
        size: Size = FULL_SIZE,
    ) -> None:
        self._material, self._people, self._size = material, people, size
        self._seeds, self._resamples = range(seeds), resamples
        self._nobody = Drawn(people, size.people)
        self._training, self._validation = material.of_lfw("train"), material.of_lfw("validation")

    def steps(self) -> pd.DataFrame:
        """A row a material, loss, number of steps and condition, on validation people."""
        training = {"nobody": self._nobody(), "lfw": self._training}
        cases = [
            (10 * count, material, loss)
            for count in self._size.steps
            for material in MATERIALS
            for loss in ("triplet", "srt")
        ]
        judges = self._judges(self._validation, (PAPERS_WAY, LIFELIKE_MASKS))
        rows = self._plain(judges)
        for count, material, loss in _each(cases, "steps"):
            recipe = replace(RECIPES["paper", loss], steps_an_epoch=count // 10)
            case = Case(name_of(material, "paper", loss), recipe, training[material])
            judged = _judged(case.name, self._trained(case), judges)
            rows += [row | {"steps": count} for row in judged]
        return pd.DataFrame(rows)

    def draws(self) -> pd.DataFrame:
        """A row a number of people drawn and condition, on validation people."""
        judges = self._judges(self._validation, (PAPERS_WAY, LIFELIKE_MASKS))
        rows = self._plain(judges)
        for count in _each(self._size.draws, "draws"):
            recipe = self._size.of(RECIPES["paper", "srt"])
            case = Case(f"{count:,} people of nobody", recipe, Drawn(self._people, count)())
            rows += _judged(case.name, self._trained(case), judges)
        return pd.DataFrame(rows)

    def ablation(self) -> pd.DataFrame:
        """A row a case and condition, on validation people."""
        judges = self._judges(self._validation, (PAPERS_WAY, LIFELIKE_MASKS, CAMERAS_WAY))
        rows = self._plain(judges)
        for case in _each(ablation_cases(self._nobody, self._training, self._size), "ablation"):
            rows += _judged(case.name, self._trained(case), judges)
        return pd.DataFrame(rows)

    def matrix(self) -> pd.DataFrame:
        """A row a case and a cell of style and alignment, on validation people."""
        judges = self._judges(self._validation, CELLS)
        rows = self._plain(judges)
        for case in _each(matrix_cases(self._nobody, self._size), "matrix"):
            rows += _judged(case.name, self._trained(case), judges)
        return pd.DataFrame(rows)

    def unseen(self) -> pd.DataFrame:
        """Each lifelike style as a camera sees it, after training on all others; on test people."""
        rows = []
        for style in _each(LIFELIKE, "unseen styles"):
            condition = Condition(f"{style}, never trained on", (style,), MASKED)
            judges = self._judges(self._material.of_lfw("test"), [condition])
            rows += self._plain(judges)
            for name, seen in (("all but it", without(style)), ("all styles", STYLES)):
                recipe = self._size.of(RECIPES["workbook", "srt"])
                case = Case(f"trained on {name}", recipe, self._nobody(seen))
                rows += _judged(case.name, self._trained(case), judges)
        return pd.DataFrame(rows)

    def targets(self) -> tuple[dict[str, pd.DataFrame], dict[str, tuple[str, Fit]]]:
        """The tables *targets*, *differences* and *pairs*, and what is shipped.

        Returns:
            The tables by name; and by the file of its weights each case's name and first training.
        """
        cases = target_cases(self._nobody(), self._training, self._size)
        trained = {
            file: self._train(case)
            for file, case in _each(cases.items(), "training for the targets")
        }
        systems = {"no EUM": [self._nothing()], "a linear map": [self._linear_map()]}
        systems |= {
            cases[file].name: [fit.unmasker for fit in fits] for file, fits in trained.items()
        }
        rows, differences = [], []
        for tables, conditions in (
            (self._material.of_lfw("test"), (PAPERS_WAY, LIFELIKE_MASKS, CAMERAS_WAY)),
            (self._material.orl, (PAPERS_WAY, LIFELIKE_MASKS, CAMERAS_WAY)),
            (self._material.worn, (AS_WORN,)),
        ):
            if tables:
                judges = self._judges(tables, conditions)
                measured = {
                    name: {c: judge.measure(*unmaskers) for c, (judge, _) in judges.items()}
                    for name, unmaskers in _each(systems.items(), "judging")
                }
                for name in systems:
                    rows += _rows(name, systems, measured, judges)
                differences += _differences(measured, judges)
        made = {"targets": pd.DataFrame(rows), "differences": pd.DataFrame(differences)}
        if self._material.logged:
            made["pairs"] = self._on_pairs(
                {
                    kind: trained["_".join(("nobody", "paper", kind))][0]
                    for kind in ("triplet", "srt")
                }
            )
        return made, {file: (cases[file].name, fits[0]) for file, fits in trained.items()}

    def _on_pairs(self, trained: dict[str, Fit]) -> pd.DataFrame:
        """LFW's own pairs in the masks of the paper's authors: its Table 3, our recogniser."""
        table, path = self._material.logged
        people = table.attempted_views.groupby("identity")["image_id"].unique().to_dict()
        unmaskers = {name: fit.unmasker for name, fit in trained.items()}
        return evaluate(table, unmaskers, self._resamples, 0, read_pairs(path, people))

    def _train(self, case: Case) -> list[Fit]:
        return [
            train_unmasker(
                case.training,
                self._validation,
                replace(case.recipe, seed=seed),
                available_device(),
            )
            for seed in self._seeds
        ]

    def _trained(self, case: Case) -> list[Unmasker]:
        return [trained.unmasker for trained in self._train(case)]

    def _nothing(self) -> Unmasker:
        return Unmasker(DoingNothing(self._people.dim), self._people.backbone)

    def _linear_map(self) -> Unmasker:
        masked, unmasked = map(torch.from_numpy, mated_vectors(*self._training)[:2])
        return replace(self._nothing(), model=LinearUnmaskingModel.fitted(masked, unmasked))

    def _plain(self, judges: dict[Condition, tuple[Judge, MeanRates]]) -> list[dict[str, object]]:
        return _judged("no EUM", [self._nothing()], judges)

    def _judges(
        self, tables: Tables, conditions: Sequence[Condition]
    ) -> dict[Condition, tuple[Judge, MeanRates]]:
        """For each condition its judge, and what the recogniser scores without an EUM."""
        judges = {}
        for condition in conditions:
            judge = Judge(condition.of(tables), self._resamples, seed=0)
            judges[condition] = judge, judge.measure(self._nothing())
        return judges


def _judged(
    name: str, unmaskers: Sequence[Unmasker], judges: dict[Condition, tuple[Judge, MeanRates]]
) -> list[dict[str, object]]:
    """A row a condition: what was trained, and its rates beside those without an EUM."""
    measured = {condition: judge.measure(*unmaskers) for condition, (judge, _) in judges.items()}
    return _rows(name, {name: unmaskers}, {name: measured}, judges)


def _rows(
    name: str,
    systems: dict[str, Sequence[Unmasker]],
    measured: dict[str, dict[Condition, MeanRates]],
    judges: dict[Condition, tuple[Judge, MeanRates]],
) -> list[dict[str, object]]:
    return [
        {"trained": name, "seeds": len(systems[name]), "condition": condition.name, **judge.counts}
        | {"unmasked_eer": judge.unmasked.eer}
        | measured[name][condition].row(plain)
        for condition, (judge, plain) in judges.items()
    ]


def _differences(
    measured: dict[str, dict[Condition, MeanRates]],
    judges: dict[Condition, tuple[Judge, MeanRates]],
) -> list[dict[str, object]]:
    """SRT minus triplet loss, for each recipe, material and condition, resample by resample."""
    return [
        {"recipe": recipe, "material": MATERIALS[material], "condition": condition.name}
        | judge.counts
        | measured[name_of(material, recipe, "srt")][condition].minus(
            measured[name_of(material, recipe, "triplet")][condition]
        )
        for material in MATERIALS
        for recipe in ("paper", "workbook")
        for condition, (judge, _) in judges.items()
    ]


def _each(items: Collection[Item], what: str) -> Iterator[Item]:
    with progress_bar(len(items), what, "case") as progress:
        for item in items:
            yield item
            progress.update()


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
        "steps_of_a_case": 10 * size.steps_an_epoch,
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
