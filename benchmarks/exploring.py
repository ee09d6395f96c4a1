"""How long one waits for the explorer: ``python benchmarks/exploring.py --help``."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from publishing import markdown_table, publish

from eumlib._common.files import DATA_FOLDER
from eumlib._common.settings import HOME_VARIABLE
from eumlib.embeddings import EmbeddingTable, PeopleOfNobody, read_table, unit_length
from eumlib.maps import (
    MOST_ON_A_PAGE,
    MapExplorer,
    ScatterExplorer,
    explore,
    joint_pca,
    joint_umap,
    people_to_compare,
    project_umap,
)
from eumlib.unmasking import Unmasker

ROUNDS = 5
SIZES = (2_000, 8_000, 20_000, 100_000)
PICTURES = 5  # of a person of nobody, each without and with a mask
BLANK = np.zeros((48, 48, 3), np.uint8)
MODEL = DATA_FOLDER / "models" / "nobody_workbook_srt.safetensors"

app = typer.Typer(help=__doc__)


@app.command()
def page(
    table: Annotated[Path, typer.Argument(help="table of embeddings of people (.parquet)")],
    views: Annotated[int, typer.Option(min=4, help="face views, at most")] = 2000,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Score the views, lay out maps that are in the cache, show them; the middle of five rounds."""
    few = people_to_compare(read_table(table), views)
    unmasker = Unmasker.load(MODEL)
    explored = explore(few, unmasker)
    umap = joint_umap(explored)
    steps: dict[str, Callable[[], object]] = {
        "scores and neighbours of all views": lambda: explore(few, unmasker),
        "UMAP from the cache, and its marks": lambda: joint_umap(explored),
        "PCA and its marks": lambda: joint_pca(explored),
        "the page, its pictures apart": lambda: (
            MapExplorer(explored, {"UMAP": umap}, lambda row: BLANK, 0.9).page
        ),
    }
    lines = [f"# Exploring {len(few)} views of {few.rows['identity'].nunique()} people", ""]
    lines += ["| step | seconds |", "| --- | --- |"]
    for name, step in steps.items():
        seconds = np.median([_measured(step)[1] for _ in range(ROUNDS)])
        lines.append(f"| {name} | {seconds:.2f} |")
    publish(lines, out)


@app.command()
def growth(
    views: Annotated[list[int] | None, typer.Option(help="so many; repeatable")] = None,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """More and more views of people of nobody, each number in a process of its own."""
    rows = []
    for count in views or SIZES:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            rows += pool.submit(_steps_of, count).result()
        publish(_table_of(rows), out)  # what has been measured is not lost


def _table_of(rows: list[dict[str, object]]) -> list[str]:
    table = pd.DataFrame(rows).pivot_table(
        index="step", columns="views", values="took", aggfunc="first", sort=False
    )
    table = table.sort_index(axis=1).rename(columns="{:,} views".format).fillna("–")
    return [
        "# Exploring more and more views",
        "",
        *markdown_table(table.reset_index()),
        "",
        "Seconds, seconds of CPU, and GiB above what there was before the step. People of nobody, "
        f"{PICTURES} pictures each; UMAP was compiled before.",
    ]


def _steps_of(count: int) -> list[dict[str, object]]:
    table, unmasker = people_with_pictures(count), Unmasker.load(MODEL)
    unmasker.unmask(table.vectors[:8], table.rows["backbone"].iloc[0])
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME_VARIABLE] = folder
        project_umap(np.random.default_rng(0).standard_normal((5000, 8)))  # compiles it
        explored, *scoring = _measured(lambda: explore(table, unmasker))
        umap, *fitting = _measured(lambda: joint_umap(explored))
        _, *judging = _measured(lambda: joint_umap(explored))
    took = {
        "scores and neighbours": scoring,
        "UMAP of all three kinds of views, and its marks": fitting,
        "from the cache, its marks alone": judging,
        "a live view on jupyter-scatter": _measured(
            lambda: ScatterExplorer(explored, umap, lambda row: BLANK, 0.9).widget()
        )[1:],
    }
    if len(table) <= MOST_ON_A_PAGE:
        maps = {"UMAP": umap}
        took["the page, its pictures apart"] = _measured(
            lambda: MapExplorer(explored, maps, lambda row: BLANK, 0.9).page
        )[1:]
    return [
        {"views": count, "step": step, "took": f"{seconds:.1f} s, {busy:.1f} s, {memory:.2f}"}
        for step, (seconds, busy, memory) in took.items()
    ]


def people_with_pictures(views: int) -> EmbeddingTable:
    """People of nobody with several pictures, each unmasked and masked: `views` rows in all."""
    nobody = PeopleOfNobody.load()
    kind = next(iter(nobody.effects))
    people = views // (2 * PICTURES)
    faces = nobody.draw(people, 1, [kind]).vectors[:people]
    pictures = nobody.draw(people * PICTURES, 2, [kind])
    person = np.arange(len(pictures)) % people
    rows = pictures.rows.assign(identity=[f"nobody {number:06d}" for number in person])
    vectors = unit_length(faces[person] + 0.6 * pictures.vectors)
    return EmbeddingTable(rows, vectors, pictures.failures)


def _measured(step: Callable[[], object]) -> tuple[object, float, float, float]:
    """What a step gives, its seconds, those of CPU, and the GiB by which memory rose at most."""
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before, start, busy = _memory("VmRSS"), time.perf_counter(), time.process_time()
    found = step()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return found, seconds, busy, _memory("VmHWM") - before


def _memory(what: str) -> float:
    """GiB of this process, as Linux counts it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 2**20


if __name__ == "__main__":
    app()
