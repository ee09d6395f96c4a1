"""Progress bars with an estimate, in terminals and notebooks."""

from __future__ import annotations

import os

from tqdm.auto import tqdm

from eumlib._common.settings import QUIET_VARIABLE


def progress_bar(total: int, what: str, unit: str, done: int = 0, delay: float = 0) -> tqdm:
    """A bar to ``update`` and to close; silent where ``TQDM_DISABLE`` is set, as in reports.

    Args:
        total: all that there is to do.
        what: shown before the bar.
        unit: of one step.
        done: what an earlier run has done already; the estimate leaves it out.
        delay: seconds before the bar appears: what is over sooner needs none.
    """
    return tqdm(total=total, initial=done, **bar_options(what, unit, delay))


def bar_options(what: str, unit: str, delay: float = 0) -> dict[str, object]:
    """Options of such a bar, for a library that makes its own with tqdm."""
    quiet = bool(os.environ.get(QUIET_VARIABLE))
    return {"desc": what, "unit": unit, "delay": delay, "disable": quiet}
