"""The explorer live in JupyterLab, in a real browser: part of `make test-browser`."""

import json

import numpy as np
import pytest
from browser import Browser, what_is_missing
from jupyter_lab import Lab, workbook

MISSING = what_is_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
FRAME = "document.querySelector('iframe[title^=Explorer]')"
POINTS = 2
SELECTED = "import json; print(json.dumps(explorer.selected))"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    notebook = workbook("04_see_the_embedding_space", people=8)
    with Lab(tmp_path_factory.mktemp("lab"), notebook) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_browser(lab):
    with Browser(1280, 1400) as browser:
        lab.run_notebook(browser)
        ready = f"{FRAME}?.contentDocument?.documentElement?.dataset.ready === 'yes'"
        browser.wait_for(ready, 60)
        browser.run(f"{FRAME}.scrollIntoView({{block: 'start'}})")
        wait(browser, 1000)
        yield browser


@pytest.fixture
def browser(shared_browser):
    """The notebook, run; after the test no error may have been reported."""
    yield shared_browser
    assert shared_browser.errors == []


def wait(browser, milliseconds):
    browser.run(f"new Promise((done) => setTimeout(done, {milliseconds}))")


def inside(script):
    """An expression that the page in the frame evaluates."""
    return f"{FRAME}.contentWindow.eval({json.dumps(script)})"


def place(browser, panel, index):
    """Where a point is in the window, that of the frame added."""
    x, y = browser.run(
        inside(f"""(() => {{ const plot = $('{panel}');
      const {{ xaxis, yaxis }} = plot._fullLayout, box = plot.getBoundingClientRect();
      return [box.x + xaxis._offset + xaxis.d2p(plot.data[{POINTS}].x[{index}]),
              box.y + yaxis._offset + yaxis.d2p(plot.data[{POINTS}].y[{index}])]; }})()""")
    )
    left, top = browser.run(f"(({{ x, y }}) => [x, y])({FRAME}.getBoundingClientRect())")
    return x + left + 1, y + top + 1  # the frame has a border


def test_the_notebook_runs_to_its_explorer(browser):
    assert browser.run("document.querySelectorAll('[data-mime-type*=error]').length") == 0
    assert browser.run(inside(f"PANELS.map((p) => $(p).data[{POINTS}].x.length)")) == [160, 160]


def test_the_frame_is_as_tall_as_the_page(browser):
    heights = [f"{FRAME}.clientHeight", inside("document.documentElement.scrollHeight")]
    assert abs(browser.run(heights[0]) - browser.run(heights[1])) <= 8
    assert browser.run(inside("document.documentElement.scrollWidth <= innerWidth"))


def test_the_pointer_shows_the_face_and_its_pair(browser):
    x, y = place(browser, "before", 61)
    for step in (6, 3, 1, 0):
        browser.mouse("mouseMoved", x - step, y)
    words = browser.wait_for(inside("!$('hover').hidden && $('hover').innerText"))
    assert "no mask" in words
    assert browser.run(inside("$('hover').querySelectorAll('.sprite').length")) == 2


@pytest.mark.parametrize("panel", ["before", "after"])
def test_a_lasso_selects_in_both_panels_and_reaches_python(lab, browser, panel):
    lab.ask("explorer.select([])")
    browser.wait_for(inside("state.selected.length === 0 && selecting === 0"))
    places = np.array([place(browser, panel, i) for i in range(160)])
    middle = int(np.abs(places - np.median(places, axis=0)).max(axis=1).argmin())
    x, y = places[middle]
    browser.drag([(x - 40, y - 40), (x + 40, y - 40), (x + 40, y + 40), (x - 40, y + 40),
                  (x - 40, y - 38)])  # fmt: skip
    browser.wait_for(inside("state.selected.length > 0 && selecting === 0"))
    wait(browser, 1000)
    ids = json.loads(lab.ask(SELECTED))
    assert middle in ids
    assert len(ids) < 160
    for shown in ("before", "after"):
        assert browser.run(inside(f"$('{shown}').data[{POINTS}].selectedpoints")) == ids
    within = np.flatnonzero((np.abs(places - [x, y]) < 36).all(axis=1))
    assert set(within) <= set(ids)
    near = np.flatnonzero((np.abs(places - [x, y]) < 44).all(axis=1))
    assert set(ids) <= set(near)


def test_a_selection_made_in_python_shows_in_the_page(lab, browser):
    lab.ask("explorer.select([5, 3])")
    browser.wait_for(inside("String(state.selected) === '3,5' && selecting === 0"))
    assert json.loads(lab.ask(SELECTED)) == [3, 5]
    assert browser.run(inside("$('csv').value.split('\\n').length")) == 4


def test_the_menu_of_people_reaches_python(lab, browser):
    browser.run(
        inside("$('person').selectedIndex = 1; $('person').dispatchEvent(new Event('change'))")
    )
    browser.wait_for(inside("state.selected.length === 20 && selecting === 0"))
    identity = browser.run(inside("$('person').value"))
    wait(browser, 500)
    asked = f"import json; rows = table.rows['identity'] == {identity!r}; "
    own = json.loads(lab.ask(asked + "print(json.dumps([int(i) for i in np.flatnonzero(rows)]))"))
    assert json.loads(lab.ask(SELECTED)) == own


def test_a_click_pins_the_neighbours(browser):
    x, y = place(browser, "after", 45)
    browser.mouse("mouseMoved", x - 2, y)
    wait(browser, 300)
    browser.click(x, y)
    browser.wait_for(inside("$('card').innerText.includes('Nearest before')"))
    assert browser.run(inside("$('cardBody').querySelectorAll('ol li').length")) == 10


@pytest.mark.parametrize(
    ("theme", "paper"), [("JupyterLab Dark", "18, 22, 27"), ("JupyterLab Light", "255, 255, 255")]
)
def test_the_page_follows_the_theme_of_jupyterlab(browser, theme, paper):
    change = f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: {theme!r} }})"
    browser.run(f"{change}.then(() => 0)")
    colour = inside("getComputedStyle(document.body).backgroundColor")
    browser.wait_for(f"{colour} === 'rgb({paper})'")
    browser.wait_for(
        inside("$('before').layout.paper_bgcolor") + f" === {inside('css(`--paper`)')}"
    )
