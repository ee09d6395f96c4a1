"""The site: built small, of three notebooks, it is whole and asks the network for nothing."""

import re
import runpy
import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import plotly.graph_objects as go
import pytest
import yaml
from browser import Browser, what_is_missing

import eumlib
from eumlib._reports.resuming import write_record
from eumlib._reports.runs import Run

pytest.importorskip("sphinx_book_theme", reason="the site is built by the extra site")
pytest.importorskip("myst_nb", reason="the site is built by the extra site")

ROOT = Path(__file__).parent.parent
GLOSSARY = (ROOT / "notebooks/GLOSSARY.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^- \*\*(.+?)\*\*", GLOSSARY, re.MULTILINE)
PAGE_BYTES = 8_000_000
FIRST, STALE, LAST = "00_start_here", "12_compare_rivals", "21_train_the_networks"
EXPLORER = "<!doctype html><title>Explorer</title><p>Faces, & more.</p>"
FRAME = f'<iframe title="Explorer" srcdoc="{EXPLORER.replace("&", "&amp;")}"></iframe>'


def notebook(*cells):
    return nbformat.v4.new_notebook(
        cells=list(cells),
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        },
    )


def text(source):
    return nbformat.v4.new_markdown_cell(source)


def code(source, data=None, **metadata):
    outputs = [nbformat.v4.new_output("display_data", data=data)] if data else []
    return nbformat.v4.new_code_cell(source, outputs=outputs, metadata=metadata)


def three_notebooks(folder):
    """The notebooks as they are kept, in `folder`, and as a report has executed two of them."""
    figure = {"application/vnd.plotly.v1+json": go.Figure(go.Scatter(y=[1, 2])).to_plotly_json()}
    opening = text(
        "# Start here\n\nAn **embedding**. Read (notebook 00) notebook 21; then $x^2$.\n\n$$a^2$$"
    )
    executed = notebook(
        opening, code("the_loss = 1", tags=["key"]), code("show(figure)", data=figure),
        code("show(explorer)", data={"text/html": FRAME}),
    )  # fmt: skip
    changed = notebook(text("# Compare rivals\n\nAs it was."), code("old = 1"))
    for name, book in ((FIRST, executed), (STALE, changed)):
        path = folder / "report/notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, path)
        run = Run(name, "Title", "done", 3, {}, finished="2026-01-31T00:00:00+00:00")
        write_record(run, path.parent)
    terms = "\n".join(f"- **{term}**" for term in TERMS)
    kept = {
        FIRST: notebook(*({**cell, "outputs": []} if "outputs" in cell else cell
                          for cell in executed.cells)),
        STALE: notebook(text("# Compare rivals\n\nAs it is."), code("new = 1")),
        LAST: notebook(text(f"# Train\n\nAt 0.12 on 2026-00-12.\n\n{terms}")),
    }  # fmt: skip
    (folder / "notebooks").mkdir()
    for name, book in kept.items():
        nbformat.write(nbformat.from_dict(book), folder / "notebooks" / f"{name}.ipynb")
    for page in ("GLOSSARY", "SYMBOLS", "BIOMETRIC_DATA"):
        shutil.copy(ROOT / f"notebooks/{page}.md", folder / "notebooks")
    (folder / "notebooks/INDEX.md").write_text(f"# The notebooks\n\n[one]({FIRST}.ipynb)")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    made_by_builds = shutil.ignore_patterns("notebooks", "reference", "_made", "__pycache__")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=made_by_builds)
    shutil.copytree(ROOT / "benchmarks" / "results", folder / "benchmarks" / "results")
    for beside in ("data", "README.md", "RESULTS.md"):
        (folder / beside).symlink_to(ROOT / beside)
    three_notebooks(folder)
    command = [
        sys.executable, "-m", "sphinx", "-q", "--fail-on-warning",
        "-d", folder / "state", "-D", "suppress_warnings=report",
        "-D", f"notebook_folder={folder / 'notebooks'}", "-D", f"report_folder={folder / 'report'}",
        folder / "docs", folder / "site",
    ]  # fmt: skip
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder / "site"


