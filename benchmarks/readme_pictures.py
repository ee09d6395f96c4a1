"""The README's pictures, from a run: ``make pictures``.

The faces on the sheet of masks come from the generator, since no photograph of a person is kept in
the repository; the curves and the maps are those of the ORL photographs. Curves and maps are drawn
as a browser draws them, so Chromium has to be there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from mask_sheet import tile
from PIL import Image, ImageDraw, ImageFont

from eumlib._common.files import DATA_FOLDER, atomic_path
from eumlib.embeddings import ViewPictures, default_backbone, extract_cached
from eumlib.faces import finder_for, load_faces
from eumlib.maps import MapExplorer, explore, joint_umap
from eumlib.masks import PAPER_COLOURS, Mask, RandomMasks, paint_mask
from eumlib.unmasking import Unmasker
from eumlib.verification import (
    MIXED_SETTING,
    UNMASKED_SETTING,
    ComparedViews,
    ScoreCounts,
    det_curves,
)

FOLDER = DATA_FOLDER / "pictures"
LARGEST = 300_000  # bytes
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SHEET_FACES = (3, 23, 36, 61)  # of the generator's stream 0: two from the front, two turned
SHEET_MASKS = {
    "flat a": Mask("a", PAPER_COLOURS["light blue"]),
    "flat c": Mask("c", PAPER_COLOURS["white"]),
    "flat f": Mask("f", PAPER_COLOURS["black"]),
    "surgical": Mask("surgical", PAPER_COLOURS["light blue"]),
    "respirator": Mask("respirator", (245, 245, 242)),
    "cloth, striped": Mask("cloth striped", (40, 70, 130)),
    "cloth, checked": Mask("cloth checked", (60, 110, 80)),
}
TILE, GAP, LABEL = 194, 6, 44  # px; the README shows half of it
FINER, SPARE = 2, 200  # pixels of the picture to one of the page; room for a window's frame


def browser() -> str:
    """The path of Chromium; SystemExit where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise SystemExit(
            "The README's pictures are drawn by Chromium, and there is none: install it (on "
            "Debian: apt-get install chromium), or give its path in the variable CHROMIUM."
        )
    return found


def mask_sheet() -> Image.Image:
    """A row a face: as it is, and in each mask; a column a mask, with its name."""
    faces = load_faces("synthetic", count=max(SHEET_FACES) + 1, seed=0)
    finder = finder_for(faces)
    rows = []
    for number in SHEET_FACES:
        picture = faces[number].read()
        landmarks = finder.find(picture)
        dressed = [paint_mask(picture, landmarks, mask) for mask in SHEET_MASKS.values()]
        rows.append([tile(each, landmarks) for each in (picture, *dressed)])
    return labelled(rows, ["no mask", *SHEET_MASKS])


def labelled(rows: Sequence[Sequence[np.ndarray]], labels: Sequence[str]) -> Image.Image:
    """Tiles in rows on white, and a label over each column."""
    step = TILE + GAP
    sheet = Image.new("RGB", (step * len(labels), LABEL + step * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(labels):
        middle = (column * step + TILE // 2, LABEL // 2)
        draw.text(middle, label, "black", ImageFont.load_default(24), anchor="mm")
        for row, tiles in enumerate(rows):
            enlarged = Image.fromarray(tiles[column]).resize((TILE, TILE), Image.Resampling.BICUBIC)
            sheet.paste(enlarged, (column * step, LABEL + row * step))
    return sheet


def screenshot(page: str, width: int, height: int) -> Image.Image:
    """The top of a page of that size as Chromium shows it, drawn `FINER`."""
    with tempfile.TemporaryDirectory() as folder:
        shown, drawn = Path(folder) / "page.html", Path(folder) / "page.png"
        shown.write_text(page, encoding="utf-8")
        command = [
            browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--virtual-time-budget=8000", f"--force-device-scale-factor={FINER}",
            f"--window-size={width},{height + SPARE}", f"--user-data-dir={folder}/profile",
            f"--screenshot={drawn}", shown.as_uri(),
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if not drawn.exists():
            raise SystemExit(f"Chromium drew nothing:\n{run.stderr}")
        with Image.open(drawn) as image:
            top = image.convert("RGB").crop((0, 0, FINER * width, FINER * height))
            # Median cut would merge rare colours, such as two of the outcomes'.
            return top.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def curves_and_maps() -> tuple[Image.Image, Image.Image]:
    """The DET curves, and the explorer, of all ORL faces and the workbook's SRT model."""
    faces = load_faces("orl")
    table = extract_cached(faces, RandomMasks(0), default_backbone())
    unmasker = Unmasker.load(DATA_FOLDER / "models" / "nobody_workbook_srt.safetensors")
    views = ComparedViews.of_table(table)
    counts = {
        name: ScoreCounts.of_comparison(comparison)
        for name, comparison in (
            ("no masks", views.compare(UNMASKED_SETTING)),
            ("masks", views.compare(MIXED_SETTING)),
            ("masks, through the EUM", views.through(unmasker).compare(MIXED_SETTING)),
        )
    }
    explored = explore(table, unmasker)
    explorer = MapExplorer(
        explored,
        {"UMAP": joint_umap(explored)},
        ViewPictures(faces, table.rows),
        views.thresholds_in_service().at_1000,
    )
    page = det_curves(counts).to_html(include_plotlyjs=True, config={"displayModeBar": False})
    return screenshot(page, 800, 530), screenshot(explorer.page, 960, 772)


def save(picture: Image.Image, name: str) -> None:
    """Write a picture into `data/pictures`, or refuse one that is too large for a README."""
    path = FOLDER / name
    with atomic_path(path) as temporary:
        picture.save(temporary, optimize=True, quality=85)
        size = temporary.stat().st_size
        if size >= LARGEST:
            raise SystemExit(f"{name} has {size:,} bytes, and may have {LARGEST:,}: draw less")
    print(f"{path}: {size // 1000} kB")


def main() -> None:
    """Draw all pictures anew."""
    browser()  # say at once what is missing
    cv2.setNumThreads(1)
    save(mask_sheet(), "mask_sheet.jpg")
    curves, maps = curves_and_maps()
    save(curves, "det_curves.png")
    save(maps, "explorer.png")


if __name__ == "__main__":
    main()
