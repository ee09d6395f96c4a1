"""Who was tested, for readers of results."""

from __future__ import annotations

import pandas as pd


def tested_on(results: pd.DataFrame) -> str:
    """Who was tested, in a sentence that counts the failures to acquire."""
    first = results.iloc[0]
    return (
        f"{first.people:.0f} people, {first.pictures:.0f} photographs; "
        f"{first.not_acquired:.0f} of {first.attempts:.0f} faces were not acquired."
    )
