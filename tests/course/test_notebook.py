import ipywidgets
from IPython.display import HTML

from eumlib.course import show, versions_line


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
