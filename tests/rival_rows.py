"""Rows as the protocol of the rivals writes them."""

import pandas as pd

ENDS = ("", "_low", "_high")


def row(system, eer, minus=None, **more):
    found = {"face_set": "lfw", "condition": "flat masks", "system": system, **more}
    for rate in ("eer", "fmr1000", "error_at_1000"):
        for end, away in zip(ENDS, (0, -0.01, 0.01), strict=True):
            found[f"{rate}{end}"] = eer + away
            if minus is not None:
                found[f"{rate}_minus_srt{end}"] = minus and minus + away
    return found


SYSTEMS = pd.DataFrame(
    [
        row("no EUM", 0.08, 0.03),
        row(
            "EUM, SRT",
            0.05,
            0.0,
            commit="b" * 40,
            parameters=1000,
            minutes=0.52,
            milliseconds_a_face=0.01234,
        ),
        row(
            "a rival",
            0.04,
            -0.012,
            commit="b" * 40,
            parameters=2000,
            minutes=2,
            milliseconds_a_face=0.02,
        ),
    ]
)
