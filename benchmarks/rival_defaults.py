"""Are the rivals' defaults the right ones? Each beside others, on validation people alone.

``python benchmarks/rival_defaults.py build/study --out rival_defaults.md``, where ``make study``
has left its tables; without them there is nothing to choose by.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from publishing import markdown_table, publish

from eumlib._common.looks import with_interval
from eumlib._common.progress import progress_bar
from eumlib._common.provenance import source_state
from eumlib._common.threads import torch_threads
from eumlib.embeddings import PeopleOfNobody
from eumlib.rivals import (
    SYSTEMS,
    SemiSiameseDescent,
    TemplateDistillation,
    TripletAndSquaredErrorLoss,
)
from eumlib.rivals.maskinv import LEARNING_RATE
from eumlib.study import CAMERAS_WAY, PAPERS_WAY, Judge, Material, MeanRates
from eumlib.study.cases import FULL_SIZE, Drawn, Tables
from eumlib.unmasking import WORKBOOK, TripletSampler, Unmasker, available_device, train_unmasker
from eumlib.unmasking.training import descend

RATES = {"eer": "EER %", "fmr1000": "FMR1000 %", "error_at_1000": "HTER %"}
RESAMPLES = 200
RECIPE = FULL_SIZE.of(WORKBOOK)


@dataclass(frozen=True)
class Sweep:
    """A rival's parameter and what is tried for it; `train` takes a value first."""

    system: str
    parameter: str
    default: float
    tried: tuple[float, ...]
    train: Callable[[float, Tables, Tables], Unmasker]


def my_eyes(weight: float, training: Tables, validation: Tables) -> Unmasker:
    """By the loss of two terms, with that λ."""
    recipe = replace(RECIPE, loss=TripletAndSquaredErrorLoss(weight))
    return train_unmasker(training, validation, recipe, available_device()).unmasker


def maskinv(weight: float, training: Tables, validation: Tables) -> Unmasker:
    """By distillation, with that w."""
    recipe = replace(RECIPE, learning_rate=LEARNING_RATE)
    descent = TemplateDistillation(
        TripletSampler(*training), recipe, available_device(), weight=weight
    )
    return descend(descent, recipe.validation(*validation)).unmasker


def hsst(scale: float, training: Tables, validation: Tables) -> Unmasker:
    """By momentum network and queue, with that scale."""
    descent = SemiSiameseDescent(TripletSampler(*training), RECIPE, available_device(), scale=scale)
    return descend(descent, RECIPE.validation(*validation)).unmasker


SWEEPS = (  # the longest first
    Sweep("maskinv", "w", TemplateDistillation.weight, (3e3, 1e4, 3e4, 1e5), maskinv),
    Sweep("hsst", "scale", SemiSiameseDescent.scale, (10, 20, 30), hsst),
    Sweep("my_eyes", "λ", TripletAndSquaredErrorLoss().weight, (1, 3, 10, 30), my_eyes),
)


def rows_of(sweep: Sweep, judged: dict[float, dict[str, MeanRates]]) -> list[dict[str, str]]:
    """One row per condition and value; behind a rate, what it is more than with the default."""
    rows = []
    for condition in judged[sweep.default]:
        for value, by_condition in judged.items():
            rates = by_condition[condition]
            differs = rates.minus(judged[sweep.default][condition])
            row = {
                "rival": SYSTEMS[sweep.system].title.partition(":")[0],
                "condition": condition,
                "tried": f"{sweep.parameter} = {value:,g}"
                + (" (default)" if value == sweep.default else ""),
            }
            for rate, title in RATES.items():
                more = [100 * differs[f"{rate}{end}"] for end in ("", "_low", "_high")]
                row[title] = f"{100 * rates.values[rate]:.2f}" + (
                    "" if value == sweep.default else f" ({with_interval(*more, '{:+.2f}')})"
                )
            rows.append(row)
    return rows


