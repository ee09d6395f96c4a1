"""The command line: ``python -m eumlib --help``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from eumlib import doctor

if __name__ == "__main__" and sys.argv[1:] == ["doctor"]:  # it works where packages are missing
    raise SystemExit(doctor.main())

import typer

from eumlib import (
    backbones,
    comparison,
    datasets,
    embeddings,
    extraction,
    face_commands,
    fetching,
    manifest,
    mask_plans,
    model_commands,
    pairs,
    parameters,
    report,
    report_commands,
    student,
    study,
    unmasking,
    walking,
    weights,
    workbook,
)
from eumlib.files import write_text

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

EXPECTED_ERRORS = (
    backbones.BackboneError,
    datasets.FaceSetError,
    embeddings.TableError,
    extraction.ExtractionError,
    fetching.FetchError,
    mask_plans.MaskPlanError,
    pairs.PairsFileError,
    student.SolutionError,
    unmasking.ModelError,
    comparison.ScoreError,
    manifest.ManifestError,
    parameters.ParameterError,
    walking.BusyFolderError,
    weights.WeightsError,
    workbook.NotebookError,
)


@app.callback()
def describe() -> None:
    """Unmask face embeddings: embed faces, train an unmasking model, evaluate it, report."""


app.command("report")(report_commands.make_report)
app.command("compare")(report_commands.compare_reports)
app.command("doctor")(doctor.main)
app.command("embed")(face_commands.embed)
app.command("pairs")(face_commands.make_pairs)
app.command("train")(model_commands.train)
app.command("evaluate")(model_commands.evaluate)
app.command("explore")(model_commands.make_explorer)


@app.command("study")
def make_study(
    folder: Annotated[Path, typer.Argument(help="tables of embeddings, as `make study` embeds")],
    results: Annotated[Path, typer.Option(help="JSON to write")] = Path("data/study.json"),
    models: Annotated[Path, typer.Option(help="folder for models")] = Path("data/models"),
    seeds: Annotated[int, typer.Option(min=1, help="trainings of each target")] = 5,
    ablation_seeds: Annotated[int, typer.Option(min=1, help="trainings of each case")] = 3,
    resamples: Annotated[int, typer.Option(min=1, help="bootstrap resamples")] = 200,
) -> None:
    """Train and judge everything that the workbook claims about training on people."""
    study.run_study(folder, results, models, seeds, ablation_seeds, resamples)
    print(f"{results}: ablation, matrix, targets, unseen styles; models in {models}")


@app.command()
def fetch(
    name: Annotated[
        str | None, typer.Argument(help="file to fetch; all are listed without")
    ] = None,
) -> None:
    """Fetch a named file into the cache, or list the files there are."""
    if name:
        print(fetching.fetch(name))
        return
    for file in fetching.REGISTRY.values():
        print(f"{file.name}  {file.size / 1e6:.0f} MB  {file.about}\n    licence: {file.licence}")


@app.command()
def readme(
    run: Annotated[Path, typer.Option(help="folder of a report")] = Path("build/report"),
    results: Annotated[Path, typer.Option(help="copy of the results")] = Path("data/results.json"),
    study_results: Annotated[Path, typer.Option("--study", help="results of the study")] = Path(
        "data/study.json"
    ),
    path: Annotated[Path, typer.Option(help="the README")] = Path("README.md"),
) -> None:
    """Put the results of a report and of the study into the README; list the notebooks."""
    made = manifest.read_manifest(run)
    text = path.read_text(encoding="utf-8")
    text = report.with_section(text, "results", report.results_markdown(made))
    measured = json.loads(study_results.read_text(encoding="utf-8"))
    text = report.with_section(text, "study", report.study_markdown(measured))
    text = report.with_section(text, "notebooks", report.notebooks_markdown(workbook.discover()))
    write_text(results, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    write_text(path, text)
    print(f"{path}: results of commit {made['commit']}")


@app.command("student")
def make_student_copies(
    out: Annotated[Path, typer.Option(help="folder; copies in it are replaced")] = Path(
        "notebooks/student"
    ),
) -> None:
    """Write the notebooks without the answers of their exercises."""
    copies = student.write_student_copies(out)
    print(f"{out}: {len(copies)} notebooks without answers")


def main() -> None:
    """Run the command line; errors of the user's making end with a message, not a traceback."""
    try:
        app()
    except EXPECTED_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
