"""The notebooks as pages: executed where a report has executed them, else as they are kept.

Code is folded, but for cells tagged ``key``, where the idea is. Figures wait for the site's one
copy of plotly.js, and so do framed pages such as the explorer, each of which becomes a page of its
own, too.
"""

import html
import re
import shutil
from pathlib import Path

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from plotly.offline import get_plotlyjs
from sphinx.util import logging

from eumlib._common.files import NOTEBOOK_FOLDER, PROJECT_FOLDER, write_text
from eumlib._reports.manifest import ManifestError, read_manifest
from eumlib._reports.pages import offline_outputs
from eumlib._reports.resuming import read_record
from eumlib._reports.runs import DONE
from eumlib.course.notebook import RESULTS_MIME

PLOTLY = "_static/plotly.min.js"
OPEN = {"key", "injected-parameters"}  # tags of cells whose code is not folded
_FRAME = re.compile(r'<iframe [^>]*srcdoc="([^"]*)"')
_NOT_RUN = "*Not run for this site: what it computes is not shown.*"
logger = logging.getLogger(__name__)


def setup(app):
    """Write the pages before Sphinx looks for them, and give those with figures their script."""
    app.add_config_value("notebook_folder", str(NOTEBOOK_FOLDER), "env")
    app.add_config_value("report_folder", str(PROJECT_FOLDER / "build/report"), "env")
    app.connect("builder-inited", write_pages)
    app.connect("html-page-context", add_plotly)
    app.connect("build-finished", write_plotly)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app):
    """Write ``notebooks/`` anew, and what other pages include of the report to ``_made/``."""
    pages, made = Path(app.srcdir) / "notebooks", Path(app.srcdir) / "_made"
    shutil.rmtree(pages, ignore_errors=True)
    given, report = Path(app.config.notebook_folder), Path(app.config.report_folder)
    explorers = []
    for path in sorted(given.glob("[0-9][0-9]_*.ipynb")):
        notebook = _executed(path, report / "notebooks") or _not_executed(path)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":  # on the site the results are a page
                cell.source = cell.source.replace("](../RESULTS.md", "](../results.md")
        opening = notebook.cells[0]
        opening.source = opening.source.replace("# ", f"# {path.stem[:2]} · ", 1)
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            output.get("data", {}).pop(RESULTS_MIME, None)  # for the report
            explorers += _share_plotly(output, path.stem, Path(app.outdir))
        write_text(pages / path.name, nbformat.writes(notebook))
    for path in given.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        write_text(pages / path.name, re.sub(r"\[([^]]+)\]\(student\)", r"\1", text))
    write_text(made / "explorers.md", "\n".join(explorers) or "None is in the report.")
    write_text(made / "run.md", _run_table(report))


def _executed(path, folder):
    """The notebook as the report left it; None if it has not run, or was another one then."""
    run = read_record(folder, path.stem)
    if run is None or run.status != DONE:
        return None
    notebook = nbformat.read(folder / path.name, as_version=4)
    own = [cell for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    kept = nbformat.read(path, as_version=4).cells
    if [cell.source for cell in own] != [cell.source for cell in kept]:
        logger.warning("%s has changed since it ran: `make report`", path.name, type="report")
        return None
    for number, cell in enumerate(notebook.cells):
        offline_outputs(cell, number)
        CoalesceStreamsPreprocessor().preprocess_cell(cell, {}, number)
        if cell.cell_type == "code" and not OPEN.intersection(_tags(cell)):
            cell.metadata["tags"] = [*_tags(cell), "hide-input"]
    notebook.cells[0].source += f"\n\n*Run in {run.seconds:.0f} seconds on {run.finished[:10]}.*"
    return notebook


def _not_executed(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += f"\n\n{_NOT_RUN}"
    return notebook


def _tags(cell):
    return cell.metadata.get("tags", [])


def _share_plotly(output, name, folder):
    """Let framed pages use the site's plotly.js; give each a page of its own, and its link."""
    links = []
    shown = output.get("data", {}).get("text/html", "")
    for number, page in enumerate(_FRAME.findall(shown), start=1):
        link = f"explorer_{name[:2]}_{number}.html"
        write_text(folder / link, html.unescape(page))
        links.append(f'- <a href="{link}">{name}</a>')
    if links:
        own = html.escape(f"<script>{get_plotlyjs()}</script>")
        shared = html.escape(f'<script src="../{PLOTLY}"></script>')
        output["data"]["text/html"] = shown.replace(own, shared)
    return links


def add_plotly(app, pagename, templatename, context, doctree):
    """Load plotly.js on a page with figures, before them."""
    if "plotly-graph-div" in context.get("body", ""):
        context["metatags"] += f'<script src="{context["pathto"](PLOTLY, resource=True)}"></script>'


def write_plotly(app, failure):
    """Put the site's one copy where pages look for it."""
    if not failure:
        write_text(Path(app.outdir) / PLOTLY, get_plotlyjs())


def _run_table(report):
    """What the report was made of, as a table; nothing where there is no report."""
    try:
        made = read_manifest(report)
    except ManifestError:
        return "No report was there when these pages were made."
    rows = {
        "commit": made["commit"],
        "report finished": made["finished"],
        "profile": made["profile"],
        "parameters": "; ".join(f"{n} = {v}" for n, v in made["parameters"].items()) or "defaults",
        "machine": f"{made['cpu']}, {made['cores']} cores; PyTorch on {made['device']}",
        "versions": f"Python {made['python']}, "
        + ", ".join(f"{name} {number}" for name, number in made["packages"].items()),
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {n} | {v} |" for n, v in rows.items())])
