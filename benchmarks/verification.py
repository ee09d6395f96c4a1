"""Comparing every face with every face, counted against kept: ``… verification.py --help``."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from publishing import markdown_table, publish
from sklearn.metrics import roc_curve

from eumlib.embeddings import unit_length
from eumlib.verification import (
    Comparison,
    DeviceCounter,
    FaceViews,
    ScoreCounts,
    StripeCounter,
    comparison,
    counting,
    error_rates,
    measure,
)

SIZES = (4_000, 8_000, 16_000)
MEETING = (500, 1_000, 1_500, 2_000, 2_500, 3_000)
GROWTH = (10_000, 30_000)
TILES = ((64, 2048), (256, 512), (256, 2048), (256, 8192), (1024, 2048))
LFW = 13_174
RESAMPLES = 200
PYEER_MOST = 4_000  # it draws every threshold in Python: minutes for more


def drawn_views(faces: int, seed: int) -> FaceViews:
    """Embeddings of 192 numbers in a cone, two or three pictures a person."""
    random = np.random.default_rng(seed)
    person = (np.arange(faces) // 2.3).astype(int)
    people = random.standard_normal((person[-1] + 1, 192), np.float32)[person]
    noise = random.standard_normal((faces, 192), np.float32)
    vectors = unit_length(people + noise + 2 * random.standard_normal(192).astype(np.float32))
    return FaceViews(vectors, person, np.arange(faces))


def counted(views: FaceViews) -> float:
    """Compiled loops, without intervals."""
    return error_rates(ScoreCounts.of_comparison(Comparison(views, views))).eer


def measured(views: FaceViews) -> float:
    """Compiled loops, all metrics with intervals."""
    comparison.FEW = 0
    return measure(Comparison(views, views), None, RESAMPLES, seed=0).values["eer"]


def measured_by_numpy(views: FaceViews) -> float:
    """All metrics with intervals, all scores in memory: the way of a few faces."""
    comparison.FEW = 2**62
    return measure(Comparison(views, views), None, RESAMPLES, seed=0).values["eer"]


def measured_by_one_thread(views: FaceViews) -> float:
    """All metrics with intervals, one stripe after the other."""
    comparison.FEW = 0
    alone = Comparison(views, views, counter=StripeCounter(one_after_the_other))
    return measure(alone, None, RESAMPLES, seed=0).values["eer"]


def measured_on_the_gpu(views: FaceViews) -> float:
    """All metrics with intervals, tile by tile on a card; its start included."""
    comparison.FEW = 0
    on_card = Comparison(views, views, counter=DeviceCounter("cuda"))
    return measure(on_card, None, RESAMPLES, seed=0).values["eer"]


def one_after_the_other(work: Callable, given: tuple, pieces: list, _what: str) -> Iterator:
    """A spread over nothing."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        for piece in pieces:
            yield work(*given, piece)


def kept(views: FaceViews) -> float:
    """The plain way: the whole matrix of scores, then scikit-learn; no intervals."""
    mated, scores = _all_scores(views)
    fmr, tpr, _ = roc_curve(mated, scores)
    place = np.argmin(np.abs(fmr - (1 - tpr)))
    return float((fmr[place] + 1 - tpr[place]) / 2)


def pyeer(views: FaceViews) -> float:
    """The whole matrix of scores, then pyeer; no intervals."""
    from pyeer.eer_info import get_eer_stats

    mated, scores = _all_scores(views)
    return float(get_eer_stats(scores[mated], scores[~mated]).eer)


def _all_scores(views: FaceViews) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(len(views.vectors), k=1)
    scores = (views.vectors @ views.vectors.T)[first, second]
    return views.identities[first] == views.identities[second], scores


def three_settings(views: FaceViews) -> float:
    """UMR-UMP, UMR-MP and MR-MP, all metrics with intervals."""
    other = drawn_views(len(views.vectors), seed=0)
    masked = FaceViews(unit_length(views.vectors + other.vectors), views.identities, views.pictures)
    sides = ((views, views), (views, masked), (masked, masked))
    return sum(measure(Comparison(*two), None, RESAMPLES, seed=0).values["eer"] for two in sides)


