"""What a notebook says and shows: versions, tools, and results for the report that runs it."""

from __future__ import annotations

import html
import json
import os
import platform
from importlib.metadata import version
from typing import Protocol

import ipywidgets
import pandas as pd
import plotly.graph_objects as go
import torch
from IPython.display import HTML, display

from eumlib._common.files import DATA_FOLDER as DATA_FOLDER
from eumlib._common.files import home as home
from eumlib._common.settings import STATIC_VARIABLE

RESULTS_MIME = "application/vnd.eumlib.results+json"


class Tool(Protocol):
    """Something to play with, and its picture."""

    def widget(self) -> ipywidgets.Widget:
        """The live tool; it needs a kernel."""

    def static(self) -> HTML | go.Figure:
        """What a page without a kernel shows instead."""


def show(tool: Tool) -> object:
    """The tool's widget, or its static twin where ``EUMLIB_STATIC`` is set, as reports do."""
    return tool.static() if os.environ.get(STATIC_VARIABLE) else tool.widget()


def folded(table: pd.DataFrame, summary: str) -> HTML:
    """A table that opens at a click on its summary: numbers for those who want them."""
    return HTML(
        f"<details><summary>{html.escape(summary)}</summary>{table.to_html(border=0)}</details>"
    )


def versions_line() -> str:
    """One line for the top of a notebook: versions that matter, and the device."""
    device = "GPU" if torch.cuda.is_available() else "CPU"
    numbers = ", ".join(f"{name} {version(name)}" for name in ("eumlib", "torch", "numpy"))
    return f"Python {platform.python_version()}, {numbers}, on the {device}"


def publish(results: pd.DataFrame, name: str) -> None:
    """Hand a table of results from a notebook to the report that runs it.

    In a notebook it shows nothing but a line; the runner finds the table in the cell's output.
    """
    rows = json.loads(results.to_json(orient="records", double_precision=15))
    told = f"handed to the report: {len(rows)} rows of {name}"
    display({"text/plain": told, RESULTS_MIME: {name: rows}}, raw=True)
