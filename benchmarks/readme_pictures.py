"""The pictures of the README and of RESULTS.md, from a run: ``make pictures``.

Faces on them come from the generator, since no photograph of a person is kept in the repository;
the curves and the still map are those of the ORL photographs. Each core notebook is shown by a
figure of its last run in build/report. All but faces is drawn as a browser draws it, so Chromium
has to be there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import nbformat
import numpy as np
from mask_sheet import tile
from PIL import Image, ImageDraw, ImageFont, ImageOps
from plotly.offline import get_plotlyjs

from eumlib._common.files import DATA_FOLDER, PROJECT_FOLDER, atomic_path
from eumlib._common.looks import figure_html
from eumlib._reports.pages import PLOTLY_MIME
from eumlib.embeddings import ViewPictures, default_backbone, extract_cached
from eumlib.faces import Face, FaceSet, finder_for, load_faces
from eumlib.faces.generator import LATENT_SIZE, drawn_from
from eumlib.maps import MapExplorer, explore, joint_umap
from eumlib.masks import PAPER_COLOURS, Mask, RandomMasks, paint_mask
from eumlib.unmasking import WORKBOOK, Unmasker, train_unmasker
from eumlib.verification import (
    MIXED_SETTING,
    UNMASKED_SETTING,
    ComparedViews,
    ScoreCounts,
    det_curves,
)

FOLDER = DATA_FOLDER / "pictures"
LARGEST = 300_000  # bytes
LARGEST_MOVING = 2_000_000
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
NOBODY, PICTURES_EACH, SPREAD = 20, 5, 0.2  # people, pictures, and how much these differ
LEARNERS, JUDGES = 400, 40  # other such people, on whom the EUM of the moving picture learns
SHORT = replace(WORKBOOK, batch_size=128, epochs=50, epochs_a_step=15, patience=50)
MOVING_SIZE = (1200, 780)
HIDDEN = (
    "header, #marks, #card, #csvLine, #csvDetails, #counts, .modebar, section > h2, section > ul"
)
LESS = HIDDEN + " { display: none !important }"
# Milliseconds, and what is done to the explorer's controls before: the EUM is switched on, the
# threshold moves, a person is chosen.
SCENES = (
    (1200, {"morph": 0}),
    *((180, {"morph": way}) for way in (15, 30, 45, 60, 75, 90)),
    (1500, {"morph": 100}),
    *((350, {"threshold": by}) for by in (-0.04, -0.08, -0.12)),
    (900, {"threshold": -0.12}),
    (2500, {"threshold": -0.12, "person": "nobody 7", "lines": True}),
)
THUMBNAIL = (300, 190)
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
    """One row per face: as it is, and in each mask; one column per mask, with its name."""
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


def screenshot(page: str, width: int, height: int, finer: int = FINER) -> Image.Image:
    """The top of a page of that size as Chromium shows it, drawn so many times finer."""
    with tempfile.TemporaryDirectory() as folder:
        shown, drawn = Path(folder) / "page.html", Path(folder) / "page.png"
        shown.write_text(page, encoding="utf-8")
        command = [
            browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--virtual-time-budget=8000", f"--force-device-scale-factor={finer}",
            f"--window-size={width},{height + SPARE}", f"--user-data-dir={folder}/profile",
            f"--screenshot={drawn}", shown.as_uri(),
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if not drawn.exists():
            raise SystemExit(f"Chromium drew nothing:\n{run.stderr}")
        with Image.open(drawn) as image:
            return image.convert("RGB").crop((0, 0, finer * width, finer * height))


def few_colours(picture: Image.Image) -> Image.Image:
    """The same in 256 colours; median cut would merge rare ones, such as two of the outcomes'."""
    return picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def explorer_of(faces: FaceSet, model: Unmasker) -> MapExplorer:
    """The explorer of these faces, in one mask each, before and after the model."""
    table = extract_cached(faces, RandomMasks(0), default_backbone())
    explored = explore(table, model)
    threshold = ComparedViews.of_table(table).operating_thresholds().at_1000
    pictures = ViewPictures(faces, table.rows)
    return MapExplorer(explored, {"UMAP": joint_umap(explored)}, pictures, threshold)


def workbook_model() -> Unmasker:
    """The model that the README's commands name."""
    return Unmasker.load(DATA_FOLDER / "models" / "nobody_workbook_srt.safetensors")


def curves() -> str:
    """A page with the DET curves of all ORL faces."""
    table = extract_cached(load_faces("orl"), RandomMasks(0), default_backbone())
    views = ComparedViews.of_table(table)
    counts = {
        name: ScoreCounts.of_comparison(comparison)
        for name, comparison in (
            ("no masks", views.compare(UNMASKED_SETTING)),
            ("masks", views.compare(MIXED_SETTING)),
            ("masks, through the EUM", views.through(workbook_model()).compare(MIXED_SETTING)),
        )
    }
    return det_curves(counts).to_html(include_plotlyjs=True, config={"displayModeBar": False})


