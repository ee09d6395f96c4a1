"""Rows as the protocol of the rivals writes them."""

import pandas as pd

ENDS = ("", "_low", "_high")


def row(system, eer, minus=None, name="minus_srt", **more):
    found = {"face_set": "lfw", "condition": "flat masks", "system": system, **more}
    for rate in ("eer", "fmr1000", "error_at_1000"):
        for end, away in zip(ENDS, (0, -0.01, 0.01), strict=True):
            found[f"{rate}{end}"] = eer + away
            if minus is not None:
                found[f"{rate}_{name}{end}"] = minus and minus + away
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
NETWORKS = pd.DataFrame(
    [
        row("a network", 0.03, -0.02, "minus", probes="masked"),
        row("a network", 0.01, 0.002, "minus", probes="bare"),
    ]
)
MLFW = [
    {
        "setting": "UMR-MP", "system": "no EUM", "pairs": pairs, "accuracy": accuracy,
        "accuracy_standard_error": error,
        **{f"eer{end}": eer + away for end, away in zip(ENDS, (0, -0.01, 0.01), strict=True)},
        **{f"eer_minus_random{end}": x for end, x in zip(ENDS, (0.04, 0.03, 0.05), strict=True)},
    }
    for pairs, accuracy, error, eer in (
        ("misleading", 0.95, 0.004, 0.06),
        ("random", 0.99, 0.002, 0.02),
    )
]  # fmt: skip
ATTACK = [
    {
        "recogniser": "mobilefacenet", "mask": "adversarial", "unmasking": None,
        **{f"{rate}{end}": 0.08 + away
           for rate in ("recognised", "fmr", "rank1")
           for end, away in zip(ENDS, (0, -0.01, 0.01), strict=True)},
        "attempts": 560, "not_acquired": 1,
    },
]  # fmt: skip
