"""Progress bars with an estimate, in terminals and notebooks."""

from __future__ import annotations

import os

from tqdm.auto import tqdm

QUIET_VARIABLE = "TQDM_DISABLE"


def progress_bar(total: int, what: str, unit: str) -> tqdm:
    """A bar to ``update`` and to close; silent where ``TQDM_DISABLE`` is set, as in reports."""
    return tqdm(total=total, desc=what, unit=unit, disable=bool(os.environ.get(QUIET_VARIABLE)))
