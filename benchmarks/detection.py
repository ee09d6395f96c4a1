"""What each detector finds, what it finds wrongly, and what it takes.

``python benchmarks/detection.py compare --faces lfw`` judges the steps and the chains, on faces
that are known to be alone and in the middle of their picture; ``… fit`` finds the constants that
turn MTCNN's boxes into HOG boxes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from publishing import publish

from eumlib._common.progress import progress_bar
from eumlib.faces import (
    CroppedFaceDetector,
    Face,
    FaceDetector,
    FaceNotFoundError,
    FaceSet,
    find_by_hog,
    find_by_mtcnn,
    load_faces,
)
from eumlib.faces.detection import Box, find_by_eager_mtcnn, with_border
from eumlib.faces.landmarks import cropped_landmark_finder
from eumlib.faces.mtcnn import mtcnn
from eumlib.masks import CLOTH, FLAT, RESPIRATOR, SURGICAL, RandomMasks, paint_mask

app = typer.Typer(add_completion=False)
Detect = Callable[[np.ndarray], Box]

FacesOption = Annotated[str, typer.Option("--faces", help="a set of crops of one face")]
RootOption = Annotated[Path | None, typer.Option(help="folder or archive of lfw")]
SampleOption = Annotated[int, typer.Option(min=1, help="faces to look at")]
SAME_FACE = 0.4  # intersection over union of two boxes of one face
FLAT_VIEW, LIFELIKE_VIEW = RandomMasks(kinds=(FLAT,)), RandomMasks(1, (SURGICAL, RESPIRATOR, CLOTH))


class OneStep(CroppedFaceDetector):
    """A chain of one step; the box that covers the centre is not demanded, to see what is wrong."""

    def __init__(self, name: str, find: Callable[[np.ndarray], list[Box]]) -> None:
        self.steps = ((name, find),)

    def accepts(self, box: Box, picture: np.ndarray) -> bool:
        return True


DETECTORS: dict[str, FaceDetector] = {
    "hog": OneStep("hog", find_by_hog),
    "hog with border": OneStep("hog", with_border(find_by_hog)),
    "mtcnn": OneStep("mtcnn", find_by_mtcnn),
    "mtcnn with border": OneStep("mtcnn", with_border(find_by_mtcnn)),
    "eager mtcnn": OneStep("mtcnn", find_by_eager_mtcnn),
    "**chain for any picture**": FaceDetector(),
    "**chain for crops of one face**": CroppedFaceDetector(),
}


def sampled(faces: FaceSet, count: int) -> list[Face]:
    """So many faces, evenly from the set."""
    return [faces[place] for place in np.linspace(0, len(faces) - 1, count).astype(int)]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (one, other)]
    return shared / (sum(areas) - shared)


def views_of(face: Face) -> Iterator[tuple[str, np.ndarray, Box | None]]:
    """The face bare and masked, each with the box in which it is; None where nobody knows."""
    picture = face.read()
    try:
        box = CroppedFaceDetector().detect(picture).box
    except FaceNotFoundError:
        yield "bare", picture, None
        return
    landmarks = cropped_landmark_finder().find(picture)
    yield "bare", picture, box
    yield "flat mask", paint_mask(picture, landmarks, FLAT_VIEW.masks_for(face)[0]), box
    lifelike = LIFELIKE_VIEW.masks_for(face)
    mask = lifelike[sum(face.image_id.encode()) % len(lifelike)]
    yield "lifelike mask", paint_mask(picture, landmarks, mask), box


@app.command()
def compare(
    face_set: FacesOption = "orl",
    root: RootOption = None,
    sample: SampleOption = 400,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Faces lost, found wrongly, and milliseconds a picture, by detector and kind of mask."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    faces = load_faces(face_set, **({"root": root} if root else {}))
    tried: dict[str, int] = {}
    lost, wrong, seconds = ({} for _ in range(3))
    with progress_bar(sample, "detecting", "face") as progress:
        for face in sampled(faces, min(sample, len(faces))):
            for view, picture, truth in views_of(face):
                tried[view] = tried.get(view, 0) + 1
                for name, detector in DETECTORS.items():
                    start = time.perf_counter()
                    try:
                        box = detector.detect(picture).box
                    except FaceNotFoundError:
                        box = None
                    case = (name, view)
                    seconds[case] = seconds.get(case, 0) + time.perf_counter() - start
                    lost[case] = lost.get(case, 0) + (box is None)
                    wrong[case] = wrong.get(case, 0) + (
                        box is not None and truth is not None and overlap(box, truth) < SAME_FACE
                    )
            progress.update()
    lines = [f"# Detectors on {sum(tried.values())} views of faces of {faces.name}", ""]
    lines += ["Lost + found wrongly, and milliseconds a view on one core.", ""]
    lines.append("| detector | " + " | ".join(f"{v} ({n}) | ms" for v, n in tried.items()) + " |")
    lines.append("| --- |" + " --- | --- |" * len(tried))
    for name in DETECTORS:
        cells = [
            f"{lost[name, view]} + {wrong[name, view]} | {1000 * seconds[name, view] / n:.1f}"
            for view, n in tried.items()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    publish(lines, out)


@app.command()
def fit(face_set: FacesOption = "orl", root: RootOption = None, sample: SampleOption = 400) -> None:
    """Where HOG's boxes lie, by the eyes and in widths of MTCNN's boxes: the medians."""
    faces = load_faces(face_set, **({"root": root} if root else {}))
    rows = []
    for face in sampled(faces, min(sample, len(faces))):
        picture = face.read()
        hog, found = find_by_hog(picture), mtcnn().find(picture)
        if len(hog) == len(found.boxes) == 1:
            (box,), eyes = hog, found.points[0, :2].mean(axis=0)
            width = found.boxes[0, 2] - found.boxes[0, 0]
            below = ((box.top + box.bottom) / 2 - eyes[1]) / width
            rows.append((below, (box.right - box.left + box.bottom - box.top) / 2 / width))
    below, side = np.median(rows, axis=0)
    print(f"{len(rows)} faces: below the eyes {below:.3f}, side {side:.3f}")


if __name__ == "__main__":
    app()
