"""Tables as markdown, shown, and written where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from eumlib._common.files import write_text


def markdown_table(frame: pd.DataFrame) -> list[str]:
    """The frame's lines in markdown."""
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.astype(str).to_numpy()]
    return [f"| {' | '.join(row)} |" for row in rows]


def publish(lines: Sequence[str], out: Path | None) -> None:
    """Print the lines; write them too if there is a file to write."""
    text = "\n".join(lines) + "\n"
    print(text)
    if out:
        write_text(out, text)
