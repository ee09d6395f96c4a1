"""What MS1MV2 and IJB-C would cost, computed from rates that are measured first.

``python benchmarks/on_paper.py --out on_paper.md``
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import cv2
import numpy as np
import pandas as pd
import torch
import typer
from publishing import markdown_table, publish
from verification import RESAMPLES, drawn_views, one_after_the_other

from eumlib._common.threads import torch_threads
from eumlib.embeddings import (
    FAILURES_TO_ACQUIRE,
    PeopleOfNobody,
    default_backbone,
    write_table,
)
from eumlib.faces import load_faces
from eumlib.faces.landmarks import cropped_landmark_finder
from eumlib.masks import RandomMasks
from eumlib.unmasking import WORKBOOK, TripletSampler, available_device, fit
from eumlib.verification import Comparison, StripeCounter, measure

CORES = (2, 16, 64)
PROFILED_FACES = 200
COMPARED_FACES = 30_000
TRAINED_PEOPLE, TRAINED_STEPS = 6_000, 200
GPU_CHIPS = 8192
# Guo et al. 2016 as cleaned for ArcFace (Deng et al. 2019), the paper's training set; and Maze et
# al. 2018: stills and frames, and the pairs of templates in its 1:1 protocol.
MS1MV2, MS1MV2_PEOPLE = 5_822_653, 85_742
IJBC, IJBC_PEOPLE = 31_334 + 117_542, 3_531
EPOCHS, BATCH = 10, 512


def seconds_a_face() -> tuple[float, float]:
    """Of one core: to acquire a face in both views, and to embed one view."""
    faces, plan, backbone = load_faces("orl"), RandomMasks(), default_backbone()
    finder, chips, tried = cropped_landmark_finder(), [], 0
    start = time.perf_counter()
    for face in faces.faces[:PROFILED_FACES]:
        tried += 1
        try:
            picture = face.read()
            landmarks = finder.locate(picture).landmarks
        except FAILURES_TO_ACQUIRE:
            continue
        (mask,) = plan.masks_for(face)
        views = picture, mask.painted_on(picture, landmarks)
        chips += [backbone.align(view, landmarks) for view in views]
    acquiring = (time.perf_counter() - start) / tried
    stacked = np.stack(chips)
    backbone.embed(stacked[:16])
    return acquiring, _seconds(lambda: backbone.embed(stacked)) / len(stacked)


def gpu_seconds_a_chip() -> float | None:
    """To embed one view on a GPU; None without one."""
    if available_device() != "cuda":
        return None
    chips = np.random.default_rng(0).integers(0, 256, (GPU_CHIPS, 112, 112, 3), np.uint8)
    backbone = default_backbone()
    backbone.embed(chips[:256])
    return _seconds(lambda: backbone.embed(chips)) / GPU_CHIPS


def seconds_a_step(device: str) -> float:
    """One step of the workbook's recipe."""
    sampler = TripletSampler(PeopleOfNobody.load().draw(TRAINED_PEOPLE, seed=0))
    recipe = replace(WORKBOOK, epochs=1, steps_an_epoch=TRAINED_STEPS, batch_size=BATCH)
    return _seconds(lambda: fit(sampler, recipe, lambda _model: 0.0, device)) / TRAINED_STEPS


def seconds_a_pair() -> float:
    """Of one core: every metric and interval."""
    views = drawn_views(COMPARED_FACES, seed=1)
    alone = Comparison(views, views, counter=StripeCounter(one_after_the_other))
    taken = _seconds(lambda: measure(alone, None, RESAMPLES, seed=0))
    return taken / (COMPARED_FACES * (COMPARED_FACES - 1) / 2)


def bytes_a_row() -> float:
    """Of a view in a table of half precision."""
    table = PeopleOfNobody.load().draw(4_000, seed=0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write_table(table, path, "float16")
        return path.stat().st_size / len(table)


def _seconds(work: Callable[[], object]) -> float:
    work()  # once to warm up
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.1f} h" if hours >= 1 else f"{60 * hours:,.1f} min"


