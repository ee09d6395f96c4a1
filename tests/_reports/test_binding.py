import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import nbformat
import numpy as np
import pytest

from eumlib._common.files import sha256_of
from eumlib._reports import binding as report_module
from eumlib._reports.binding import bind_report
from eumlib._reports.manifest import read_manifest
from eumlib._reports.pages import PLOTLY_MIME
from eumlib.verification import ScoreCounts, det_curves, summary


class Addresses(HTMLParser):
    """Collects what a page would load."""

    def __init__(self, page):
        super().__init__()
        self.loaded = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        wanted = {"script": "src", "link": "href", "img": "src", "iframe": "src"}.get(tag)
        if wanted and attributes.get(wanted):
            self.loaded.append(attributes[wanted])


@pytest.fixture
def report(tmp_path, manifest, runs):
    (tmp_path / "notebooks").mkdir()
    for name in ("01_a", "02_b"):
        text = nbformat.v4.new_markdown_cell("# Title\n\nWith text\n\n## Part")
        book = nbformat.v4.new_notebook(cells=[text, nbformat.v4.new_code_cell("1 + 1")])
        nbformat.write(book, tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "09_of_an_earlier_report.html").write_text("")
    return bind_report(runs, manifest, tmp_path)


def test_on_a_full_disk_the_earlier_report_stays_as_it_was(report, manifest, runs, monkeypatch):
    folder = report.parent
    (folder / "09_of_another_report.html").write_text("")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    written = report_module.write_text

    def write_text(path, text):
        if path.name == "02_b.html":
            raise OSError(28, "No space left on device", str(path))
        written(path, text)

    monkeypatch.setattr(report_module, "write_text", write_text)
    with pytest.raises(OSError, match="No space left"):
        bind_report(runs[:2], manifest, folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before
    assert not list(folder.glob(".eumlib-*"))


def test_pages_are_the_same_bytes_when_they_are_made_again(report, manifest, runs):
    before = {path.name: path.read_bytes() for path in report.parent.glob("0*.html")}
    bind_report(runs, manifest, report.parent)
    assert {path.name: path.read_bytes() for path in report.parent.glob("0*.html")} == before


def test_pages_load_nothing_but_files_beside_them(report):
    for page in report.parent.glob("*.html"):
        for address in Addresses(page.read_text(encoding="utf-8")).loaded:
            assert address.startswith("data:") or (report.parent / address).is_file(), address
    assert (report.parent / "plotly.min.js").stat().st_size > 1e6
    style = (report.parent / "style.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_pages_have_one_title_and_their_headings_in_order(report):
    for page in report.parent.glob("*.html"):
        levels = [int(n) for n in re.findall(r"<h(\d)", page.read_text(encoding="utf-8"))]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_page_lists_its_sections(tmp_path, manifest, runs):
    (tmp_path / "notebooks").mkdir()
    cells = [nbformat.v4.new_markdown_cell("# One\n\n## The *first*\n\n## And $x$")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks/01_a.ipynb")
    bind_report(runs[:1], manifest, tmp_path)
    page = (tmp_path / "01_a.html").read_text(encoding="utf-8")
    listed = re.search(r'<details class="contents">(.*?)</details>', page, re.DOTALL)[1]
    for anchor in re.findall(r'href="#([^"]+)"', listed):
        assert f'<h2 id="{anchor}"' in page
    assert ">The <em>first</em></a>" in listed
    assert "<math" in listed


def test_the_index_has_every_notebook_its_status_and_the_results(report, results):
    page = report.read_text(encoding="utf-8")
    assert 'href="01_a.html"' in page
    assert "done, kept from 2026-01-01 01:02 UTC</td><td>1.0</td>" in page
    assert "cell In [3]: no" in page
    assert '<td>03 The third</td>\n<td class="not-run">not run</td>' in page
    assert "6 people, 24 photographs; 0 of 24 faces were not acquired." in page
    assert "A star marks rates" in page
    for cell in summary(results).to_numpy().ravel():
        assert str(cell) in page


def test_the_index_begins_with_what_was_found_in_three_sentences(report, results):
    page = report.read_text(encoding="utf-8")
    words = re.search(r"<h1>.*?</h1>\s*<p>(.*?)</p>", page, re.DOTALL)[1]
    assert words.count(". ") == 2
    rows = results.assign(unmasking=results["unmasking"].fillna(""))
    rates = {(row.setting, row.unmasking): 100 * row.eer for row in rows.itertuples()}
    bare, masked = rates["UMR-UMP", ""], rates["UMR-MP", ""]
    assert f"from {bare:.1f} to {masked:.1f} %" in words
    assert f"brings it to {rates['UMR-MP', 'srt']:.1f} %, depending" in words


def test_the_index_shows_the_det_figure_of_a_notebook(tmp_path, manifest, runs):
    figure = det_curves({"masks": ScoreCounts.of(np.array([0.4, 0.9]), np.array([-0.1, 0.5]))})
    shown = nbformat.v4.new_output("display_data", data={PLOTLY_MIME: json.loads(figure.to_json())})
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("draw()", outputs=[shown])])
    (tmp_path / "notebooks").mkdir()
    nbformat.write(book, tmp_path / "notebooks" / "01_a.ipynb")
    page = bind_report(runs, manifest, tmp_path).read_text(encoding="utf-8")
    assert 'aria-label="DET curves of masks' in page
    assert 'src="plotly.min.js"' in page


def test_a_link_to_a_notebook_leads_to_its_page(tmp_path, manifest, runs):
    text = nbformat.v4.new_markdown_cell("# A\n\n[Next](02_b.ipynb)")
    (tmp_path / "notebooks").mkdir()
    book = nbformat.v4.new_notebook(cells=[text])
    nbformat.write(book, tmp_path / "notebooks" / "01_a.ipynb")
    bind_report(runs, manifest, tmp_path)
    assert 'href="02_b.html">Next' in (tmp_path / "01_a.html").read_text(encoding="utf-8")


def test_the_index_ends_with_what_the_report_was_made_of(report, manifest):
    page = report.read_text(encoding="utf-8")
    for part in (
        manifest["commit"], "people = 6", "0 in 01_a; 7 in 02_b", "Z80, 2 cores, 1 threads",
        "torch 2.13.0", "data/faces.parquet", "ab" * 32, sha256_of(report.parent / "01_a.html"),
    ):  # fmt: skip
        assert part in page, part


def test_the_manifest_has_the_outputs_the_end_and_the_status(report):
    made = read_manifest(report.parent)
    assert made["status"] == "failed"
    assert made["finished"] > made["started"]
    assert [run["status"] for run in made["runs"]] == ["done", "failed", "not run"]
    assert set(made["outputs"]) == {
        "plotly.min.js", "style.css", "01_a.html", "notebooks/01_a.ipynb", "02_b.html",
        "notebooks/02_b.ipynb",
    }  # fmt: skip
    for name, sha256 in made["outputs"].items():
        assert sha256_of(report.parent / name) == sha256


def test_a_page_says_what_it_was_given_other_than_its_text_speaks_of(report):
    page = (report.parent / "02_b.html").read_text(encoding="utf-8")
    assert "Run with people = 6. What the text says" in page
    assert "Run with" not in (report.parent / "01_a.html").read_text(encoding="utf-8")


def test_pages_lead_to_each_other(report):
    page = (report.parent / "02_b.html").read_text(encoding="utf-8")
    assert 'href="01_a.html" rel="prev"' in page
    assert 'rel="next"' not in page
    assert "This notebook stopped: cell In [3]: no" in page
    assert not (report.parent / "03_c.html").exists()
    assert not (report.parent / "09_of_an_earlier_report.html").exists()


def test_a_page_that_is_too_large_is_named(runs, manifest, report, monkeypatch, capsys):
    monkeypatch.setattr(report_module, "PAGE_BYTES", 1000)
    bind_report(runs, manifest, report.parent)
    assert "01_a.html is large, 0.0 MB" in capsys.readouterr().out