class Page(HTMLParser):
    """What a page loads, where it leads, and the places in it that can be led to."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.links, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.add(given.get("id"))
        self.loads += [given[name] for name in ("src", "data", "poster") if given.get(name)]
        if tag == "link":
            self.loads.append(given["href"])
        elif given.get("href"):
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}


def page(site, name):
    return (site / f"{name}.html").read_text(encoding="utf-8")


def test_no_page_loads_anything_from_elsewhere(site, pages):
    assert len(pages) > 20
    loaded = {address for found in pages.values() for address in found.loads}
    assert len(loaded) > 10
    assert [a for a in loaded if urlsplit(a).netloc or urlsplit(a).scheme not in ("", "data")] == []
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert len(styles) > 3
    assert [
        found for style in styles for found in re.findall(r"url\([\"']?(?:https?:)?//", style)
    ] == []


def test_what_is_loaded_and_linked_is_there(pages):
    missing = []
    for path, found in pages.items():
        for address in {*found.loads, *found.links}:
            parts = urlsplit(address)
            if parts.scheme:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not there.is_file() or (place and place not in pages[there].ids):
                missing.append((path.name, address))
    assert missing == []


@pytest.mark.parametrize("room", eumlib.ROOMS)
def test_every_name_that_a_room_shows_has_an_entry(room, site, pages):
    shown = getattr(eumlib, room).__all__
    ids = pages[site / f"reference/{room}.html"].ids
    assert [name for name in shown if f"eumlib.{room}.{name}" not in ids] == []


def test_every_term_of_the_glossary_is_linked_from_the_text(site):
    linked = re.findall(
        r'<a class="term[^"]*" href="GLOSSARY.html#term-[^"]+" title="[^"]+">(.+?)</a>',
        page(site, f"notebooks/{LAST}"),
    )
    assert {unescape(term) for term in linked} == set(TERMS)
    first = page(site, f"notebooks/{FIRST}")
    assert 'href="GLOSSARY.html#term-embedding"' in first


def test_the_number_of_a_notebook_is_a_link(site):
    first = page(site, f"notebooks/{FIRST}")
    assert f'href="{LAST}.html" title="21 · Train">21</a>' in first
    assert "(notebook 00)" in first  # not to itself
    assert "At 0.12 on 2026-00-12." in page(site, f"notebooks/{LAST}")


def test_pages_are_light(pages):
    assert {path.name for path in pages if path.stat().st_size > PAGE_BYTES} == set()


def test_code_is_folded_but_in_key_cells(site):
    first = page(site, f"notebooks/{FIRST}")
    folded = "".join(re.findall(r"<details.*?</details>", first, re.DOTALL))
    assert "the_loss" in first
    assert "the_loss" not in folded
    assert "figure" in folded


def test_figures_and_formulas_need_one_script_and_none(site):
    first, last = (page(site, f"notebooks/{name}") for name in (FIRST, LAST))
    assert "Plotly.newPlot" in first
    assert first.index("plotly.min.js") < first.index("Plotly.newPlot")
    assert "plotly.min.js" not in last
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in first
    assert (site / "_static/plotly.min.js").stat().st_size > 1_000_000


def test_an_explorer_has_a_page_of_its_own(site):
    assert (site / "explorer_00_1.html").read_text(encoding="utf-8") == EXPLORER
    assert f'<a href="explorer_00_1.html">{FIRST}</a>' in page(site, "explorer")


def test_a_notebook_that_changed_since_its_run_is_shown_as_it_is_without_results(site):
    shown = page(site, f"notebooks/{STALE}")
    assert "As it is." in shown
    assert "As it was." not in shown
    assert "Not run for this site" in shown
    assert "Run in 3 seconds on 2026-01-31" in page(site, f"notebooks/{FIRST}")


@pytest.mark.skipif(bool(what_is_missing()), reason=f"a browser test needs {what_is_missing()}")
def test_it_is_read_on_a_phone_and_searched_offline(site):
    with Browser(width=390, height=844) as browser:
        browser.offline()
        for name in ("index", f"notebooks/{FIRST}", "results", "reference/rivals"):
            browser.open((site / f"{name}.html").as_uri())
            assert browser.run(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            ), name
        assert browser.errors == []
        # Of a page in a file the search cannot read its excerpts; it finds it all the same.
        browser.open((site / "search.html").as_uri() + "?q=restrained")
        browser.wait_for("document.querySelectorAll('#search-results li').length > 2")
        elsewhere = [url for url in browser.requests if not url.startswith(("file:", "data:"))]
        assert elsewhere == []


def test_where_it_is_published_from_github_notebooks_lead_to_binder(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert "launch_buttons" not in runpy.run_path(ROOT / "docs/conf.py")["html_theme_options"]
    monkeypatch.setenv("GITHUB_REPOSITORY", "ada/masks")
    options = runpy.run_path(ROOT / "docs/conf.py")["html_theme_options"]
    assert options["repository_url"] == "https://github.com/ada/masks"
    assert options["launch_buttons"]["binderhub_url"] == "https://mybinder.org"


def test_the_workflow_publishes_what_the_two_commands_make():
    workflow = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text(encoding="utf-8"))
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert [step["run"] for step in build["steps"] if "run" in step] == [
        "make report PROFILE=optional",
        "make site",
    ]
    (uploaded,) = [step for step in build["steps"] if "upload" in step.get("uses", "")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count(f" docs {uploaded['with']['path']}\n") == 1
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
