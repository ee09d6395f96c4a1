"""The commands of the command line that make reports, and compare and describe them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from eumlib._commands.printing import print_table
from eumlib._common.errors import shortened
from eumlib._common.files import try_to_write
from eumlib._common.looks import with_interval
from eumlib._reports import binding, differences, manifest, parameters, plan, results
from eumlib._reports.notebooks import Literal, Notebook, discover, of_tens, select, starting_with

NOTEBOOKS = "notebooks"
LONGEST = 200  # letters of a value in a table


def make_report(
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("build/report"),
    profile: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(parameters.PROFILES)}: notebooks, and parameters to begin with"
        ),
    ] = "quick",
    parameters_file: Annotated[
        Path | None, typer.Option("--parameters", help="YAML file with a line 'name: value' each")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="NAME=VALUE for the notebooks; repeat it for more"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="a notebook, such as 03; repeat it for more")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="leave out the notebooks before this one")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="run also what has not changed since its last run")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="go on after a notebook that failed")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would run and why, and run nothing")
    ] = False,
    notebook_minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help="a notebook that takes longer is ended; without it, after an hour, or twice the "
            "minutes that it states",
        ),
    ] = None,
    total_minutes: Annotated[
        float, typer.Option(min=0.01, help="what all notebooks together may take")
    ] = plan.TOTAL_SECONDS / 60,
) -> None:
    """Execute the notebooks of a profile, or those named, and bind OUT/index.html.

    A notebook that has not changed since its last good run into OUT, nor its parameters, the
    package or its data, is kept: ended in the middle, the same command goes on where it stopped.
    """
    everything = discover()
    chosen = _profile(profile)
    notebooks = select(everything, only) if only else of_tens(everything, chosen.tens)
    notebooks = starting_with(notebooks, first) if first else notebooks
    given = _given(everything, notebooks, chosen, parameters_file, parameter or [])
    if dry_run:
        for step in plan.plan(notebooks, given, out / NOTEBOOKS, force):
            print(step.describe())
        return
    limits = plan.Limits(60 * notebook_minutes if notebook_minutes else None, 60 * total_minutes)
    try_to_write(out / manifest.MANIFEST, out / NOTEBOOKS / manifest.MANIFEST)
    with plan.only_report_in(out):
        steps = plan.plan(notebooks, given, out / NOTEBOOKS, force)
        made = manifest.begin(steps, given, profile)
        manifest.write_manifest(made, out)
        runs = []
        try:
            for run in plan.walk(steps, given, out / NOTEBOOKS, limits, keep_going):
                runs.append(run)
                manifest.write_manifest(manifest.with_runs(made, runs), out)
        except KeyboardInterrupt:
            manifest.write_manifest(manifest.stopped(manifest.with_runs(made, runs)), out)
            raise
        print(f"report: {binding.bind_report(runs, made, out)}")
    plan.require_success(runs, out / NOTEBOOKS)


def _profile(name: str) -> parameters.Profile:
    if name not in parameters.PROFILES:
        raise typer.BadParameter(
            f"{name!r} is not one of {', '.join(parameters.PROFILES)}", param_hint="--profile"
        )
    return parameters.PROFILES[name]


def _given(
    everything: Sequence[Notebook],
    notebooks: Sequence[Notebook],
    profile: parameters.Profile,
    parameters_file: Path | None,
    assignments: Sequence[str],
) -> dict[str, Literal]:
    """All parameters: those of the profile, over them the file's, over them the command line's."""
    broad, texts = dict(profile.parameters), parameters.names_of_texts(everything)
    if parameters_file:
        broad |= parameters.read_parameters(parameters_file, texts)
    parameters.check_parameters(everything, broad)
    typed = dict(parameters.parse_assignment(text, texts) for text in assignments)
    parameters.check_parameters(notebooks, typed, everything)
    given = broad | typed
    parameters.check_values(given)
    return given


def compare_reports(
    run_a: Annotated[
        Path, typer.Argument(help="folder of a report, or a file of results like data/study.json")
    ],
    run_b: Annotated[Path, typer.Argument(help="another")],
    metric: Annotated[
        list[str] | None, typer.Option(help="a result to show, such as eer; repeat it for more")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="show also what moved within its intervals")
    ] = False,
) -> None:
    """Say in what two reports, or files of results, differ: what made them, and the results.

    Results that lie outside each other's intervals come first; the others are counted, and shown
    with --all. Rates and their changes are in percent.
    """
    a, b = results.read_compared(run_a), results.read_compared(run_b)
    causes = differences.differing_causes(a, b)
    print(f"A is {run_a}, B is {run_b}. What went into them ", end="")
    if causes.empty:
        print("is the same.")
    else:
        print("differs here:")
        print_table(causes.map(_shortened))
    found = differences.differing_results(a, b)
    if not differences.published(a) and not differences.published(b):
        print("Neither has results to compare: no notebook of theirs published any.")
        return
    if metric:
        unknown = set(metric) - differences.published(a) - differences.published(b)
        if unknown:
            raise typer.BadParameter(
                f"no result {', '.join(sorted(unknown))}; there are "
                f"{', '.join(sorted(differences.published(a) | differences.published(b)))}",
                param_hint="--metric",
            )
        found = found[found["metric"].isin(metric)]
    if found.empty:
        print("Their results are the same.")
        return
    for side, other in ("AB", "BA"):
        lone = found[found[side].notna() & found[other].isna()]
        if len(lone):
            print(f"In {side} alone: {len(lone)} numbers of {', '.join(lone['table'].unique())}.")
    found = found.dropna(subset=["A", "B"])
    if found.empty:
        print("Results that both have are the same.")
        return
    apart, within = found[found["apart"]], found[~found["apart"]]
    if len(apart):
        print("Each of these lies outside of the other's 95 % interval:")
        _print_differences(apart)
    if len(within) and everything:
        print("These moved within their 95 % intervals:")
        _print_differences(within)
    hidden = "" if everything or within.empty else ": --all shows them"
    print(f"{len(apart)} of {len(found)} are apart; {len(within)} moved within intervals{hidden}.")


def _print_differences(found: pd.DataFrame) -> None:
    print_table(
        found[["table", "row"]].assign(
            metric=[differences.with_unit(metric) for metric in found["metric"]],
            A=_with_intervals(found, "A"),
            B=_with_intervals(found, "B"),
        )
    )


def _shortened(value: object) -> str:
    text = "–" if value is None else str(value)
    return text[:12] if re.fullmatch("[0-9a-f]{40,64}", text) else shortened(text, LONGEST)


def _with_intervals(found: pd.DataFrame, side: str) -> list[str]:
    scales = [100 if differences.is_share(metric) else 1 for metric in found["metric"]]
    values = found[[side, f"{side}_low", f"{side}_high"]].mul(scales, axis=0).to_numpy()
    return [with_interval(*row, "{:.4g}") for row in values]
