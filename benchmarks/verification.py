"""Comparing every face with every face, counted against kept: ``… verification.py --help``."""

from __future__ import annotations

import resource
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
from sklearn.metrics import roc_curve

from eumlib.embeddings import unit_length
from eumlib.verification import Comparison, FaceViews, ScoreCounts, error_rates, measure

SIZES = (4_000, 8_000, 16_000)
LFW = 13_174
RESAMPLES = 200


def drawn_views(faces: int, seed: int) -> FaceViews:
    """Embeddings of 128 numbers in a cone, two or three pictures a person."""
    random = np.random.default_rng(seed)
    person = np.arange(faces) // 2.3
    people = random.standard_normal((faces, 128)).astype(np.float32)[person.astype(int)]
    noise = random.standard_normal((faces, 128), np.float32)
    vectors = unit_length(people + noise + 4 * random.standard_normal(128).astype(np.float32))
    return FaceViews(vectors, person.astype(int), np.arange(faces))


def counted(views: FaceViews) -> float:
    """Our way, without intervals."""
    return error_rates(ScoreCounts.of_comparison(Comparison(views, views))).eer


def measured(views: FaceViews) -> float:
    """Our way, all metrics with intervals."""
    return measure(Comparison(views, views), None, RESAMPLES, seed=0).values["eer"]


def kept(views: FaceViews) -> float:
    """The plain way: the whole matrix of scores, then scikit-learn."""
    first, second = np.triu_indices(len(views.vectors), k=1)
    scores = (views.vectors @ views.vectors.T)[first, second]
    mated = views.identities[first] == views.identities[second]
    fmr, tpr, _ = roc_curve(mated, scores)
    place = np.argmin(np.abs(fmr - (1 - tpr)))
    return float((fmr[place] + 1 - tpr[place]) / 2)


def three_settings(views: FaceViews) -> float:
    """UMR-UMP, UMR-MP and MR-MP, all metrics with intervals."""
    other = drawn_views(len(views.vectors), seed=0)
    masked = FaceViews(unit_length(views.vectors + other.vectors), views.identities, views.pictures)
    sides = ((views, views), (views, masked), (masked, masked))
    return sum(measure(Comparison(*two), None, RESAMPLES, seed=0).values["eer"] for two in sides)


def run_alone(way: Callable[[FaceViews], float], faces: int) -> dict[str, object]:
    """Seconds, and how far memory rose above the embeddings, in a process of its own."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        seconds, memory, eer = pool.submit(_timed, way, faces).result()
    return {
        "way": way.__name__, "faces": faces, "seconds": seconds, "memory": memory, "eer": eer,
    }  # fmt: skip


def _timed(way: Callable[[FaceViews], float], faces: int) -> tuple[float, float, float]:
    views = drawn_views(faces, seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    eer = way(views)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, (after - before) / 2**20, eer  # KiB to GiB


def main(
    large: Annotated[int, typer.Option(help="faces of a last, large comparison; 0 for none")] = 0,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Count, count and resample, and keep all pairs of more and more faces; each way alone."""
    rows = pd.DataFrame([run_alone(way, n) for n in SIZES for way in (counted, measured, kept)])
    plain = rows[rows["way"] == "kept"].set_index("faces")
    table = pd.DataFrame(
        {
            "faces": rows["faces"].map("{:,}".format),
            "way": rows["way"],
            "seconds": rows["seconds"].map("{:.1f}".format),
            "GiB": rows["memory"].map("{:.2f}".format),
            "times faster than kept": [
                f"{plain.loc[row.faces].seconds / row.seconds:.1f}" for row in rows.itertuples()
            ],
            "share of its memory": [
                f"{row.memory / plain.loc[row.faces].memory:.0%}" for row in rows.itertuples()
            ],
            "EER %": (100 * rows["eer"]).map("{:.4f}".format),
        }
    )
    by_way = (
        rows.set_index(["way", "faces"])[["seconds", "memory"]].unstack("faces").swaplevel(axis=1)
    )
    growth = by_way[SIZES[-1]] / by_way[SIZES[0]]
    lines = ["# All pairs of faces against each other", "", *markdown_table(table), ""]
    lines += [
        f"From {SIZES[0]:,} to {SIZES[-1]:,} faces, 16 times the pairs: "
        + "; ".join(
            f"{way} {seconds:.1f} times the seconds, {memory:.1f} times the memory"
            for way, seconds, memory in growth.itertuples()
        )
        + "."
    ]
    last = run_alone(three_settings, LFW)
    lines += [
        "",
        f"As many faces as LFW's, {LFW:,}, three settings with every metric and interval:",
    ]
    lines += [f"{last['seconds']:.0f} s, {last['memory']:.2f} GiB above the embeddings."]
    if large:
        last = run_alone(measured, large)
        lines += [
            "",
            f"{large:,} faces, {large * (large - 1) // 2:,} pairs, every metric and interval:",
        ]
        lines += [f"{last['seconds']:.0f} s, {last['memory']:.2f} GiB above the embeddings."]
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
