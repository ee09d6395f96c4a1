"""Tables in the terminal."""

from __future__ import annotations

import sys

import pandas as pd
from rich.console import Console
from rich.table import Table

PIPE_COLUMNS = 180


def print_table(frame: pd.DataFrame) -> None:
    """Print all rows, as wide as the terminal; in a pipe, wide enough to keep rows on a line."""
    shown = Table(*frame.columns)
    for row in frame.astype(str).to_numpy():
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, markup=False).print(shown)