def main(out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None) -> None:
    """Measure the rates of one core, and of a GPU where there is one; then multiply."""
    cv2.setNumThreads(1)
    with torch_threads(1):
        acquiring, embedding = seconds_a_face()
        step, pair, row = seconds_a_step("cpu"), seconds_a_pair(), bytes_a_row()
    on_gpu = gpu_seconds_a_chip()
    gpu_step = seconds_a_step("cuda") if on_gpu else None
    rates = pd.DataFrame(
        [
            ("find a face, mask it, cut out both views", f"{1000 * acquiring:.1f} ms", "CPU only"),
            ("embed a view", f"{1000 * embedding:.1f} ms", _or_not(on_gpu, 1e6, "µs")),
            (f"a step of training, {BATCH} triplets", f"{1000 * step:.1f} ms",
             _or_not(gpu_step, 1000, "ms")),
            ("a pair, with all metrics and intervals", f"{1e9 * pair:.1f} ns", "CPU only"),
            ("a view in a table of half precision", f"{row:.0f} bytes", ""),
        ],
        columns=["what", "one core", "a GPU"],
    )  # fmt: skip
    ms1m_pairs, ijbc_pairs = (n * (n - 1) / 2 for n in (MS1MV2, IJBC))
    steps = EPOCHS * -(-MS1MV2 // BATCH)
    jobs = {
        f"MS1MV2: acquire {MS1MV2:,} photographs, two views": MS1MV2 * acquiring,
        f"MS1MV2: embed {2 * MS1MV2:,} views": 2 * MS1MV2 * embedding,
        f"IJB-C: acquire {IJBC:,} pictures, two views": IJBC * acquiring,
        f"IJB-C: embed {2 * IJBC:,} views": 2 * IJBC * embedding,
        f"IJB-C: all {4 * ijbc_pairs:.1e} pairs of three settings": 4 * ijbc_pairs * pair,
        f"MS1MV2: all {ms1m_pairs:.1e} pairs of one setting": ms1m_pairs * pair,
    }
    costs = pd.DataFrame(
        [
            {"what": what, **{f"{n} cores": _hours(seconds / n) for n in CORES}}
            for what, seconds in jobs.items()
        ]
    )
    gigabytes = {name: 2 * n * row / 1e9 for name, n in (("MS1MV2", MS1MV2), ("IJB-C", IJBC))}
    share = acquiring / (acquiring + 2 * embedding)
    lines = ["# MS1MV2 and IJB-C on paper", "", *markdown_table(rates), ""]
    lines += ["From these, as if cores did not get in each other's way:", ""]
    lines += [*markdown_table(costs), ""]
    lines += [
        f"Training: {EPOCHS} epochs over MS1MV2 are {steps:,} steps, {_hours(steps * step)} on one "
        f"core whatever the number of people; more cores than one hardly help so small a network"
        + (f"; {_hours(steps * gpu_step)} on the GPU." if gpu_step else "."),
        "",
        f"Tables, both views: {gigabytes['MS1MV2']:.1f} GB for MS1MV2's {MS1MV2_PEOPLE:,} people, "
        f"{gigabytes['IJB-C']:.2f} GB for IJB-C's {IJBC_PEOPLE:,}.",
        "",
        f"The bottleneck is extraction, and in it {'finding faces' if share > 0.5 else 'embedding'}"
        f" ({max(share, 1 - share):.0%} of a core's time). "
        + _with_a_gpu(on_gpu, acquiring, embedding),
        "",
        f"Pictures of ORL, 92 × 112 pixels, stand for MS1MV2's of 112 × 112; IJB-C's are larger, "
        f"and finding faces in them takes longer. GPU: {_gpu_name()}.",
    ]
    publish(lines, out)


def _or_not(seconds: float | None, factor: float, unit: str) -> str:
    return f"{factor * seconds:.1f} {unit}" if seconds else "not measured"


def _with_a_gpu(on_gpu: float | None, acquiring: float, embedding: float) -> str:
    if on_gpu is None:
        limit = (acquiring + 2 * embedding) / acquiring
        return (
            f"However fast a GPU embedded, finding faces on the same cores would still take its "
            f"time: it makes extraction {limit:.1f} times as fast at most."
        )
    cores = acquiring / (2 * on_gpu)
    return f"To keep the GPU busy takes {cores:.0f} cores that find faces."


def _gpu_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none here, not measured"


if __name__ == "__main__":
    typer.run(main)
