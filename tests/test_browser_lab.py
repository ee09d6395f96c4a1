"""The explorer live in JupyterLab, in a real browser: part of `make test-browser`."""

import json

import numpy as np
import pytest
from browser import Browser, what_is_missing
from jupyter_lab import Lab

MISSING = what_is_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
PANELS = (
    "[...document.querySelectorAll('.js-plotly-plot')]"
    ".filter((plot) => plot.layout.dragmode === 'lasso')"
)
POINTS = 1
SELECTED = "import json; print(json.dumps(explorer.selected))"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab"), "04_see_the_embedding_space", people=8) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_browser(lab):
    with Browser(1280, 1400) as browser:
        lab.run_notebook(browser)
        browser.wait_for(f"{PANELS}.length === 2", 60)
        browser.run(f"{PANELS}[0].scrollIntoView({{block: 'center'}})")
        wait(browser, 2000)
        yield browser


@pytest.fixture
def browser(shared_browser):
    """The notebook, run; after the test no error may have been reported."""
    yield shared_browser
    assert shared_browser.errors == []


def wait(browser, milliseconds):
    browser.run(f"new Promise((done) => setTimeout(done, {milliseconds}))")


def place(browser, panel, index):
    return browser.run(f"""(() => {{ const plot = {PANELS}[{panel}];
      const {{ xaxis, yaxis }} = plot._fullLayout, box = plot.getBoundingClientRect();
      return [box.x + xaxis._offset + xaxis.d2p(plot.data[{POINTS}].x[{index}]),
              box.y + yaxis._offset + yaxis.d2p(plot.data[{POINTS}].y[{index}])]; }})()""")


def selected_in(browser, panel):
    return browser.run(f"[...({PANELS}[{panel}].data[{POINTS}].selectedpoints || [])]")


def shown_lines(browser):
    labels = "[...document.querySelectorAll('.widget-label')]"
    return browser.run(f"{labels}.map((label) => label.textContent).join('|')")


def test_the_notebook_runs_to_its_explorer(browser):
    assert browser.run("document.querySelectorAll('[data-mime-type*=error]').length") == 0
    assert browser.run(f"{PANELS}.map((plot) => plot.data[{POINTS}].x.length)") == [160, 160]


def test_the_pointer_shows_the_face_and_its_pair(browser):
    picture = "document.querySelector('.widget-image').src"
    before = browser.run(picture)
    x, y = place(browser, 0, 61)
    for step in (6, 3, 1, 0):
        browser.mouse("mouseMoved", x - step, y)
    browser.wait_for(f"{picture} !== {json.dumps(before)}")
    assert "picture s" in shown_lines(browser)
    width, height = browser.run(
        "(() => { const i = document.querySelector('.widget-image');"
        " return [i.naturalWidth, i.naturalHeight]; })()"
    )
    assert width > height  # two faces side by side


@pytest.mark.parametrize("panel", [0, 1])
def test_a_lasso_selects_in_both_panels_and_reaches_python(lab, browser, panel):
    lab.ask("explorer.select([])")
    browser.wait_for(f"!{PANELS}[0].data[{POINTS}].selectedpoints")
    places = np.array([place(browser, panel, i) for i in range(160)])
    middle = int(np.abs(places - np.median(places, axis=0)).max(axis=1).argmin())
    x, y = places[middle]
    browser.drag([(x - 40, y - 40), (x + 40, y - 40), (x + 40, y + 40), (x - 40, y + 40),
                  (x - 40, y - 38)])  # fmt: skip
    browser.wait_for(f"{PANELS}[{1 - panel}].data[{POINTS}].selectedpoints?.length > 0")
    wait(browser, 1000)
    ids = json.loads(lab.ask(SELECTED))
    assert middle in ids
    assert len(ids) < 160
    assert selected_in(browser, 0) == selected_in(browser, 1) == ids
    inside = np.flatnonzero((np.abs(places - [x, y]) < 36).all(axis=1))
    assert set(inside) <= set(ids)
    near = np.flatnonzero((np.abs(places - [x, y]) < 44).all(axis=1))
    assert set(ids) <= set(near)


def test_the_menu_of_people_works_by_keyboard_alone(lab, browser):
    menus = "[...document.querySelectorAll('.widget-dropdown')]"
    person = (
        f"{menus}.find((menu) => menu.textContent.includes('everyone')).querySelector('select')"
    )
    browser.run(f"{person}.focus(); 0")
    browser.key("Enter", 13, "\r")  # opens the list; an arrow alone would go to the next cell
    browser.key("ArrowDown", 40)
    browser.key("Enter", 13, "\r")
    browser.wait_for(f"{person}.selectedIndex === 1")
    identity = browser.run(f"{person}.selectedOptions[0].textContent")
    browser.wait_for(f"{PANELS}[0].data[{POINTS}].selectedpoints?.length === 20")
    asked = f"import json; rows = table.rows['identity'] == {identity!r}; "
    own = json.loads(lab.ask(asked + "print(json.dumps([int(i) for i in np.flatnonzero(rows)]))"))
    assert json.loads(lab.ask(SELECTED)) == own
    assert selected_in(browser, 1) == own


def test_a_click_pins_the_neighbours(browser):
    x, y = place(browser, 1, 45)
    browser.mouse("mouseMoved", x - 2, y)
    wait(browser, 300)
    browser.click(x, y)
    told = "[...document.querySelectorAll('.widget-html')].map((part) => part.textContent).join()"
    browser.wait_for(f"{told}.includes('nearest before the EUM')")
