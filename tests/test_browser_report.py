"""A report in a real browser, with the network off: `make test-browser`."""

import nbformat
import plotly.graph_objects as go
import pytest
from browser import Browser, what_is_missing
from plotly.subplots import make_subplots
from small_notebooks import small_notebook

from eumlib._common.looks import finished
from eumlib._reports.binding import bind_report
from eumlib._reports.manifest import begin
from eumlib._reports.plan import plan
from eumlib._reports.runs import Run

MISSING = what_is_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
OPEN = "[...document.querySelectorAll('details.code')].filter((code) => code.open).length"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A report of one executed notebook: a formula, two cells of code, two figures."""
    folder = tmp_path_factory.mktemp("report")
    panels = make_subplots(1, 2, subplot_titles=["one", "two"])
    for col in (1, 2):
        panels.add_scatter(y=[1, 2], row=1, col=col)
    heat = go.Figure(go.Heatmap(z=[[0, 1], [1, 0]]))
    outputs = [
        nbformat.v4.new_output(
            "display_data", data={"application/vnd.plotly.v1+json": figure.to_plotly_json()}
        )
        for figure in (finished(panels, "Two panels", "two panels"), heat)
    ]
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\n$x^2$"),
        nbformat.v4.new_code_cell("1 + 1"),
        nbformat.v4.new_code_cell("figure", outputs=outputs),
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


PANELS = "document.querySelectorAll('.plotly-graph-div')[0]"


def opened(browser, index, width):
    browser.resize(width, 900)
    browser.open((index.parent / "01_count_faces.html").as_uri())
    browser.wait_for("[...document.querySelectorAll('.plotly-graph-div .main-svg')].length >= 2")
    browser.run("new Promise((done) => setTimeout(done, 300))")


def places(browser):
    """Of both panels, left and top within the figure."""
    axes = f"{PANELS}._fullLayout"
    return browser.run(
        f"['axis', 'axis2'].map((axis) => ['x', 'y'].map((way) => {axes}[way + axis]._offset))"
    )


def test_panels_stand_side_by_side_on_a_desk_and_one_below_the_other_on_a_phone(browser, index):
    opened(browser, index, 1280)
    (left, top), (beside, level) = places(browser)
    assert beside > left + 100
    assert level == pytest.approx(top, abs=2)
    opened(browser, index, 390)
    (left, top), (under, below) = places(browser)
    assert under == pytest.approx(left, abs=2)
    assert below > top + 100
    page = "document.documentElement"
    assert browser.run(f"{page}.scrollWidth <= {page}.clientWidth")
    fits = f"{PANELS}.querySelector('.main-svg').getBoundingClientRect().height"
    assert browser.run(f"{PANELS}.parentElement.clientHeight") == browser.run(fits)


def test_a_phone_that_is_turned_gets_figures_as_wide_as_it_is(browser, index):
    opened(browser, index, 390)
    browser.resize(844, 390)
    wide = f"{PANELS}.querySelector('.main-svg').getBoundingClientRect().width"
    browser.wait_for(f"Math.abs({wide} - {PANELS}.clientWidth) < 2")
    assert browser.run(f"{PANELS}.clientWidth") > 700


def test_on_a_dark_page_a_heat_map_is_turned_round_with_its_bar(browser, index):
    browser.theme("dark")
    opened(browser, index, 1280)
    browser.theme("dark")
    figure, image = (
        browser.run(f"getComputedStyle(document.querySelector('{what}')).filter")
        for what in (".plotly-graph-div", ".heatmaplayer image")
    )
    browser.theme("light")
    assert "invert" in figure
    assert image == "none"
