"""Tables as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_of(table: pd.DataFrame) -> str:
    """The table as CSV. A text that a spreadsheet would compute has an apostrophe before it.

    >>> csv_of(pd.DataFrame({"identity": ["=1+1", "Ann"], "change": [-0.5, 0.5]}))
    "identity,change\\n'=1+1,-0.5\\nAnn,0.5\\n"
    """
    harmless = table.rename(columns=_harmless)
    texts = harmless.select_dtypes(exclude="number")
    return harmless.assign(**texts.map(_harmless)).to_csv(index=False, lineterminator="\n")


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
