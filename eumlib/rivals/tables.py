"""The results of the protocol for readers."""

from __future__ import annotations

import pandas as pd

from eumlib._common.looks import with_interval

RATE_TITLES = {
    "eer": "EER",
    "fmr1000": "FMR1000",
    "error_at_1000": "HTER",
}


def rivals_by_test(systems: pd.DataFrame, rate: str) -> pd.DataFrame:
    """A rate of ``systems`` in ``data/rivals.json``, in percent: systems down, tests across.

    Behind it stands how much more it is than with SRT, in percentage points, with a 95 % interval
    of its own, taken on the same resamples of people.

    Args:
        systems: the rows.
        rate: one of `RATE_TITLES`; HTER is the mean of FMR and FNMR at the operating threshold,
            which lets 0.1 % of impostors pass among unmasked faces.
    """
    tests = systems["face_set"].str.upper() + ", " + systems["condition"]
    shown = pd.DataFrame(
        {"system": systems["system"], "test": tests, "cell": _cells(systems, rate, "minus_srt")}
    )
    order = {"index": shown["system"].unique(), "columns": shown["test"].unique()}
    return shown.pivot(index="system", columns="test", values="cell").reindex(**order)


def with_new_references(networks: pd.DataFrame, rate: str) -> pd.DataFrame:
    """A rate of ``networks`` in ``data/rivals.json``, in percent, with references of the rival's.

    Lines are rivals, and probes masked or bare; columns are tests. Behind a rate of masked probes
    stands how much more it is than with the EUM and SRT, and behind one of bare probes, than the
    recogniser's, in percentage points with 95 % intervals.

    Args:
        networks: the rows.
        rate: one of `RATE_TITLES`.
    """
    tests = networks["face_set"].str.upper() + ", " + networks["condition"]
    lines = networks["system"] + ", " + networks["probes"] + " probes"
    shown = pd.DataFrame({"system": lines, "test": tests, "cell": _cells(networks, rate, "minus")})
    order = {"index": shown["system"].unique(), "columns": shown["test"].unique()}
    return shown.pivot(index="system", columns="test", values="cell").reindex(**order)


def costs_of_rivals(systems: pd.DataFrame) -> pd.DataFrame:
    """What each system costs: numbers learnt, minutes of training, extra ms per face."""
    rows = systems.dropna(subset="parameters").drop_duplicates("system").set_index("system")
    return pd.DataFrame(
        {
            "parameters": [f"{count:,.0f}" for count in rows["parameters"]],
            "minutes of training": rows["minutes"].round(1),
            "extra ms per face": rows["milliseconds_a_face"].round(3),
        },
        index=rows.index,
    )


def gate_errors_by_style(errors: pd.DataFrame) -> pd.DataFrame:
    """Rows of `eumlib.rivals.gate_errors` for a reader, in percent."""
    shares = {
        "masked faces taken for bare, %": "masked_taken_for_bare",
        "bare faces taken for masked, %": "bare_taken_for_masked",
    }
    keys = [errors["face_set"].str.upper(), errors["style"], errors["trained"]]
    shown = {
        title: [f"{100 * share:.1f}" for share in errors[name]] for title, name in shares.items()
    }
    return pd.DataFrame(shown, index=pd.MultiIndex.from_arrays(keys))


def mlfw_by_setting(gaps: pd.DataFrame, rate: str) -> pd.DataFrame:
    """Rows of `eumlib.rivals.mlfw_gaps` for a reader: one line per setting and system, in percent.

    Accuracy on random and on misleading pairs, ± a standard error of ten folds; then a rate on
    both, and how much more it is on misleading ones, in percentage points, with its 95 % interval.

    Args:
        gaps: the rows.
        rate: one of `RATE_TITLES`.
    """
    lists = dict(list(gaps.set_index(["setting", "system"]).groupby("pairs", sort=False)))
    both = {f"{name} pairs": lists[name] for name in ("random", "misleading")}
    shown = {
        f"accuracy %, {name}": [
            f"{100 * mean:.1f} ± {100 * error:.1f}"
            for mean, error in rows[["accuracy", "accuracy_standard_error"]].to_numpy()
        ]
        for name, rows in both.items()
    } | {
        f"{RATE_TITLES[rate]} %, {name}": _with_intervals(rows, rate, "{:.1f}")
        for name, rows in both.items()
    }
    misleading = lists["misleading"]
    shown["more, points"] = _with_intervals(misleading, f"{rate}_minus_random", "{:+.1f}")
    return pd.DataFrame(shown, index=misleading.index)


def _with_intervals(rows: pd.DataFrame, name: str, form: str) -> list[str]:
    values = 100 * rows[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [with_interval(*row, form) for row in values]


def _cells(rows: pd.DataFrame, rate: str, minus: str) -> list[str]:
    ends = [f"{rate}_{minus}{end}" for end in ("", "_low", "_high")]
    cells = []
    for value, *differs in rows[[rate, *ends]].astype(float).to_numpy():
        more = with_interval(*(100 * end for end in differs), "{:+.1f}")
        cells.append(
            f"{100 * value:.1f}" + ("" if more == "–" or not any(differs) else f" ({more})")
        )
    return cells
