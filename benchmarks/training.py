"""Triplets a second through the training loop, beside the same network on tensors at hand.

``python benchmarks/training.py --out training.md``
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from publishing import markdown_table, publish

from eumlib._common.progress import progress_bar
from eumlib._common.settings import HOME_VARIABLE
from eumlib._common.threads import torch_threads
from eumlib.embeddings import PeopleOfNobody, map_table, write_table
from eumlib.unmasking import (
    FAITHFUL,
    WORKBOOK,
    EmbeddingUnmaskingModel,
    MappedTripletSampler,
    Recipe,
    Triplets,
    TripletSampler,
    available_device,
    fit,
    semi_hard_negatives,
    split_for_validation,
)

ROUNDS = 5
PEOPLE = 6_000  # of nobody
STEPS = 400
LARGE = 3_000_000  # pictures, each in two views
A_PART = 100_000  # pictures
RECIPES = {
    "the paper's recipe": FAITHFUL,
    "the workbook's recipe": WORKBOOK,
    "the workbook's, semi-hard negatives": replace(WORKBOOK, choose_negatives=semi_hard_negatives),
}


def loop_rate(sampler: TripletSampler, recipe: Recipe, device: str) -> float:
    """Triplets a second of `STEPS` steps: sampling, forward, loss, backward, step."""
    once = replace(recipe, epochs=1, steps_an_epoch=STEPS)
    start = time.perf_counter()
    fit(sampler, once, lambda _model: 0.0, device)
    return STEPS * recipe.batch_size / (time.perf_counter() - start)


def bare_rate(dim: int, batch_size: int, batches: int, device: str) -> float:
    """The same network forward and backward on one random batch, again and again: the limit."""
    model = EmbeddingUnmaskingModel(dim).to(device).train()
    anchors = torch.randn(batch_size, dim, device=device)
    start = time.perf_counter()
    for _ in range(batches):
        model(anchors).sum().backward()
    if device == "cuda":
        torch.cuda.synchronize()
    return batches * batch_size / (time.perf_counter() - start)


def write_parts(pictures: int, folder: Path) -> None:
    """A table of so many pictures in two views, in half precision, in parts."""
    people = PeopleOfNobody.load()
    kind = next(iter(people.effects))
    with progress_bar(pictures, "drawing people", "picture") as progress:
        for number, start in enumerate(range(0, pictures, A_PART)):
            part = people.draw(min(A_PART, pictures - start), seed=number, kinds=[kind])
            write_table(part, folder / f"{number:04d}.parquet", "float16")
            progress.update(A_PART)


class Paused(MappedTripletSampler):
    """Stops now and then, to measure the bare network between the batches of an epoch."""

    def batches(self, batch_size: int, *drawing: object) -> Iterator[Triplets]:
        """As `MappedTripletSampler.batches`."""
        self.limits, self.seconds = [], 0.0
        for number, batch in enumerate(super().batches(batch_size, *drawing)):
            if number % STEPS == 0:
                start = time.perf_counter()
                self.limits.append(bare_rate(self.dim, batch_size, STEPS // 4, available_device()))
                self.seconds += time.perf_counter() - start
            yield batch


def epoch_from_disk(folder: str, name: str) -> dict[str, str]:
    """An epoch of a large table: what it took, of a process that has done nothing else."""
    start = time.perf_counter()
    training, _ = split_for_validation(map_table(folder))
    sampler, device = Paused(training), available_device()
    before = time.perf_counter() - start
    with torch_threads(1):
        start = time.perf_counter()
        fit(sampler, replace(RECIPES[name], epochs=1), lambda _model: 0.0, device)
        rate = len(sampler) / (time.perf_counter() - start - sampler.seconds)
    return {
        "an epoch from disk": name,
        "triplets a second": f"{rate:,.0f}",
        "share of the limit": f"{rate / pd.Series(sampler.limits).median():.0%}",
        "before the first step": f"{before:.0f} s",
        "resident at most": f"{most_resident() / 1e6:.2f} GB",
    }


def most_resident() -> int:
    """Kilobytes, of this process alone: what `resource` tells has that of its parent in it."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line)


def large_rows(pictures: int) -> Iterator[dict[str, str]]:
    """One row per recipe: an epoch of a table that stays on disk, by a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_parts(pictures, Path(folder))
        os.environ[HOME_VARIABLE] = f"{folder}/home"
        map_table(folder)  # unpacked once, before the clock runs
        for name in RECIPES:
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                yield process.submit(epoch_from_disk, folder, name).result()


def main(
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
    large: Annotated[int, typer.Option(help="pictures of the table on disk; 0: without")] = LARGE,
) -> None:
    """Measure alternately, and give the medians and the median of the ratios."""
    people = PeopleOfNobody.load().draw(PEOPLE, seed=0)
    sampler, device = TripletSampler(people), available_device()
    cases: dict[str, Callable[[], float]] = {
        "the bare network, forward and backward": lambda: bare_rate(
            sampler.dim, FAITHFUL.batch_size, STEPS, device
        ),
        **{n: lambda recipe=r: loop_rate(sampler, recipe, device) for n, r in RECIPES.items()},
    }
    with torch_threads(1):
        rounds = pd.DataFrame([{n: rate() for n, rate in cases.items()} for _ in range(ROUNDS)])
    limit = rounds.iloc[:, 0]
    rows = [
        {
            "what": name,
            "triplets a second": f"{rounds[name].median():,.0f}",
            "ms a step": f"{1000 * FAITHFUL.batch_size / rounds[name].median():.1f}",
            "share of the limit": f"{(rounds[name] / limit).median():.0%}",
        }
        for name in cases
    ]
    title = f"# Training on {device}, one thread, batches of {FAITHFUL.batch_size}, {sampler.dim}-d"
    lines = [title, "", *markdown_table(pd.DataFrame(rows))]
    if large:
        lines += ["", f"{large:,} pictures in two views, float16, from a folder of tables:", ""]
        lines += markdown_table(pd.DataFrame(large_rows(large)))
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
