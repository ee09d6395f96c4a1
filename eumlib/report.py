"""Bind executed notebooks into a report, and put its numbers into the README."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import jinja2
import nbformat
import pandas as pd
from plotly.offline import get_plotlyjs

from eumlib.files import write_text
from eumlib.judging import eer_by_condition, rates_of_condition
from eumlib.manifest import finish, with_runs, write_manifest
from eumlib.pages import page_body
from eumlib.results import SHOWN_CHANGES, SHOWN_RATES, STARRED, has_stars, summary
from eumlib.running import NOT_RUN, Run
from eumlib.workbook import Notebook

HEADLINE_RESULTS = "headline"
PAGE_BYTES = 8_000_000  # a larger one is slow to open, and too large to send


def bind_report(runs: Sequence[Run], manifest: dict, folder: Path) -> Path:
    """Write a page a notebook, the manifest and ``index.html`` into `folder`.

    A page of an earlier report into this folder that is not part of this one is removed. A page
    that is larger than `PAGE_BYTES` is named on standard output.

    Args:
        runs: of `eumlib.walking.walk`; the executed notebooks lie in ``folder/notebooks``.
        manifest: of `eumlib.manifest.begin`.
        folder: of the report.

    Returns:
        The index page.
    """
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("eumlib", "templates"), autoescape=True, trim_blocks=True
    )
    for page in folder.glob("[0-9][0-9]_*.html"):
        page.unlink()
    outputs = [folder / "plotly.min.js", folder / "style.css"]
    write_text(outputs[0], get_plotlyjs())
    write_text(outputs[1], templates.get_template("style.css").render())
    bound = [run for run in runs if _executed(run, folder).exists() and run.status != NOT_RUN]
    for position, run in enumerate(bound):
        page = folder / f"{run.notebook}.html"
        text = templates.get_template("page.html").render(
            run=run,
            given={n: run.parameters[n] for n in manifest["parameters"] if n in run.parameters},
            body=page_body(nbformat.read(_executed(run, folder), as_version=4)),
            before=bound[position - 1] if position else None,
            after=bound[position + 1] if position + 1 < len(bound) else None,
        )
        write_text(page, text)
        if page.stat().st_size > PAGE_BYTES:
            print(f"{page.name} is large, {page.stat().st_size / 1e6:.1f} MB: show fewer pictures")
        outputs += [page, _executed(run, folder)]
    manifest = finish(with_runs(manifest, runs), outputs, folder)
    write_manifest(manifest, folder)
    index = folder / "index.html"
    page = templates.get_template("index.html").render(
        runs=runs, bound=bound, manifest=manifest, headline=headline_table(manifest)
    )
    write_text(index, page)
    return index


def _executed(run: Run, folder: Path) -> Path:
    return folder / "notebooks" / f"{run.notebook}.ipynb"


def headline_results(manifest: dict) -> pd.DataFrame | None:
    """The table that a notebook published as ``headline``, or None where none did."""
    for run in manifest["runs"]:
        if HEADLINE_RESULTS in run["results"]:
            return pd.DataFrame(run["results"][HEADLINE_RESULTS])
    return None


def headline_table(manifest: dict) -> str | None:
    """The headline results as an HTML table, with who was tested over it."""
    results = headline_results(manifest)
    if results is None:
        return None
    table = summary(results).to_html(index=False, border=0)
    page = f"<p>{_tested_on(results)}</p>" + table.replace("<th>", '<th scope="col">')
    return page + f"<p>A star marks rates with {STARRED}.</p>" if has_stars(results) else page


def _tested_on(results: pd.DataFrame) -> str:
    first = results.iloc[0]
    return (
        f"{first.people:.0f} people, {first.pictures:.0f} photographs; "
        f"{first.not_acquired:.0f} of {first.attempts:.0f} faces were not acquired."
    )


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
    given = json.dumps(manifest["parameters"]) if manifest["parameters"] else "the defaults"
    return (
        f"{rows}\n\n{_tested_on(results)} "
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
