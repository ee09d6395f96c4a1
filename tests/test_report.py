import re
from html.parser import HTMLParser

import nbformat
import plotly.graph_objects as go
import pytest
from builders import drawn_table

from eumlib.evaluation import evaluate
from eumlib.judging import RATES
from eumlib.report import (
    bind_report,
    results_markdown,
    study_markdown,
    to_mathml,
    with_section,
)
from eumlib.results import summary
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker
from eumlib.workbook import Run

MODEL = Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")
RESULTS = evaluate(drawn_table(people=6), {"srt": MODEL}, resamples=5)


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
def manifest():
    return {
        "finished": "2026-01-02T03:04:05+00:00",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "uncommitted_changes": False,
        "parameters": {},
        "python": "3.11.7",
        "system": "Linux",
        "cores": 2,
        "gpu": False,
        "packages": {"torch": "2.13.0"},
        "runs": [{"notebook": "01_a", "results": {"headline": RESULTS.to_dict("records")}}],
    }


@pytest.fixture
def report(tmp_path, manifest):
    (tmp_path / "notebooks").mkdir()
    for name in ("01_a", "02_b"):
        figure = go.Figure(go.Scatter(y=[1, 2]), layout={"meta": {"alt": "a rising <line>"}})
        data = {"application/vnd.plotly.v1+json": figure.to_plotly_json(), "text/plain": "Figure()"}
        cells = [
            nbformat.v4.new_markdown_cell("# Title\n\nWith $x^2$ and\n\n$$\\frac{a}{b}$$"),
            nbformat.v4.new_code_cell(
                "figure",
                outputs=[nbformat.v4.new_output("display_data", data=data)],
                execution_count=1,
            ),
        ]
        book = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(book, tmp_path / "notebooks" / f"{name}.ipynb")
    runs = [
        Run("01_a", "The first", "done", 61, {}),
        Run("02_b", "The second", "failed", 2, {}, "cell In [3]: no"),
    ]
    return bind_report(runs, manifest, tmp_path)


def test_pages_load_nothing_but_files_beside_them(report):
    for page in report.parent.glob("*.html"):
        for address in Addresses(page.read_text(encoding="utf-8")).loaded:
            assert address.startswith("data:") or (report.parent / address).is_file(), address
    assert (report.parent / "plotly.min.js").stat().st_size > 1e6


def test_every_figure_is_drawn_by_a_script_and_described_in_words(report):
    page = (report.parent / "01_a.html").read_text(encoding="utf-8")
    assert page.count("Plotly.newPlot") == 1
    assert 'aria-label="a rising &lt;line&gt;"' in page


def test_formulas_become_mathml(report):
    page = (report.parent / "01_a.html").read_text(encoding="utf-8")
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in page
    assert "<mfrac>" in page
    assert "$" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_dollars_in_code_stay_dollars():
    text = "```\n$HOME and $PATH\n```\nand `$x$`"
    assert to_mathml(text) == text


def test_the_index_has_every_notebook_its_status_and_the_results(report):
    page = report.read_text(encoding="utf-8")
    assert 'href="01_a.html"' in page
    assert "cell In [3]: no" in page
    assert "0123456789abcdef" in page
    for cell in summary(RESULTS).to_numpy().ravel():
        assert str(cell) in page


def test_pages_lead_to_each_other(report):
    page = (report.parent / "02_b.html").read_text(encoding="utf-8")
    assert 'href="01_a.html" rel="prev"' in page
    assert 'rel="next"' not in page
    assert "This notebook stopped: cell In [3]: no" in page


def test_a_section_is_replaced_and_the_rest_kept(manifest):
    readme = "# Title\n<!-- results: begin -->\nold\n<!-- results: end -->\nlast line\n"
    new = with_section(readme, "results", results_markdown(manifest))
    assert new.startswith("# Title\n")
    assert new.endswith("<!-- results: end -->\nlast line\n")
    assert "old" not in new
    assert "at commit `0123456789ab`." in new
    assert with_section(new, "results", results_markdown(manifest)) == new


def test_results_of_a_changed_tree_say_so(manifest):
    text = results_markdown(manifest | {"uncommitted_changes": True})
    assert text.endswith("with uncommitted changes.")


def test_no_marks_or_no_results_is_an_error(manifest):
    with pytest.raises(ValueError, match="no lines <!-- results: begin -->"):
        with_section("# Title", "results", "new")
    with pytest.raises(ValueError, match="published no headline"):
        results_markdown(manifest | {"runs": []})


def drawn_study(commit):
    row = {
        "trained": "no EUM", "condition": "flat", "face_set": "lfw", "people": 7, "pictures": 1234,
        "unmasked_eer": 0.01,
    }  # fmt: skip
    for name in RATES:
        row |= {name: 0.1, f"{name}_low": 0.05, f"{name}_high": 0.15, f"{name}_change": 0.0}
    better = row | {"trained": "an EUM", "eer": 0.08, "eer_change": -0.2}
    rows = [row, better]
    return {
        "targets": rows, "unseen": rows, "seeds": 3, "commit": commit, "uncommitted_changes": False,
    }  # fmt: skip


def test_the_study_becomes_tables_in_markdown_that_say_what_made_them():
    text = study_markdown(drawn_study("0123456789abcdef"))
    assert "LFW, 7 people, 1,234 pictures (without masks EER 1.0 %), flat:" in text
    plain = "10.0 [5.0, 15.0] +0 %"
    assert f"| an EUM | 8.0 [5.0, 15.0] -20 % | {plain} | 10.00 | {plain} | {plain} |" in text
    assert "| an EUM | 8.0 [5.0, 15.0] -20 % |\n" in text  # the table of unseen styles
    assert "mean of 3 trainings" in text
    assert text.endswith("at commit `0123456789ab`.")
    assert study_markdown(drawn_study(None)).endswith("outside a git checkout.")
