"""A sheet of faces in nine masks, to look at: ``python benchmarks/mask_sheet.py --help``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from PIL import Image

from eumlib._common.files import atomic_path
from eumlib.faces import FaceSet, landmark_finder, load_faces
from eumlib.masks import PAPER_COLOURS, Mask, paint_mask

TILE = 160  # px
SURROUNDINGS = 0.7  # half a tile's side, of the face's longer side
MASKS = (
    Mask("a", PAPER_COLOURS["light blue"]),
    Mask("c", PAPER_COLOURS["white"]),
    Mask("f", PAPER_COLOURS["black"]),
    Mask("surgical", PAPER_COLOURS["light blue"]),
    Mask("respirator", (245, 245, 242)),
    Mask("cloth plain", (40, 42, 60)),
    Mask("cloth striped", (40, 70, 130)),
    Mask("cloth dotted", (150, 30, 50)),
    Mask("cloth checked", (60, 110, 80)),
)


def drawn_faces(name: str, count: int, seed: int) -> FaceSet:
    """The face set of that name; of generated faces enough, as not all of them are found."""
    if name == "synthetic":
        return load_faces(name, count=2 * count, seed=seed)
    return load_faces(name)


def found_faces(faces: FaceSet, count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """So many pictures and their landmarks, from faces drawn at random."""
    for place in np.random.default_rng(seed).permutation(len(faces)):
        if count == 0:
            return
        try:
            picture = faces[place].read()
            landmarks = landmark_finder().find(picture)
        except ValueError:  # unreadable, or no face found
            continue
        count -= 1
        yield picture, landmarks


def tile(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The face and its surroundings, ``(TILE, TILE, 3)``; grey where the picture ends."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    reach = SURROUNDINGS * (high - low).max()
    left, top = (low + high) / 2 - reach
    scale = TILE / (2 * reach)
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    while scale < 0.5:  # halve first: warpAffine reads four pixels only
        picture, scale, move[:, :2] = cv2.pyrDown(picture), 2 * scale, 2 * move[:, :2]
    return cv2.warpAffine(picture, move, (TILE, TILE), borderValue=(128, 128, 128))


def main(
    name: Annotated[str, typer.Option("--faces", help="orl, synthetic, or a folder")] = "orl",
    count: Annotated[int, typer.Option(min=1)] = 40,
    out: Annotated[Path, typer.Option(help="picture to write")] = Path("mask-sheet.png"),
    seed: int = 0,
) -> None:
    """One row per face: as it is, in three flat masks, and in six lifelike ones."""
    cv2.setNumThreads(1)
    rows, seconds = [], np.zeros(len(MASKS))
    for mask in MASKS:  # lifelike fabric is drawn once
        paint_mask(np.zeros((99, 99, 3), np.uint8), np.arange(136).reshape(68, 2), mask)
    for picture, landmarks in found_faces(drawn_faces(name, count, seed), count, seed):
        row = [tile(picture, landmarks)]
        for place, mask in enumerate(MASKS):
            start = time.perf_counter()
            painted = paint_mask(picture, landmarks, mask)
            seconds[place] += time.perf_counter() - start
            row.append(tile(painted, landmarks))
        rows.append(np.hstack(row))
    if not rows:
        raise SystemExit(f"no face was found in {name}")
    with atomic_path(out) as path:
        Image.fromarray(np.vstack(rows)).save(path, format="png")
    for mask, spent in zip(MASKS, seconds, strict=True):
        print(f"{mask.shape:14} {1000 * spent / len(rows):6.2f} ms a face")
    print(f"{len(rows)} faces in {out}")


if __name__ == "__main__":
    typer.run(main)
