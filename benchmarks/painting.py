"""How many faces a second get a mask: ``python benchmarks/painting.py --help``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from publishing import publish

from eumlib.faces import FaceNotFoundError, landmark_finder, load_faces
from eumlib.masks import SHAPES, Mask, paint_mask

ROUNDS = 5


def main(
    face_set: Annotated[str, typer.Option("--faces")] = "orl",
    root: Annotated[Path | None, typer.Option(help="folder or archive of lfw")] = None,
    count: Annotated[int, typer.Option(min=1, help="faces to paint on")] = 40,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Paint every mask on the same faces, in turn, on one core; the middle of five rounds."""
    cv2.setNumThreads(1)
    faces = load_faces(face_set, **({"root": root} if root else {}))
    found = []
    for face in faces.faces[:: max(1, len(faces) // count)][:count]:
        picture = face.read()
        try:
            found.append((picture, landmark_finder().find(picture)))
        except FaceNotFoundError:
            continue
    seconds = {shape: [] for shape in SHAPES}
    for round_number in range(ROUNDS + 1):
        for shape in SHAPES:
            mask = Mask(shape, (173, 216, 230))
            start = time.perf_counter()
            for picture, landmarks in found:
                paint_mask(picture, landmarks, mask)
            if round_number:  # the first round draws the textures
                seconds[shape].append(time.perf_counter() - start)
    lines = [f"# Painting masks on {len(found)} faces of {faces.name}, one core", ""]
    lines += ["| mask | ms a face | faces a second |", "| --- | --- | --- |"]
    for shape, rounds in seconds.items():
        middle = float(np.median(rounds)) / len(found)
        lines.append(f"| {shape} | {1000 * middle:.2f} | {1 / middle:.0f} |")
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