def verdict(sweep: Sweep, judged: dict[float, dict[str, MeanRates]]) -> str:
    """One line: in how many of rates and conditions each value is the best, and by how much."""
    wins = dict.fromkeys(judged, 0)
    better = []
    for condition, of_default in judged[sweep.default].items():
        for rate, title in RATES.items():
            best = min(judged, key=lambda value: judged[value][condition].values[rate])
            wins[best] += 1
            differs = judged[best][condition].minus(of_default)
            if differs[f"{rate}_high"] < 0:
                better.append(
                    f"{title.removesuffix(' %')} with {sweep.parameter} = {best:,g} ({condition}, "
                    f"{100 * differs[rate]:+.2f})"
                )
    counted = ", ".join(f"{value:,g} in {count}" for value, count in wins.items() if count)
    name = SYSTEMS[sweep.system].title.partition(":")[0]
    surely = "; ".join(better) if better else "nothing"
    return (
        f"- {name}, {sweep.parameter} = {sweep.default:,g} by default. Lowest of the "
        f"{len(RATES) * len(judged[sweep.default])} rates: {counted}. Better than the default by "
        f"more than the luck of who is tested: {surely}."
    )


def judged_with(
    folder: Path, sweep: Sweep, value: float
) -> tuple[str, float, dict[str, MeanRates]]:
    """The system, the value, and the rates by condition of a training with it."""
    material = Material.read(folder)
    nobody = PeopleOfNobody.of_tables(*material.of_lfw("train"))
    validation = material.of_lfw("validation")
    count = SYSTEMS[sweep.system].people or FULL_SIZE.people
    with torch_threads(1):
        trained = sweep.train(value, Drawn(nobody, count)(), validation)
    return (
        sweep.system,
        value,
        {
            condition.name: Judge(condition.of(validation), RESAMPLES, seed=0).measure(trained)
            for condition in (PAPERS_WAY, CAMERAS_WAY)
        },
    )


def main(
    folder: Annotated[Path, typer.Argument(help="of the study's tables")],
    rival: Annotated[
        list[str] | None, typer.Option(help="one to try values for; repeat it for more; else all")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Train each rival with each value, in the protocol's steps, one on each core, and judge it."""
    there = [sweep.system for sweep in SWEEPS]
    for name in rival or []:
        if name not in there:
            raise typer.BadParameter(
                f"{name!r} is not one of {', '.join(there)}", param_hint="--rival"
            )
    sweeps = [sweep for sweep in SWEEPS if sweep.system in (rival or there)]
    cases = [(sweep, value) for sweep in sweeps for value in sweep.tried]
    measured = {}
    with (
        ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool,
        progress_bar(len(cases), "defaults", "case") as progress,
    ):
        for done in as_completed(pool.submit(judged_with, folder, *case) for case in cases):
            system, value, by_condition = done.result()
            measured[system, value] = by_condition
            progress.update()
    publish(report(sweeps, measured), out)


def report(
    sweeps: Sequence[Sweep], measured: dict[tuple[str, float], dict[str, MeanRates]]
) -> list[str]:
    """The lines to publish; the rates are by system and value, then by condition."""
    rows, verdicts = [], []
    for sweep in sweeps:
        judged = {value: measured[sweep.system, value] for value in sweep.tried}
        rows += rows_of(sweep, judged)
        verdicts.append(verdict(sweep, judged))
    return [
        "# Defaults of the rivals, on LFW's validation people",
        "",
        f"One training each, of {RECIPE.epochs * RECIPE.steps_an_epoch:,} steps, at "
        f"{source_state()['commit'][:12]}. In brackets: percentage points more than with the "
        f"default, and the middle 95 % of {RESAMPLES} resamples of people, which do not hold the "
        "luck of the seed.",
        "",
        *verdicts,
        "",
        *markdown_table(pd.DataFrame(rows)),
    ]


if __name__ == "__main__":
    typer.run(main)
