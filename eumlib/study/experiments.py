"""The experiments behind the claims: what makes an EUM work on people, and how sure that is.

*People of nobody* are drawn from the statistics of LFW's training people. Then:

- *steps*: error against the number of steps, drawn people beside photographs;
- *draws*: error against how many people are drawn, at the same number of steps;
- *ablation*: from the paper's recipe to the workbook's, one departure at a time;
- *matrix*: trained on some kinds of masks and alignments, tested on others;
- *targets*: the chosen recipes on people by whom nothing was chosen;
- *differences*: SRT minus triplet loss on the same people, with intervals;
- *unseen*: styles of masks that were not trained on;
- *pairs*: LFW's own 6,000 pairs in the masks that the paper's authors painted, where they are.

*Targets*, *differences* and *unseen* are measured on test people of LFW, on ORL, and on MFR2 where
it is; *pairs* on everyone on LFW, trained on or not, as the paper's protocol has it, and by the
first training alone; all others on validation people of LFW, by whom all choices are made, that of
the best epoch among them. But for *pairs*, of a person no more than
`eumlib.faces.PICTURES_A_PERSON` pictures are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from eumlib._common.progress import progress_bar
from eumlib.embeddings import MASKED, PeopleOfNobody
from eumlib.faces import read_pairs
from eumlib.masks import LIFELIKE, style_of
from eumlib.study.cases import (
    FULL_SIZE,
    MATERIALS,
    TARGET_RECIPES,
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
    with_masks,
)
from eumlib.study.judging import Judge, MeanRates
from eumlib.study.material import Material
from eumlib.unmasking import (
    FAITHFUL,
    Fit,
    Unmasker,
    available_device,
    train_unmasker,
)
from eumlib.verification import evaluate

Item = TypeVar("Item")
Judges = dict[Condition, Judge]


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
        """One row per material, loss, number of steps and condition, on validation people."""
        training = {"nobody": self._nobody(), "lfw": self._training}
        cases = [
            (count, material, loss)
            for count in self._size.steps
            for material in MATERIALS
            for loss in ("triplet", "srt")
        ]
        judges = self._judges(self._validation, (PAPERS_WAY, LIFELIKE_MASKS))
        rows = _plain_rows(judges)
        for count, material, loss in _each(cases, "steps"):
            recipe = replace(TARGET_RECIPES["paper", loss], steps_an_epoch=count // FAITHFUL.epochs)
            case = Case(name_of(material, "paper", loss), recipe, training[material])
            judged = _judged(case.name, self._train(case), judges)
            rows += [row | {"steps": count} for row in judged]
        return pd.DataFrame(rows)

    def draws(self) -> pd.DataFrame:
        """One row per number of people drawn and condition, on validation people."""
        judges = self._judges(self._validation, (PAPERS_WAY, LIFELIKE_MASKS))
        rows = _plain_rows(judges)
        for count in _each(self._size.draws, "draws"):
            recipe = self._size.of(TARGET_RECIPES["paper", "srt"])
            case = Case(f"{count:,} people of nobody", recipe, Drawn(self._people, count)())
            rows += _judged(case.name, self._train(case), judges)
        return pd.DataFrame(rows)

    def ablation(self) -> pd.DataFrame:
        """One row per case and condition, on validation people."""
        judges = self._judges(self._validation, (PAPERS_WAY, LIFELIKE_MASKS, CAMERAS_WAY))
        rows = _plain_rows(judges)
        for case in _each(ablation_cases(self._nobody, self._training, self._size), "ablation"):
            rows += _judged(case.name, self._train(case), judges)
        return pd.DataFrame(rows)

    def matrix(self) -> pd.DataFrame:
        """One row per case and a cell of style and alignment, on validation people."""
        judges = self._judges(self._validation, CELLS)
        rows = _plain_rows(judges)
        for case in _each(matrix_cases(self._nobody, self._size), "matrix"):
            rows += _judged(case.name, self._train(case), judges)
        return pd.DataFrame(rows)

    def unseen(self) -> pd.DataFrame:
        """Each lifelike style as a camera sees it, after training on all others; on test people."""
        recipe, rows = self._size.of(TARGET_RECIPES["workbook", "srt"]), []
        everything = self._train(Case("trained on all styles", recipe, self._nobody()))
        for style in _each(LIFELIKE, "unseen styles"):
            condition = Condition(f"{style}, {MASKED} landmarks", (style,), MASKED)
            judges = self._judges(self._material.of_lfw("test"), [condition])
            others = Case("trained on all but it", recipe, self._nobody(without(style)))
            rows += _plain_rows(judges) + _judged(others.name, self._train(others), judges)
            rows += _judged("trained on all styles", everything, judges)
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
        systems = {"a linear map": ([Unmasker.linear_map_of(*self._training)], {})}
        systems |= {
            cases[file].name: ([fit.unmasker for fit in fits], _about(fits))
            for file, fits in trained.items()
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
                    name: _measured(unmaskers, judges)
                    for name, (unmaskers, _) in _each(systems.items(), "judging")
                }
                rows += _plain_rows(judges)
                for name, (_, about) in systems.items():
                    rows += _rows(name, measured[name], judges, **about)
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
        """LFW's own pairs in the masks of the paper's authors: its Table 3, our recogniser.

        Most of the people were trained on or chosen by: it is no test.
        """
        table, path = self._material.logged
        people = table.attempted_views.groupby("identity")["image_id"].unique().to_dict()
        unmaskers = {name: fit.unmasker for name, fit in trained.items()}
        return evaluate(table, unmaskers, self._resamples, 0, read_pairs(path, people))

    def _train(self, case: Case) -> list[Fit]:
        validation = self._validation_in_the_masks_of(case)
        return [
            train_unmasker(
                case.training, validation, replace(case.recipe, seed=seed), available_device()
            )
            for seed in self._seeds
        ]

    def _validation_in_the_masks_of(self, case: Case) -> Tables:
        """Validation people: a style that is kept from the training chooses no epoch either."""
        worn = pd.concat([table.of_view(MASKED).rows for table in case.training])
        styles = worn["mask_shape"].map(style_of).unique()
        return with_masks(self._validation, styles, worn["landmarks_from"].unique())

    def _judges(self, tables: Tables, conditions: Sequence[Condition]) -> Judges:
        return {
            condition: Judge(condition.of(tables), self._resamples, seed=0)
            for condition in conditions
        }


def _about(fits: Sequence[Fit]) -> dict[str, object]:
    """How many trainings there were, and after how many steps their weights were kept, a mean."""
    kept = [fit.best_epoch * fit.recipe.steps_an_epoch for fit in fits]
    return {"seeds": len(fits), "kept_steps": float(np.mean(kept))}


def _measured(unmaskers: Sequence[Unmasker], judges: Judges) -> dict[Condition, MeanRates]:
    return {condition: judge.measure(*unmaskers) for condition, judge in judges.items()}


def _judged(name: str, fits: Sequence[Fit], judges: Judges) -> list[dict[str, object]]:
    measured = _measured([fit.unmasker for fit in fits], judges)
    return _rows(name, measured, judges, **_about(fits))


def _plain_rows(judges: Judges) -> list[dict[str, object]]:
    measured = {condition: judge.plain for condition, judge in judges.items()}
    return _rows("no EUM", measured, judges)


def _rows(
    name: str, measured: dict[Condition, MeanRates], judges: Judges, **about: object
) -> list[dict[str, object]]:
    """One row per condition: what was trained, and its rates beside those without an EUM."""
    return [
        {"trained": name, "condition": condition.name, **about, **judge.counts}
        | {"unmasked_eer": judge.unmasked.eer}
        | measured[condition].row(judge.plain)
        for condition, judge in judges.items()
    ]


def _differences(
    measured: dict[str, dict[Condition, MeanRates]], judges: Judges
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
        for condition, judge in judges.items()
    ]


def _each(items: Collection[Item], what: str) -> Iterator[Item]:
    with progress_bar(len(items), what, "case") as progress:
        for item in items:
            yield item
            progress.update()
