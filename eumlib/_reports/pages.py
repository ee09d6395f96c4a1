"""An executed notebook as the body of a page that opens without a network.

Plotly figures are drawn by one copy of plotly.js beside the pages; formulas become MathML, which
browsers draw themselves; code is folded away, unless it failed.
"""

from __future__ import annotations

import re

import latex2mathml.converter
import nbformat
from nbconvert import HTMLExporter
from nbconvert.preprocessors import Preprocessor

from eumlib._common.files import PACKAGE_FOLDER
from eumlib._common.looks import figure_html

PLOTLY_MIME = "application/vnd.plotly.v1+json"
_FORMULA = re.compile(r"(`[^`]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
_TO_NOTEBOOK = re.compile(r'href="(\d\d_\w+)\.ipynb')
_PREFIX = re.compile(r' xmlns:ns\d+="[^"]*"|(?<=<)ns\d+:|(?<=</)ns\d+:')
_HEADING = re.compile(r'<h2 id="([^"]+)">((?:(?!</h2>).)*?)<a class="anchor-link"', re.DOTALL)
_FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def page_body(executed: nbformat.NotebookNode) -> str:
    """The cells of an executed notebook as HTML, without head and frame."""
    source = (PACKAGE_FOLDER / "_reports/templates/notebook.html").read_text(encoding="utf-8")
    exporter = HTMLExporter(raw_template=source, preprocessors=[OfflineOutputs])
    body, _ = exporter.from_notebook_node(executed)
    body = _PREFIX.sub("", body)  # of formulas in headings, which no browser draws with one
    return _TO_NOTEBOOK.sub(r'href="\1.html', body)


def headings(body: str) -> list[tuple[str, str]]:
    """The sections of a page's body: of each its anchor and its title, both ready for HTML.

    >>> headings('<h2 id="A-mask">A <em>mask</em><a class="anchor-link" href="#A-mask">¶</a></h2>')
    [('A-mask', 'A <em>mask</em>')]
    """
    return _HEADING.findall(body)


def to_mathml(markdown: str) -> str:
    r"""Replace ``$…$`` and ``$$…$$`` outside code by MathML.

    >>> to_mathml("`$x$` costs $x$")[:40]
    '`$x$` costs <math xmlns="http://www.w3.o'
    """

    def convert(match: re.Match[str]) -> str:
        code, block, inline = match.groups()
        if code:
            return code
        shown = "block" if block else "inline"
        return latex2mathml.converter.convert((block or inline).strip(), display=shown)

    parts = _FENCE.split(markdown)
    return "".join(
        part if part.startswith("```") else _FORMULA.sub(convert, part) for part in parts
    )


class OfflineOutputs(Preprocessor):
    """Make formulas MathML and plotly figures plain HTML that waits for the page's plotly.js."""

    def preprocess_cell(self, cell, resources, index):
        """Change one cell; nbconvert calls this for each."""
        if cell.cell_type == "markdown":
            cell.source = to_mathml(cell.source)
        offline_outputs(cell, index)
        return cell, resources


def offline_outputs(cell: nbformat.NotebookNode, index: int) -> None:
    """Make a cell's figures HTML that waits for a page's plotly.js; give pictures their words.

    Args:
        cell: it is changed.
        index: of the cell on its page, for names of figures that are the same every time.
    """
    for place, output in enumerate(cell.get("outputs", [])):
        figure = output.get("data", {}).get(PLOTLY_MIME)
        if figure:
            output["data"] = {"text/html": figure_html(figure, f"figure-{index}-{place}")}
        for kind in ("image/png", "image/jpeg"):
            if kind in output.get("data", {}):
                output.metadata.setdefault(kind, {}).setdefault("alt", "picture, see the text")
