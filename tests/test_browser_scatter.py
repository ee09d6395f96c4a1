"""Many views, live in JupyterLab and drawn by WebGL, in a browser: part of `make test-browser`."""

from pathlib import Path

import pytest
from browser import Browser, what_is_missing
from jupyter_lab import Lab
from nbformat.v4 import new_code_cell, new_notebook

MISSING = what_is_missing()
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"a browser test needs {MISSING}")
DRAWN = f"""import sys
sys.path.append({str(Path(__file__).parent)!r})
from exploration import drawn_map, drawn_pictures, drawn_views
from eumlib.maps import ScatterExplorer

_, views = drawn_views(people=400, pictures=3)
pictures = drawn_pictures(len(views))
explorer = ScatterExplorer(views, drawn_map(views), pictures.__getitem__, 0.5)
explorer.widget()"""
MAPS = """[...document.querySelectorAll('.jp-OutputArea canvas')]
  .map((canvas) => canvas.getBoundingClientRect()).filter((box) => box.width > 200)
  .map((box) => [box.x, box.y, box.width, box.height])"""
TEXTS = "[...document.querySelectorAll('.widget-html-content')].map((one) => one.innerText).join()"
LASSO = """((box) => [box.x + box.width / 2, box.y + box.height / 2])(
  document.querySelector('button[title*="lasso" i]').getBoundingClientRect())"""


def test_many_points_are_pointed_at_and_selected_with_a_lasso_in_both_maps(tmp_path):
    notebook = new_notebook(cells=[new_code_cell(DRAWN)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with Lab(tmp_path, notebook) as lab, Browser(1500, 1200) as browser:
        lab.run_notebook(browser)
        browser.wait_for(f"{MAPS}.length >= 2", 60)
        browser.wait_for(f"{TEXTS}.includes('Nothing is selected')", 60)
        browser.run("document.querySelector('.jp-OutputArea canvas').scrollIntoView()")
        browser.run("new Promise((done) => setTimeout(done, 2000))")
        x, y, width, height = browser.run(MAPS)[0]
        for step in range(40):  # across the middle, until a point is under the pointer
            browser.mouse("mouseMoved", x + width * (0.4 + step / 200), y + height / 2)
        browser.wait_for(f"{TEXTS}.includes('before mated')", 60)
        browser.click(*browser.run(LASSO))
        corners = [(0.35, 0.35), (0.65, 0.35), (0.65, 0.65), (0.35, 0.65), (0.35, 0.36)]
        browser.drag([(x + width * across, y + height * down) for across, down in corners])
        browser.wait_for(f"{TEXTS}.includes('views of')", 60)
        counted = lab.ask(
            "print(*[len(one.selection) for one in explorer.widget().children[1].children])"
        )
        selected = int(lab.ask("print(len(explorer.selected))"))
        assert counted == f"{selected} {selected}"
        assert 20 < selected < 2000
        assert f"{selected:,} views of" in browser.run(TEXTS)
        assert browser.run("document.querySelectorAll('.widget-html-content img').length") > 40
        assert browser.errors == []
