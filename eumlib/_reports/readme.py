"""What was measured, and the notebooks, as sections of the README and of the results' page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from eumlib._common.errors import EumlibError
from eumlib._common.looks import with_interval
from eumlib._reports.manifest import headline_results
from eumlib._reports.notebooks import Notebook
from eumlib._reports.tested import tested_on
from eumlib.rivals import (
    RATE_TITLES,
    gate_errors_by_style,
    mlfw_by_setting,
    recognised_by_mask,
    rivals_by_test,
    with_new_references,
)
from eumlib.study import eer_by_condition, rates_of_condition
from eumlib.verification import SHOWN_CHANGES, SHOWN_RATES, summary

THUMBNAILS = "data/pictures/notebooks"
CHOOSING_TEST = "LFW"
FRONT_TESTS = (
    ("MFR2 (worn)", "mfr2", "masks that people wore"),
    (CHOOSING_TEST, "lfw", "lifelike masks, masked landmarks"),
    ("ORL", "orl", "lifelike masks, masked landmarks"),
)
FRONT_SYSTEMS = {
    "no EUM": "no EUM",
    "EUM, triplet loss": "triplet loss",
    "EUM, SRT": "SRT",
}
NO_RIVALS = (*FRONT_SYSTEMS, "a linear map")


class ReadmeError(EumlibError, ValueError):
    """A README, or results, that do not have what is to be put into it."""


def results_markdown(manifest: dict) -> str:
    """The headline results as a markdown table, and the commit and parameters behind it.

    Raises:
        ReadmeError: no notebook of the run published headline results.
    """
    results = headline_results(manifest)
    if results is None:
        raise ReadmeError("the run published no headline results: run all core notebooks")
    table = summary(results)[[
        "setting", "EUM", *SHOWN_RATES.values(), *SHOWN_CHANGES.values()
    ]]  # fmt: skip
    lines = [table.columns, ["---"] * len(table.columns), *table.to_numpy()]
    rows = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    given = json.dumps(manifest["parameters"]) if manifest["parameters"] else "the defaults"
    return (
        f"{rows}\n\n{tested_on(results)} "
        f"Intervals: 95 %, bootstrap over people. Parameters: {given}. "
        f"Made by `python -m eumlib report` {_at_commit(manifest)}."
    )


def study_markdown(study: dict) -> str:
    """The tables of `eumlib.study.run_study` that bear on the claim, and what made them.

    Of each set of faces the first condition and the last: the paper's way, and a camera's.
    """
    targets, unseen = pd.DataFrame(study["targets"]), pd.DataFrame(study["unseen"])
    sections = [
        _section(f"{_sizes(rows)}, {condition}", rates_of_condition(rows, condition), "trained")
        for _, rows in targets.groupby("face_set", sort=False)
        for condition in dict.fromkeys(rows["condition"].unique()[[0, -1]])
    ]
    words = f"{_sizes(unseen)}, EER in percent"
    sections.append(_section(words, eer_by_condition(unseen), "trained"))
    return "\n\n".join(sections) + (
        f"\n\nThe mean of {study['seeds']} trainings of {study['steps_of_a_case']:,} steps; "
        "intervals: 95 %, bootstrap over people; "
        f"after each, the change from no EUM. Made by `make study` {_at_commit(study)}."
    )


def rivals_markdown(compared: dict) -> str:
    """The tables of `eumlib.rivals.run_rivals`, two rates of most."""
    systems = pd.DataFrame(compared["systems"])
    sections = [
        _section(f"{RATE_TITLES[rate]}, in percent", rivals_by_test(systems, rate), "system")
        for rate in ("eer", "error_at_1000")
    ]
    words = (
        "Networks with references of their own, EER in percent; in brackets the difference from "
        "SRT, and for bare probes, from the recogniser as it is"
    )
    renewed = with_new_references(pd.DataFrame(compared["networks"]), "eer")
    sections.append(_section(words, renewed, "network, probes"))
    errors = gate_errors_by_style(pd.DataFrame(compared["gate"]["errors"]))
    errors.index = [f"{face_set}, {style}, {trained}" for face_set, style, trained in errors.index]
    sections.append(_section("The gate", errors, "faces, masks, trained on"))
    pairs = mlfw_by_setting(pd.DataFrame(compared["mlfw"]), "eer")
    pairs.index = [f"{setting}, {system}" for setting, system in pairs.index]
    words = "Pairs whose masks mislead, beside random ones"
    sections.append(_section(words, pairs, "setting, system"))
    prints = recognised_by_mask(pd.DataFrame(compared["attack"]))
    prints.index = [", ".join(keys) for keys in prints.index]
    words = "Who is recognised while wearing a print"
    sections.append(_section(words, prints, "recogniser, mask, EUM"))
    commits = systems["commit"].dropna().str[:12].unique()
    return "\n\n".join(sections) + (
        f"\n\nThe mean of {compared['trainings']} trainings of {compared['steps']:,} steps, and of "
        f"networks one of {compared['network_steps']:,}; "
        f"trained and judged at commit {', '.join(f'`{commit}`' for commit in commits)}; in "
        "brackets the difference from SRT, percentage points with 95 %, bootstrap over people. "
        f"Made by `make rivals` {_at_commit(compared)}."
    )


def _sizes(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return (
        f"{first.face_set.upper()}, {first.people} people, {first.pictures:,} pictures (without "
        f"masks EER {100 * first.unmasked_eer:.1f} %)"
    )


def _section(words: str, table: pd.DataFrame, first: str) -> str:
    """Words over a table, whose first column, its index, has a name of its own."""
    lines = [[first, *table.columns], ["---"] * (1 + len(table.columns))]
    lines += [[name, *values] for name, values in zip(table.index, table.to_numpy(), strict=True)]
    rows = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{words}:\n\n{rows}"


def _at_commit(made: dict) -> str:
    if made["commit"] is None:
        return "outside a git checkout"
    dirty = " with uncommitted changes" if made["uncommitted_changes"] else ""
    return f"at commit `{made['commit'][:12]}`{dirty}"


def front_markdown(compared: dict) -> str:
    """Four lines of `eumlib.rivals.run_rivals`: no EUM, both losses, and the best rival.

    The best is the one with the lowest HTER on LFW's lifelike masks; no test of worn masks chooses.
    """
    systems = pd.DataFrame(compared["systems"])
    tests = {
        title: systems[(systems["face_set"] == name) & (systems["condition"] == condition)]
        for title, name, condition in FRONT_TESTS
    }
    judged = tests[CHOOSING_TEST].set_index("system")["error_at_1000"]
    best = judged.drop([*NO_RIVALS]).idxmin()
    rows = {
        shown: [
            _in_small_print(with_interval(*(100 * rows.set_index("system").loc[name, _ends(rate)])))
            for rows in tests.values()
            for rate in ("eer", "error_at_1000")
        ]
        for name, shown in {
            **FRONT_SYSTEMS,
            best: f"{best.split(':')[0]}, best rival",
        }.items()
    }
    columns = [f"{title}, {rate} %" for title in tests for rate in ("EER", "HTER")]
    lines = [["", *columns], ["---"] * (1 + len(columns)), *([k, *v] for k, v in rows.items())]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _in_small_print(text: str) -> str:
    """The value as it is and its interval small, so that six fit on a line."""
    value, space, interval = text.partition(" ")
    if not interval:
        return value
    return f"{value}{space}<sub>{interval}</sub>".replace(" ", "\N{NO-BREAK SPACE}")


def _ends(rate: str) -> list[str]:
    return [rate, f"{rate}_low", f"{rate}_high"]


def badges_markdown(project: Mapping) -> str:
    """Whether tests and site are in order, as GitHub says, and where to read and run the notebooks.

    Args:
        project: the table ``[project]`` of ``pyproject.toml``. Without a ``Repository`` under its
            ``urls`` the links are relative, which GitHub understands, and Binder has none.
    """
    repository = project.get("urls", {}).get("Repository", "../..").rstrip("/").removesuffix(".git")
    badges = [
        f"[![{name}]({repository}/actions/workflows/{name}.yml/badge.svg)]"
        f"({repository}/actions/workflows/{name}.yml)"
        for name in ("tests", "pages")
    ]
    pages = f"{repository}/deployments/github-pages"
    if repository.startswith("https://github.com/"):
        owner, name = repository.split("/")[-2:]
        pages = f"https://{owner}.github.io/{name}/"
        badges.append(
            f"[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/"
            f"{owner}/{name}/HEAD?urlpath=lab/tree/notebooks/00_start_here.ipynb)"
        )
    return f"{' '.join(badges)} [Read it online]({pages})."


def notebooks_markdown(notebooks: Sequence[Notebook]) -> str:
    """The core notebooks as pictures with their names, five a row, and links to the others."""
    core = [n for n in notebooks if n.name < "1"]
    cells = [
        f'<td align="center" width="20%"><a href="notebooks/{n.path.name}">'
        f'<img src="{THUMBNAILS}/{n.name[:2]}.webp" width="120" alt=""><br>'
        f"{n.name[:2]} {_short(n)}</a></td>"
        for n in core
    ]
    rows = [f"<tr>{''.join(cells[at : at + 5])}</tr>" for at in range(0, len(cells), 5)]
    others = ", ".join(f"[{_short(n)}](notebooks/{n.path.name})" for n in notebooks[len(core) :])
    return "\n".join(["<table>", *rows, "</table>", "", f"Optional: {others}."])


def _short(notebook: Notebook) -> str:
    """Its title, up to a colon."""
    return notebook.title.split(":")[0]


def with_section(text: str, name: str, content: str) -> str:
    """The text with what stands between its marks ``<!-- name: begin -->`` and end replaced.

    Raises:
        ReadmeError: the marks are not there.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, also_found, after = rest.partition(end)
    if not found or not also_found:
        raise ReadmeError(f"the README has no lines {begin} and {end}")
    return f"{before}{begin}\n{content}\n{end}{after}"