def in_tiles_of(views: FaceViews) -> dict[str, float]:
    """Seconds of `measured` by the size of a tile."""
    seconds = {}
    for rows, columns in TILES:
        counting.TILE_ROWS, counting.TILE_COLUMNS = rows, columns
        start = time.perf_counter()
        measured(views)
        seconds[f"{rows} × {columns:,}"] = time.perf_counter() - start
    return seconds


def run_alone(way: Callable[[FaceViews], object], faces: int) -> dict[str, object]:
    """Seconds, and how far memory rose above the embeddings, in a process of its own."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        seconds, memory, result = pool.submit(_timed, way, faces).result()
    return {
        "way": way.__name__, "faces": faces, "seconds": seconds, "memory": memory, "eer": result,
    }  # fmt: skip


def _timed(way: Callable[[FaceViews], object], faces: int) -> tuple[float, float, object]:
    views = drawn_views(faces, seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    result = way(views)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, (after - before) / 2**20, result  # KiB to GiB


def _against_each_other() -> list[str]:
    ways = [counted, measured, measured_by_one_thread, measured_by_numpy, kept]
    if torch.cuda.is_available():
        ways.append(measured_on_the_gpu)
    cases = [(way, faces) for faces in SIZES for way in ways]
    if find_spec("pyeer") and find_spec("pkg_resources"):  # which pyeer needs
        cases.insert(len(ways), (pyeer, PYEER_MOST))
    rows = pd.DataFrame([run_alone(way, faces) for way, faces in cases])
    plain = rows[rows["way"] == "kept"].set_index("faces")
    table = pd.DataFrame(
        {
            "faces": rows["faces"].map("{:,}".format),
            "way": rows["way"].str.replace("_", " ").str.replace("gpu", "GPU"),
            "seconds": rows["seconds"].map("{:.1f}".format),
            "GiB": rows["memory"].map("{:.2f}".format),
            "times faster than kept": [
                f"{plain.loc[row.faces].seconds / row.seconds:.1f}" for row in rows.itertuples()
            ],
            "EER %": (100 * rows["eer"]).map("{:.4f}".format),
        }
    )
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "not measured, none here"
    return [*markdown_table(table), "", f"GPU: {card}."]


def _where_they_meet() -> list[str]:
    table = pd.DataFrame(
        [
            {
                "faces": f"{faces:,}",
                **{
                    way.__name__.replace("_", " "): f"{run_alone(way, faces)['seconds']:.1f} s"
                    for way in (measured_by_numpy, measured)
                },
            }
            for faces in MEETING
        ]
    )
    return markdown_table(table)


def _growth(large: int) -> list[str]:
    lines = []
    for faces in [*GROWTH, *([large] if large else [])]:
        run = run_alone(measured, faces)
        pairs = faces * (faces - 1) // 2
        lines.append(
            f"- {faces:,} faces, {pairs:,} pairs: {run['seconds']:.0f} s, "
            f"{pairs / run['seconds'] / 1e6:.0f} million pairs a second, "
            f"{run['memory']:.2f} GiB above the embeddings"
        )
    return lines


def main(
    large: Annotated[int, typer.Option(help="faces of a last, large comparison; 0 for none")] = 0,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Count, count and resample, and keep all pairs of more and more faces; each way alone."""
    run_alone(measured, 3_000)  # compiles the loops where they are not yet on disk
    lines = ["# All pairs of faces against each other", "", *_against_each_other()]
    lines += ["", "Few faces, the start of compiled code included:", "", *_where_they_meet()]
    lines += ["", "More and more faces, every metric and interval:", "", *_growth(large)]
    last = run_alone(three_settings, LFW)
    lines += [
        "",
        f"As many faces as LFW's, {LFW:,}, three settings with every metric and interval: "
        f"{last['seconds']:.0f} s, {last['memory']:.2f} GiB above the embeddings.",
    ]
    seconds = run_alone(in_tiles_of, SIZES[-1])["eer"]
    lines += ["", f"{SIZES[-1]:,} faces, by the size of a tile:", ""]
    lines += [f"- {tile}: {taken:.1f} s" for tile, taken in seconds.items()]
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
