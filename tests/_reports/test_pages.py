import re

import nbformat
import plotly.graph_objects as go

from eumlib._reports.pages import page_body, to_mathml

PIXEL = "iVBORw0KGgo="  # as much of a picture as has to be embedded


def body_of(*cells):
    return page_body(nbformat.v4.new_notebook(cells=list(cells)))


def code(source, *outputs, tags=(), count=1):
    return nbformat.v4.new_code_cell(
        source, outputs=list(outputs), execution_count=count, metadata={"tags": list(tags)}
    )


def test_every_figure_is_drawn_by_a_script_and_described_in_words():
    figure = go.Figure(go.Scatter(y=[1, 2]), layout={"meta": {"alt": "a rising <line>"}})
    data = {"application/vnd.plotly.v1+json": figure.to_plotly_json(), "text/plain": "Figure()"}
    body = body_of(code("figure", nbformat.v4.new_output("display_data", data=data)))
    assert body.count("Plotly.newPlot") == 1
    assert 'aria-label="a rising &lt;line&gt;"' in body


def test_formulas_become_mathml():
    body = body_of(nbformat.v4.new_markdown_cell("With $x^2$ and\n\n$$\\frac{a}{b}$$"))
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in body
    assert "<mfrac>" in body
    assert "$" not in body


def test_dollars_in_code_stay_dollars():
    text = "```\n$HOME and $PATH\n```\nand `$x$`"
    assert to_mathml(text) == text


def test_code_is_folded_but_key_cells_what_failed_and_what_the_parameters_were():
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["no"])
    body = body_of(
        code("people = 3", tags=["injected-parameters"], count=2), code("fine", count=3),
        code("wrong", error, count=4), code("loss", tags=["key"], count=5),
    )  # fmt: skip
    folds = re.findall(
        r"<details class=\"code\"( open)?(?:=\"\")?>\s*<summary>(.+?)</summary>", body
    )
    assert folds == [
        (" open", "Code, In [2]"), ("", "Code, In [3]"), (" open", "Code, In [4]"),
        (" open", "Code, In [5]"),
    ]  # fmt: skip
    assert re.search(r"<details.*?fine.*?</details>", body, re.DOTALL)


def test_every_picture_has_words():
    described = nbformat.v4.new_output(
        "display_data", data={"image/png": PIXEL}, metadata={"image/png": {"alt": "a dot"}}
    )
    plain = nbformat.v4.new_output("display_data", data={"image/png": PIXEL})
    body = body_of(code("show", described, plain))
    assert re.findall(r'alt="(.+?)"', body) == ["a dot", "picture, see the text"]
    assert body.count("<img") == 2
