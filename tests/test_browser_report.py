"""A report in a real browser, with the network off: `make test-browser`."""

import nbformat
import plotly.graph_objects as go
import pytest
from browser import Browser, what_is_missing
from small_notebooks import small_notebook

from eumlib._reports.binding import bind_report
from eumlib._reports.manifest import begin
from eumlib._reports.plan import plan
from eumlib._reports.runs import Run

MISSING = what_is_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
OPEN = "[...document.querySelectorAll('details.code')].filter((code) => code.open).length"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A report of one executed notebook: a formula, two cells of code, a figure."""
    folder = tmp_path_factory.mktemp("report")
    figure = {"application/vnd.plotly.v1+json": go.Figure(go.Scatter(y=[1, 2])).to_plotly_json()}
    output = nbformat.v4.new_output("display_data", data=figure)
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\n$x^2$"),
        nbformat.v4.new_code_cell("1 + 1"),
        nbformat.v4.new_code_cell("figure", outputs=[output]),
    ]
    (folder / "notebooks").mkdir()
    executed = folder / "notebooks" / "01_count_faces.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), executed)
    steps = plan([small_notebook(folder)], {}, folder / "notebooks")
    run = Run("01_count_faces", "Count the faces", "done", 3, {})
    return bind_report([run], begin(steps, {}, "quick"), folder)


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        browser.offline()
        yield browser


def test_it_is_read_offline_from_index_to_figure(browser, index):
    browser.open(index.as_uri())
    assert browser.run("document.querySelector('h1').innerText") == "Unmasking face embeddings"
    browser.run("document.querySelector('tbody a').click()")
    browser.wait_for("document.querySelector('.plotly-graph-div .main-svg')")
    assert browser.run(OPEN) == 0
    browser.run("document.getElementById('unfold').click()")
    assert browser.run(OPEN) == 2
    folder = index.parent.as_uri()
    assert [url for url in browser.requests if not url.startswith((folder, "data:"))] == []
    assert browser.errors == []


def test_it_is_light_or_dark_as_its_reader_prefers(browser, index):
    style = "getComputedStyle(document.body)"
    seen = {}
    for theme in ("light", "dark"):
        browser.theme(theme)
        browser.open(index.as_uri())
        seen[theme] = browser.run(f"{style}.color"), browser.run(f"{style}.backgroundColor")
    assert seen == {
        "light": ("rgb(31, 35, 40)", "rgb(255, 255, 255)"),
        "dark": ("rgb(230, 237, 243)", "rgb(18, 22, 27)"),
    }
