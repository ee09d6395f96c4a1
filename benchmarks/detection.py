"""What each detector finds, what it finds wrongly, and what it takes.

``python benchmarks/detection.py compare --faces lfw`` judges the steps and the chains, on faces
that are known to be alone and in the middle of their picture; ``… small`` judges the chains, and
what they were before views had to agree, on small pictures with a masked face or none; ``… fit``
finds the constants that turn MTCNN's boxes into HOG boxes.
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
from small_pictures import people_of, small_pictures

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
from eumlib.faces.detection import (
    Box,
    as_hog_boxes,
    with_border,
)
from eumlib.faces.landmarks import cropped_landmark_finder
from eumlib.faces.mtcnn import StageThresholds, mtcnn
from eumlib.masks import CLOTH, FLAT, RESPIRATOR, SURGICAL, RandomMasks, paint_mask

app = typer.Typer(add_completion=False)
Detect = Callable[[np.ndarray], Box]

FacesOption = Annotated[str, typer.Option("--faces", help="a set of crops of one face")]
RootOption = Annotated[Path | None, typer.Option(help="folder or archive of lfw")]
SampleOption = Annotated[int, typer.Option(min=1, help="faces to look at")]
SAME_FACE = 0.4  # intersection over union of two boxes of one face
FLAT_VIEW, LIFELIKE_VIEW = RandomMasks(kinds=(FLAT,)), RandomMasks(1, (SURGICAL, RESPIRATOR, CLOTH))


def find_by_eager_mtcnn(picture: np.ndarray) -> list[Box]:
    """The faces that MTCNN finds at low thresholds, and more that are none."""
    return as_hog_boxes(mtcnn().find(picture, StageThresholds(0.3, 0.3, 0.3)))


class FormerFaceDetector(FaceDetector):
    """The chain for any picture before views had to agree."""

    steps = (*FaceDetector.steps[:2], ("hog with border", with_border(find_by_hog)))


class FormerCroppedFaceDetector(CroppedFaceDetector):
    """The chain for crops of one face before views had to agree."""

    steps = (
        *CroppedFaceDetector.steps[:4],
        ("eager mtcnn", find_by_eager_mtcnn),
        ("eager mtcnn with border", with_border(find_by_eager_mtcnn)),
    )


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
    "former chain for any picture": FormerFaceDetector(),
    "**chain for any picture**": FaceDetector(),
    "former chain for crops of one face": FormerCroppedFaceDetector(),
    "**chain for crops of one face**": CroppedFaceDetector(),
}
CHAINS = {name: detector for name, detector in DETECTORS.items() if "chain" in name}


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
def small(
    root: RootOption = None,
    people: Annotated[int, typer.Option(min=1, help="of LFW's validation part")] = 200,
    mfr2: Annotated[Path | None, typer.Option(help="folder of MFR2, to try the chains on")] = None,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Faces lost and found wrongly on small pictures, and faces found where there is none."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    chosen = people_of(load_faces("lfw", root=root), "validation")
    kinds: dict[str, list[Tally]] = {}
    with progress_bar(people, "detecting", "person") as progress:
        for seed, face in enumerate(sampled(chosen, min(people, len(chosen)))):
            for kind, picture, truth in small_pictures(face, seed):
                tallies = kinds.setdefault(kind, [Tally(truth is not None) for _ in CHAINS])
                for tally, chain in zip(tallies, CHAINS.values(), strict=True):
                    tally.add(chain, picture, truth)
            progress.update()
    lines = [
        "# Chains on small pictures",
        "",
        f"{min(people, len(chosen))} people of LFW's validation part, lifelike masks painted on; "
        "48 to 80 pixels of detail, blurred and compressed, half of them enlarged again.",
        "",
        "Lost + found wrongly (the box and the face's overlap by less than "
        f"{SAME_FACE}, intersection over union) where there is a face, found where there is none; "
        "and milliseconds a picture on one core.",
        "",
        "| pictures | " + " | ".join(f"{name} | ms" for name in CHAINS) + " |",
        "| --- |" + " --- | --- |" * len(CHAINS),
        *(tally_row(kind, tallies) for kind, tallies in kinds.items()),
    ]
    if mfr2:
        worn = [face for face in load_faces("mfr2", root=mfr2) if face.worn_mask]
        tallies = [Tally(True) for _ in CHAINS]
        for face in worn:
            for tally, chain in zip(tallies, CHAINS.values(), strict=True):
                tally.add(chain, face.read(), None)
        lines.append(tally_row("masks worn, MFR2 (where the face is, is not known)", tallies))
    publish(lines, out)


class Tally:
    """How one chain did on pictures of one kind."""

    def __init__(self, shows_faces: bool) -> None:
        self.shows_faces = shows_faces
        self.pictures = self.found = self.wrong = 0
        self.seconds = 0.0

    def add(self, chain: FaceDetector, picture: np.ndarray, truth: Box | None) -> None:
        """Count what the chain finds on the picture."""
        start = time.perf_counter()
        try:
            box = chain.detect(picture).box
        except FaceNotFoundError:
            box = None
        self.seconds += time.perf_counter() - start
        self.pictures += 1
        self.found += box is not None
        self.wrong += box is not None and truth is not None and overlap(box, truth) < SAME_FACE

    def __str__(self) -> str:
        lost = f"{self.pictures - self.found} + {self.wrong}"
        count = lost if self.shows_faces else f"{self.found} found"
        return f"{count} | {1000 * self.seconds / self.pictures:.1f}"


def tally_row(kind: str, tallies: list[Tally]) -> str:
    """One kind of pictures as a row."""
    return f"| {kind} ({tallies[0].pictures}) | {' | '.join(map(str, tallies))} |"


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
