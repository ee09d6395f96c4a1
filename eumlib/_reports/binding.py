"""Bind executed notebooks into a report: pages, an index and a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import nbformat
from plotly.offline import get_plotlyjs

from eumlib._common.files import scratch_folder, write_text
from eumlib._common.looks import figure_html, template
from eumlib._reports.manifest import finish, headline_results, with_runs, write_manifest
from eumlib._reports.pages import PLOTLY_MIME, headings, page_body
from eumlib._reports.runs import NOT_RUN, Run
from eumlib._reports.tested import tested_on
from eumlib.verification import (
    MIXED_SETTING,
    STARRED,
    UNMASKED_SETTING,
    has_stars,
    summary,
)
from eumlib.verification.figures import DET_TITLE

PAGE_BYTES = 8_000_000  # a larger one is slow to open, and too large to send


def bind_report(runs: Sequence[Run], manifest: dict, folder: Path) -> Path:
    """Write one page per notebook, the manifest and ``index.html`` into `folder`.

    All is written before any of it takes the place of an earlier report's, and only then is a page
    removed that is not part of this one: on a full disk, or killed, the earlier pages stay whole. A
    page that is larger than `PAGE_BYTES` is named on standard output.

    Args:
        runs: of `eumlib._reports.plan.walk`; the executed notebooks lie in ``folder/notebooks``.
        manifest: of `eumlib._reports.manifest.begin`.
        folder: of the report.

    Returns:
        The index page.
    """
    bound = [run for run in runs if _executed(run, folder).exists() and run.status != NOT_RUN]
    with scratch_folder(folder) as made:
        write_text(made / "plotly.min.js", get_plotlyjs())
        write_text(made / "style.css", template("_common/style.css").render())
        _write_pages(bound, manifest, folder, made)
        outputs = {path.name: path for path in _files_in(made)}
        outputs |= {f"notebooks/{run.notebook}.ipynb": _executed(run, folder) for run in bound}
        manifest = finish(with_runs(manifest, runs), outputs)
        write_manifest(manifest, made)
        index = template("_reports/index.html").render(
            runs=runs, bound=bound, manifest=manifest, headline=headline_table(manifest),
            in_words=headline_in_words(manifest),
            curves=_det_curves(_executed(run, folder) for run in bound),
        )  # fmt: skip
        write_text(made / "index.html", index)
        written = _files_in(made)
        for path in written:
            os.replace(path, folder / path.name)
    for page in folder.glob("[0-9][0-9]_*.html"):
        if page.name not in {path.name for path in written}:
            page.unlink()
    return folder / "index.html"


def _write_pages(bound: Sequence[Run], manifest: dict, folder: Path, made: Path) -> None:
    for position, run in enumerate(bound):
        page = made / f"{run.notebook}.html"
        body = page_body(nbformat.read(_executed(run, folder), as_version=4))
        text = template("_reports/page.html").render(
            run=run,
            given={n: run.parameters[n] for n in manifest["parameters"] if n in run.parameters},
            body=body,
            sections=headings(body),
            before=bound[position - 1] if position else None,
            after=bound[position + 1] if position + 1 < len(bound) else None,
        )
        write_text(page, text)
        if page.stat().st_size > PAGE_BYTES:
            print(f"{page.name} is large, {page.stat().st_size / 1e6:.1f} MB: show fewer pictures")


def _files_in(folder: Path) -> list[Path]:
    """What is written there, ``index.html`` at the end: whoever opens it finds its pages."""
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(shown, key=lambda path: (path.name == "index.html", path.name))


def _executed(run: Run, folder: Path) -> Path:
    return folder / "notebooks" / f"{run.notebook}.ipynb"


def headline_table(manifest: dict) -> str | None:
    """The headline results as an HTML table, with who was tested over it."""
    results = headline_results(manifest)
    if results is None:
        return None
    table = summary(results).to_html(index=False, border=0)
    page = f"<p>{tested_on(results)}</p>" + table.replace("<th>", '<th scope="col">')
    return page + f"<p>A star marks rates with {STARRED}.</p>" if has_stars(results) else page


def headline_in_words(manifest: dict) -> str | None:
    """What the headline results say, in three sentences."""
    results = headline_results(manifest)
    if results is None or results["unmasking"].isna().all():
        return None
    bare = results[results["setting"] == UNMASKED_SETTING].iloc[0]
    mixed = results[results["setting"] == MIXED_SETTING]
    masked, repaired = mixed[mixed["unmasking"].isna()].iloc[0], mixed[mixed["unmasking"].notna()]

    def between(rate: str) -> str:
        low, high = 100 * repaired[rate].min(), 100 * repaired[rate].max()
        return f"{low:.1f} %" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f} %"

    return (
        f"Among {bare.people:.0f} people, masks on the probe raise a face recogniser's equal error "
        f"rate (EER) from {100 * bare.eer:.1f} to {100 * masked.eer:.1f} %. An embedding unmasking "
        f"model (EUM), a small network behind the frozen recogniser, brings it to "
        f"{between('eer')}, depending on how it was trained. At the operating threshold, which "
        f"was set on unmasked faces, the mean of both errors (HTER) is "
        f"{100 * masked.error_at_1000:.1f} % with masks and {between('error_at_1000')} with an EUM."
    )


def _det_curves(executed: Iterable[Path]) -> str | None:
    """The first DET figure of these notebooks, as HTML; None if there is none."""
    for path in executed:
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                figure = output.get("data", {}).get(PLOTLY_MIME)
                if figure and figure["layout"].get("title", {}).get("text") == DET_TITLE:
                    return figure_html(figure, "det")
    return None
