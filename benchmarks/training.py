"""Triplets a second through the training loop, beside the same network on tensors at hand.

``python benchmarks/training.py --out training.md``
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from publishing import markdown_table, publish

from eumlib._common.threads import torch_threads
from eumlib.embeddings import PeopleOfNobody
from eumlib.unmasking import (
    FAITHFUL,
    WORKBOOK,
    EmbeddingUnmaskingModel,
    Recipe,
    TripletSampler,
    available_device,
    fit,
)

ROUNDS = 5
PEOPLE = 6_000  # of nobody
STEPS = 400


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


def main(out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None) -> None:
    """Measure alternately, and give the medians and the median of the ratios."""
    people = PeopleOfNobody.load().draw(PEOPLE, seed=0)
    sampler, device = TripletSampler(people), available_device()
    cases: dict[str, Callable[[], float]] = {
        "the bare network, forward and backward": lambda: bare_rate(
            sampler.dim, FAITHFUL.batch_size, STEPS, device
        ),
        "the paper's recipe": lambda: loop_rate(sampler, FAITHFUL, device),
        "the workbook's recipe": lambda: loop_rate(sampler, WORKBOOK, device),
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
    publish([title, "", *markdown_table(pd.DataFrame(rows))], out)


if __name__ == "__main__":
    typer.run(main)
