import ipywidgets
import pandas as pd
from IPython.display import HTML

from eumlib.course import folded, show, versions_line


def test_one_line_says_the_versions_and_the_device():
    assert versions_line().startswith("Python 3.")
    assert versions_line().endswith(("on the CPU", "on the GPU"))


class Drawn:
    def widget(self):
        return ipywidgets.Label("live")

    def static(self):
        return HTML("still")


def test_the_twin_is_shown_where_there_is_no_kernel(monkeypatch):
    monkeypatch.setenv("EUMLIB_STATIC", "1")
    assert show(Drawn()).data == "still"
    monkeypatch.delenv("EUMLIB_STATIC")
    assert show(Drawn()).value == "live"


def test_a_folded_table_has_its_summary_and_its_cells():
    page = folded(pd.DataFrame({"rate": ["3.4 [2, 5]"]}), "rates < 50 %").data
    assert page.startswith("<details><summary>rates &lt; 50 %</summary>")
    assert "3.4 [2, 5]" in page
