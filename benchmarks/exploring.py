"""How long one waits for the explorer: ``python benchmarks/exploring.py --help``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from publishing import publish

from eumlib._common.files import DATA_FOLDER
from eumlib.embeddings import read_table
from eumlib.maps import MapExplorer, explore, joint_pca, joint_umap, people_to_compare
from eumlib.unmasking import Unmasker

ROUNDS = 5


def main(
    table: Annotated[Path, typer.Argument(help="table of embeddings of people (.parquet)")],
    views: Annotated[int, typer.Option(min=4, help="face views, at most")] = 2000,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Score the views, lay out maps that are in the cache, show them; the middle of five rounds."""
    few = people_to_compare(read_table(table), views)
    unmasker = Unmasker.load(DATA_FOLDER / "models" / "nobody_workbook_srt.safetensors")
    explored = explore(few, unmasker)
    umap = joint_umap(explored)
    blank = np.zeros((48, 48, 3), np.uint8)
    steps: dict[str, Callable[[], object]] = {
        "scores and neighbours of all views": lambda: explore(few, unmasker),
        "UMAP from the cache, and its marks": lambda: joint_umap(explored),
        "PCA and its marks": lambda: joint_pca(explored),
        "the page, its pictures apart": lambda: (
            MapExplorer(explored, {"UMAP": umap}, lambda row: blank, 0.9).page
        ),
    }
    lines = [f"# Exploring {len(few)} views of {few.rows['identity'].nunique()} people", ""]
    lines += ["| step | seconds |", "| --- | --- |"]
    for name, step in steps.items():
        lines.append(f"| {name} | {np.median([_seconds(step) for _ in range(ROUNDS)]):.2f} |")
    publish(lines, out)


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
