"""The command line: ``python -m eumlib --help``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eumlib import (
    backbones,
    embeddings,
    evaluation,
    faces,
    fetching,
    losses,
    masks,
    report,
    training,
    unmasking,
    verification,
    workbook,
)
from eumlib.files import write_text

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

EXPECTED_ERRORS = (
    embeddings.TableError,
    faces.FaceSetError,
    fetching.FetchError,
    unmasking.ModelError,
    verification.ScoreError,
    workbook.NotebookError,
    workbook.ParameterError,
)
LOSSES = {loss.name: loss for loss in (losses.SelfRestrainedTripletLoss, losses.TripletLoss)}

TablePath = Annotated[Path, typer.Option("--table", help="table of embeddings (.parquet)")]


@app.callback()
def describe() -> None:
    """Unmask face embeddings: embed faces, train an unmasking model, evaluate it, report."""


@app.command("report")
def make_report(
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("build/report"),
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="NAME=VALUE for the notebooks; repeat it for more"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="a notebook, such as 03; repeat it for more")
    ] = None,
) -> None:
    """Execute the core notebooks and bind OUT/index.html."""
    notebooks = workbook.core(workbook.discover())
    if only:
        notebooks = workbook.select(notebooks, only)
    given = dict(workbook.parse_assignment(text) for text in parameter or [])
    runs = workbook.run_workbook(notebooks, given, out / "notebooks")
    manifest = workbook.write_manifest(runs, given, out / "manifest.json")
    print(f"report: {report.bind_report(runs, manifest, out)}")
    workbook.require_success(runs, out / "notebooks")


@app.command()
def embed(
    face_set: Annotated[str, typer.Option("--faces", help="orl, synthetic, or a folder of people")],
    out: Annotated[Path, typer.Option(help="table to write (.parquet)")],
    count: Annotated[int, typer.Option(min=1, help="number of synthetic faces")] = 100,
    seed: Annotated[int, typer.Option(help="seed of the masks and of synthetic faces")] = 0,
    float16: Annotated[bool, typer.Option("--float16", help="half the size on disk")] = False,
) -> None:
    """Embed every face, unmasked and masked, into one table."""
    options = {"count": count, "seed": seed} if face_set == "synthetic" else {}
    chosen = faces.load_faces(face_set, **options)
    table = embeddings.extract(chosen, masks.MaskPlan(seed), backbones.default_backbone())
    embeddings.write_table(table, out, "float16" if float16 else "float32")
    acquired = table.attempts - len(table.failures)
    print(f"{out}: {acquired} of {table.attempts} faces acquired, {len(table)} embeddings")
    for reason, failed in table.failures.groupby("reason")["image_id"]:
        listed = ", ".join(failed[:5]) + (", …" if len(failed) > 5 else "")
        print(f"  not acquired: {len(failed)} × {reason}: {listed}")


@app.command()
def train(
    table: TablePath,
    out: Annotated[Path, typer.Option(help="model to write (.safetensors)")],
    loss: Annotated[str, typer.Option(help=f"{' or '.join(LOSSES)}")] = "srt",
    epochs: Annotated[int, typer.Option(min=1)] = training.Schedule.epochs,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Train an unmasking model on a table; a tenth of its people is kept for validation."""
    if loss not in LOSSES:
        raise typer.BadParameter(f"{loss!r} is not one of {', '.join(LOSSES)}", param_hint="--loss")
    fit = training.train_unmasker(
        embeddings.read_table(table),
        LOSSES[loss](),
        training.Schedule(epochs=epochs, seed=seed),
        training.available_device(),
    )
    unmasking.save_model(fit.model, out)
    print(fit.history.to_string(index=False, float_format="{:.4f}".format))
    print(f"{out}: weights of epoch {fit.best_epoch}, the best by validation")


@app.command()
def evaluate(
    table: TablePath,
    model: Annotated[list[Path] | None, typer.Option(help="unmasking model; repeatable")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="results to write")] = None,
    resamples: Annotated[int, typer.Option(min=1, help="bootstrap resamples")] = 200,
    seed: Annotated[int, typer.Option(help="seed of the bootstrap")] = 0,
) -> None:
    """Error rates of a table, without and with unmasking models."""
    models = {path.stem: unmasking.load_model(path) for path in model or []}
    results = evaluation.evaluate(embeddings.read_table(table), models, resamples, seed)
    if json_path:
        evaluation.write_results(results, json_path)
    shown = Table(*evaluation.summary(results).columns)
    for row in evaluation.summary(results).to_numpy():
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 180).print(shown)
    first = results.iloc[0]
    print(
        f"{first.people} people, {first.pictures} pictures in both views; not acquired: "
        f"{first.not_acquired} of {first.attempts} faces. Intervals: 95 %, over people."
    )


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
    path: Annotated[Path, typer.Option(help="the README")] = Path("README.md"),
) -> None:
    """Put the results of a report into the README, and keep them in data/; list the notebooks."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    text = path.read_text(encoding="utf-8")
    text = report.with_section(text, "results", report.results_markdown(manifest))
    text = report.with_section(text, "notebooks", report.notebooks_markdown(workbook.discover()))
    write_text(results, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    write_text(path, text)
    print(f"{path}: results of commit {manifest['commit']}")


def main() -> None:
    """Run the command line; errors of the user's making end with a message, not a traceback."""
    try:
        app()
    except EXPECTED_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
