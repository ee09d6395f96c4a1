"""How long extraction takes, stage by stage and as a whole, and whether it is linear.

``python benchmarks/extraction.py --faces lfw --root lfw-funneled.tgz --out extraction.md``
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeVar

import cv2
import numpy as np
import torch
import typer
from publishing import markdown_table, publish

from eumlib.embeddings import (
    FAILURES_TO_ACQUIRE,
    Extraction,
    default_backbone,
    failures_summary,
    failures_to_acquire,
    read_attempted_views,
)
from eumlib.faces import FaceSet, load_faces
from eumlib.faces.landmarks import cropped_landmark_finder
from eumlib.masks import RandomMasks, paint_mask

PROFILED_FACES = 300
SHARES = (1 / 4, 1 / 2, 1)
Result = TypeVar("Result")


class Stopwatch:
    """Adds up the seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def time(self, stage: str, function: Callable[..., Result], *arguments: object) -> Result:
        """The function's result; its seconds are added to the stage."""
        start = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            self.seconds[stage] += time.perf_counter() - start


def profile(faces: FaceSet) -> list[str]:
    """Milliseconds a face in each stage, in one process with one thread, as a table."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    watch, backbone, plan = Stopwatch(), default_backbone(), RandomMasks()
    finder, chips, tried = cropped_landmark_finder(), [], 0
    for face in faces.faces[:: max(1, len(faces) // PROFILED_FACES)]:
        tried += 1
        picture = watch.time("decode", face.read)
        try:
            located = watch.time("detect, 68 landmarks", finder.locate, picture)
        except FAILURES_TO_ACQUIRE:
            continue
        (mask,) = plan.masks_for(face)
        masked = watch.time("paint", paint_mask, picture, located.landmarks, mask)
        chips += [
            watch.time("align", backbone.align, view, located.landmarks)
            for view in (picture, masked)
        ]
    watch.time("embed, both views", backbone.embed, np.stack(chips))
    total = sum(watch.seconds.values())
    lines = ["| stage | ms a face | share |", "| --- | --- | --- |"]
    for stage, seconds in watch.seconds.most_common():
        lines.append(f"| {stage} | {1000 * seconds / tried:.2f} | {seconds / total:.0%} |")
    lines.append(f"| all | {1000 * total / tried:.2f} | |")
    return lines


def first(faces: FaceSet, share: float) -> FaceSet:
    """The first pictures of the set."""
    count = round(share * len(faces))
    return FaceSet(faces.name, faces.faces[:count], f"{faces.fingerprint}:{count}", faces.one_face)


def main(
    face_set: Annotated[str, typer.Option("--faces")] = "orl",
    root: Annotated[Path | None, typer.Option(help="folder or archive of lfw")] = None,
    workers: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Profile a face set, then extract a quarter, a half and all of it, one mask per face."""
    faces = load_faces(face_set, **({"root": root} if root else {}))
    recogniser = default_backbone().name
    lines = [f"# Extraction of {len(faces)} faces of {faces.name} by {recogniser}", ""]
    lines += [*profile(faces), ""]
    lines += ["| faces | processes | seconds | faces a second |", "| --- | --- | --- | --- |"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        for share in SHARES:
            part = first(faces, share)
            start = time.perf_counter()
            Extraction(part, RandomMasks(), default_backbone(), workers=workers).write_to(path)
            seconds = time.perf_counter() - start
            lines.append(f"| {len(part)} | {workers} | {seconds:.0f} | {len(part) / seconds:.1f} |")
            print(lines[-1], flush=True)
        found = failures_summary(failures_to_acquire(read_attempted_views(path)))
    lines += ["", *markdown_table(found)]
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
