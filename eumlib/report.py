"""Bind executed notebooks into pages that open without a network.

Plotly figures are drawn by one copy of plotly.js beside the pages; formulas become MathML, which
browsers draw themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
import latex2mathml.converter
import nbformat
import pandas as pd
from nbconvert import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from plotly.offline import get_plotlyjs

from eumlib.files import write_text
from eumlib.judging import eer_by_condition, rates_of_condition
from eumlib.results import SHOWN_CHANGES, SHOWN_RATES, figure_html, summary
from eumlib.workbook import Notebook, Run

PLOTLY_MIME = "application/vnd.plotly.v1+json"
HEADLINE_RESULTS = "headline"
_FORMULA = re.compile(r"(`[^`]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
_FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


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
        for output in cell.get("outputs", []):
            figure = output.get("data", {}).get(PLOTLY_MIME)
            if figure:
                output["data"] = {"text/html": figure_html(figure)}
        return cell, resources


def bind_report(runs: Sequence[Run], manifest: dict, folder: Path) -> Path:
    """Write a page a notebook and ``index.html`` into `folder`.

    Args:
        runs: of `eumlib.workbook.run_workbook`; the executed notebooks lie in
            ``folder/notebooks``.
        manifest: of `eumlib.workbook.write_manifest`.
        folder: of the report.

    Returns:
        The index page.
    """
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("eumlib", "templates"), autoescape=True, trim_blocks=True
    )
    write_text(folder / "plotly.min.js", get_plotlyjs())
    write_text(folder / "style.css", templates.get_template("style.css").render())
    exporter = HTMLExporter(template_name="basic", preprocessors=[OfflineOutputs])
    for position, run in enumerate(runs):
        executed = nbformat.read(folder / "notebooks" / f"{run.notebook}.ipynb", as_version=4)
        body, _ = exporter.from_notebook_node(executed)
        page = templates.get_template("page.html").render(
            run=run,
            body=body,
            before=runs[position - 1] if position else None,
            after=runs[position + 1] if position + 1 < len(runs) else None,
        )
        write_text(folder / f"{run.notebook}.html", page)
    index = folder / "index.html"
    page = templates.get_template("index.html").render(
        runs=runs, manifest=manifest, headline=headline_table(manifest)
    )
    write_text(index, page)
    return index


def headline_results(manifest: dict) -> pd.DataFrame | None:
    """The table that a notebook published as ``headline``, or None where none did."""
    for run in manifest["runs"]:
        if HEADLINE_RESULTS in run["results"]:
            return pd.DataFrame(run["results"][HEADLINE_RESULTS])
    return None


def headline_table(manifest: dict) -> str | None:
    """The headline results as an HTML table."""
    results = headline_results(manifest)
    return None if results is None else summary(results).to_html(index=False, border=0)


def results_markdown(manifest: dict) -> str:
    """The headline results as a markdown table, and the commit and parameters behind it.

    Raises:
        ValueError: no notebook of the run published headline results.
    """
    results = headline_results(manifest)
    if results is None:
        raise ValueError("the run published no headline results: run all core notebooks")
    table = summary(results)[[
        "setting", "EUM", *SHOWN_RATES.values(), *SHOWN_CHANGES.values()
    ]]  # fmt: skip
    lines = [table.columns, ["---"] * len(table.columns), *table.to_numpy()]
    rows = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    first = results.iloc[0]
    given = json.dumps(manifest["parameters"]) if manifest["parameters"] else "the defaults"
    return (
        f"{rows}\n\n{first.people:.0f} people, {first.pictures:.0f} photographs; "
        f"{first.not_acquired:.0f} of {first.attempts:.0f} faces were not acquired. "
        f"Intervals: 95 %, bootstrap over people. Parameters: {given}. "
        f"Made by `python -m eumlib report` {_at_commit(manifest)}."
    )


def study_markdown(study: dict) -> str:
    """The tables of `eumlib.study` that bear on the claim, in markdown, and what made them."""
    targets, unseen = pd.DataFrame(study["targets"]), pd.DataFrame(study["unseen"])
    sections = [
        f"{_sizes(rows)}, {condition}:\n\n{_markdown(rates_of_condition(rows, condition))}"
        for _, rows in targets.groupby("face_set", sort=False)
        for condition in rows["condition"].unique()
    ]
    sections.append(f"{_sizes(unseen)}, EER in percent:\n\n{_markdown(eer_by_condition(unseen))}")
    return "\n\n".join(sections) + (
        f"\n\nThe mean of {study['seeds']} trainings; intervals: 95 %, bootstrap over people; "
        f"behind them the change against no EUM. Made by `make study` {_at_commit(study)}."
    )


def _sizes(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return (
        f"{first.face_set.upper()}, {first.people} people, {first.pictures:,} pictures (without "
        f"masks EER {100 * first.unmasked_eer:.1f} %)"
    )


def _markdown(table: pd.DataFrame) -> str:
    lines = [["trained", *table.columns], ["---"] * (1 + len(table.columns))]
    lines += [[name, *values] for name, values in zip(table.index, table.to_numpy(), strict=True)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _at_commit(made: dict) -> str:
    if made["commit"] is None:
        return "outside a git checkout"
    dirty = " with uncommitted changes" if made["uncommitted_changes"] else ""
    return f"at commit `{made['commit'][:12]}`{dirty}"


def notebooks_markdown(notebooks: Sequence[Notebook]) -> str:
    """A markdown table of the notebooks: name, title and minutes, as they state them."""
    rows = [
        f"| [{n.name}](notebooks/{n.path.name}) | {n.title} | {n.minutes:g} |" for n in notebooks
    ]
    return "\n".join(["| notebook | what you do | minutes |", "| --- | --- | --- |", *rows])


def with_section(text: str, name: str, content: str) -> str:
    """The text with what stands between its marks ``<!-- name: begin -->`` and end replaced.

    Raises:
        ValueError: the marks are not there.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, also_found, after = rest.partition(end)
    if not found or not also_found:
        raise ValueError(f"the text has no lines {begin} and {end}")
    return f"{before}{begin}\n{content}\n{end}{after}"
