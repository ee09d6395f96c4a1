"""The pictures of the README and of RESULTS.md, and the command that draws them."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent


def shown_in(text):
    """Each picture's words and its path; those whose words are empty stand beside a name."""
    found = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text)
    return found + re.findall(r'<img(?=[^>]* alt="([^"]+)")[^>]* src="([^"]+)"', text)


TEXTS = [ROOT / "README.md", ROOT / "RESULTS.md", *(ROOT / "docs").glob("*.md")]
PICTURES = sorted(
    {
        (alt, path.removeprefix("../"))
        for text in TEXTS
        for alt, path in shown_in(text.read_text(encoding="utf-8"))
        if not path.endswith("badge.svg")  # GitHub draws it
    }
)
STILL = [picture for picture in PICTURES if not picture[1].endswith(".webp")]
FOLDER = ROOT / "data" / "pictures"


@pytest.fixture
def drawing(monkeypatch):
    """The script, imported as it finds its neighbours when it is run."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import readme_pictures

    return readme_pictures


def test_every_picture_that_is_kept_is_shown_and_no_other():
    assert len(PICTURES) >= 2
    kept = {path for path in FOLDER.iterdir() if path.is_file()}
    assert {ROOT / path for _, path in PICTURES} == kept


def test_every_core_notebook_has_its_small_picture_and_no_other():
    core = {path.name[:2] for path in (ROOT / "notebooks").glob("0*.ipynb")}
    small = [*(FOLDER / "notebooks").iterdir()]
    assert {path.stem for path in small} == core
    assert all(path.stat().st_size < 30_000 for path in small)


def test_the_explorer_moves_within_two_megabytes():
    assert FOLDER.joinpath("explorer.webp").stat().st_size < 2_000_000
    with Image.open(FOLDER / "explorer.webp") as image:
        assert image.n_frames >= 5


def test_a_scene_moves_the_controls_once_the_page_is_there(drawing):
    page = drawing.scene("<body><p>map</p></body>", {"morph": 30, "lines": True})
    assert page.startswith("<body><p>map</p>")
    assert '{"morph": 30, "lines": true}' in page
    assert page.endswith("</script></body>")


def test_people_who_do_not_exist_have_several_pictures_that_are_alike(drawing):
    faces = drawing.people_who_do_not_exist(3, stream=5)
    assert len(faces) == 3 * drawing.PICTURES_EACH
    repeated, elsewhere = (drawing.people_who_do_not_exist(3, n)[0].read() for n in (5, 6))
    np.testing.assert_array_equal(faces[0].read(), repeated)
    assert (elsewhere != repeated).any()
    own, again, other = (faces[n].read().astype(int) for n in (0, 1, drawing.PICTURES_EACH))
    assert 0 < np.abs(own - again).mean() < np.abs(own - other).mean()


@pytest.mark.parametrize(("alt", "path"), STILL)
def test_a_picture_is_small_light_and_told_in_words(alt, path):
    assert len(alt.split()) >= 10
    assert (ROOT / path).stat().st_size < 300_000
    with Image.open(ROOT / path) as image:
        assert image.width >= 1600  # sharp at a width of 800
        edge = np.asarray(image.convert("L"))[-1]
    assert np.median(edge) > 240


def test_without_chromium_the_command_says_what_to_install(drawing, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(drawing, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        drawing.main()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_is_too_large_is_refused_and_not_kept(drawing, monkeypatch, tmp_path):
    monkeypatch.setattr(drawing, "FOLDER", tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    with pytest.raises(SystemExit, match="may have 300,000"):
        drawing.save(Image.fromarray(noise), "noise.png")
    assert list(tmp_path.iterdir()) == []
    drawing.save(Image.fromarray(noise[:50]), "noise.png")
    assert [path.name for path in tmp_path.iterdir()] == ["noise.png"]


def test_tiles_stand_under_their_labels_on_white(drawing):
    grey = np.full((10, 10, 3), 128, np.uint8)
    sheet = np.asarray(drawing.labelled([[grey, grey]] * 3, ["one", "two"]))
    step = drawing.TILE + drawing.GAP
    assert sheet.shape == (drawing.LABEL + 3 * step, 2 * step, 3)
    assert (sheet[: drawing.LABEL].min(axis=(0, 2)) == 255).any()
    for column in range(2):
        label = sheet[: drawing.LABEL, column * step : (column + 1) * step]
        assert label.min() < 50
        assert (sheet[drawing.LABEL, column * step : column * step + drawing.TILE] == 128).all()
    assert (sheet[-1] == 255).all()