def people_who_do_not_exist(count: int, stream: int) -> FaceSet:
    """Generated people in several pictures each: latent vectors near to that of the person."""
    faces = []
    for person in range(count):
        random = np.random.default_rng([stream, person])
        own = random.standard_normal(LATENT_SIZE)
        for number in range(PICTURES_EACH):
            other = random.standard_normal(LATENT_SIZE)
            latent = np.sqrt(1 - SPREAD**2) * own + SPREAD * other
            name = f"nobody {person}"
            faces.append(Face(f"{name}/{number}", name, partial(drawn_from, latent)))
    fingerprint = f"nobody {count} {stream} {PICTURES_EACH} {SPREAD}"
    return FaceSet("nobody", tuple(faces), fingerprint, one_face=True)


def model_of_nobody() -> Unmasker:
    """An EUM that has learnt from other generated people: they are unlike photographs."""
    training, validation = (
        extract_cached(
            people_who_do_not_exist(count, stream), RandomMasks(stream), default_backbone()
        )
        for count, stream in ((LEARNERS, 6), (JUDGES, 7))
    )
    return train_unmasker([training], [validation], SHORT).unmasker


def scene(page: str, controls: Mapping[str, object]) -> str:
    """The explorer's page with its controls moved; a threshold is given by how much it moves."""
    script = f"""
addEventListener("load", () => {{
  for (const [id, value] of Object.entries({json.dumps(controls)})) {{
    const control = document.getElementById(id);
    if (control.type === "checkbox") control.checked = value;
    else control.value = id === "threshold" ? Number(control.value) + value : value;
    control.dispatchEvent(new Event(control.type === "range" ? "input" : "change"));
  }}
}});"""
    return page.replace("</body>", f"<style>{LESS}</style><script>{script}</script></body>")


def save_moving_explorer() -> None:
    """The explorer while its controls move, as an animated WebP."""
    page = explorer_of(people_who_do_not_exist(NOBODY, 5), model_of_nobody()).page
    frames = [screenshot(scene(page, controls), *MOVING_SIZE, finer=1) for _, controls in SCENES]
    durations = [milliseconds for milliseconds, _ in SCENES]
    moving = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    save(frames[0], "explorer.webp", LARGEST_MOVING, **moving, method=4)


def save_thumbnails() -> None:
    """A figure of each core notebook's last run, or faces where its figures are photographs."""
    folder = PROJECT_FOLDER / "build/report/notebooks"
    sheet = mask_sheet()
    step = TILE + GAP
    bare = [sheet.crop((0, at, TILE, at + TILE)) for at in (LABEL, LABEL + step)]
    faces = Image.new("RGB", (step + TILE, TILE), "white")
    for place, face in enumerate(bare):
        faces.paste(face, (place * step, 0))
    drawn = {"01": faces, "02": sheet.crop((step, LABEL, 4 * step, LABEL + 2 * step))}
    for path in sorted(folder.glob("0*.ipynb")):
        number = path.name[:2]
        figures = figures_of(path)
        if number not in drawn and figures:
            page = f"<script>{get_plotlyjs()}</script>{figure_html(figures[-1], 'thumbnail')}"
            drawn[number] = screenshot(page, 640, 405, finer=1)
    for number, picture in drawn.items():
        save(ImageOps.fit(picture.convert("RGB"), THUMBNAIL), f"notebooks/{number}.webp")


def figures_of(path: Path) -> list[dict]:
    """The figures of an executed notebook, in their order."""
    return [
        output["data"][PLOTLY_MIME]
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if PLOTLY_MIME in output.get("data", {})
    ]


def save(picture: Image.Image, name: str, largest: int = LARGEST, **options: object) -> None:
    """Write a picture into `data/pictures`, or refuse one that is too large for a README."""
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    with atomic_path(path) as temporary:
        picture.save(temporary, **{"optimize": True, "quality": 85} | options)
        size = temporary.stat().st_size
        if size >= largest:
            raise SystemExit(f"{name} has {size:,} bytes, and may have {largest:,}: draw less")
    print(f"{path}: {size // 1000} kB")


def main() -> None:
    """Draw all pictures anew."""
    browser()  # say at once what is missing
    cv2.setNumThreads(1)
    save(mask_sheet(), "mask_sheet.jpg")
    save(few_colours(screenshot(curves(), 800, 530)), "det_curves.png")
    orl = explorer_of(load_faces("orl"), workbook_model())
    save(few_colours(screenshot(orl.page, 960, 772)), "explorer.png")
    save_moving_explorer()
    save_thumbnails()


if __name__ == "__main__":
    main()
