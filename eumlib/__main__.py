"""The command line: ``python -m eumlib --help``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from eumlib import doctor

if __name__ == "__main__" and sys.argv[1:] == ["doctor"]:  # it works where packages are missing
    raise SystemExit(doctor.main())

import typer

from eumlib import (
    acquisition,
    backbones,
    comparison,
    curves,
    datasets,
    embeddings,
    evaluation,
    explorer,
    exploring,
    extraction,
    faces,
    failures,
    fetching,
    folds,
    joint_maps,
    losses,
    manifest,
    mask_plans,
    pairs,
    parameters,
    recipes,
    report,
    report_commands,
    results,
    student,
    study,
    training,
    unmasking,
    view_pictures,
    walking,
    weights,
    workbook,
)
from eumlib.files import write_text
from eumlib.printing import print_table

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
LOSSES = {loss.name: loss for loss in (losses.SelfRestrainedTripletLoss, losses.TripletLoss)}

TablePath = Annotated[Path, typer.Option("--table", help="table of embeddings (.parquet)")]
TablesOption = Annotated[
    list[Path], typer.Option("--table", help="table of embeddings (.parquet); repeat it for more")
]


@app.callback()
def describe() -> None:
    """Unmask face embeddings: embed faces, train an unmasking model, evaluate it, report."""


app.command("report")(report_commands.make_report)
app.command("compare")(report_commands.compare_reports)
app.command("doctor")(doctor.main)

FacesOption = Annotated[
    str, typer.Option("--faces", help=f"{', '.join(datasets.FACE_SETS)}, or a folder of people")
]
RootOption = Annotated[Path | None, typer.Option(help="folder or archive of lfw, folder of mfr2")]


@app.command()
def embed(
    face_set: FacesOption,
    out: Annotated[Path, typer.Option(help="table to write (.parquet)")],
    root: RootOption = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            help=f"kind of mask to paint, {', '.join(mask_plans.KINDS)}; repeat it for more masks "
            "a face; flat without it"
        ),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="log of masks to paint: lines 'image_id shape r g b'")
    ] = None,
    shared: Annotated[
        int | None, typer.Option(help="masks that all people share, as MLFW's do")
    ] = None,
    camera: Annotated[
        bool, typer.Option("--camera", help="find masked faces with the mask on")
    ] = False,
    backbone: Annotated[
        str, typer.Option(help="recogniser: dlib_resnet_v1, or an .onnx file")
    ] = "dlib_resnet_v1",
    workers: Annotated[
        int | None, typer.Option(min=1, help="processes; without it, by cores and faces")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="number of synthetic faces")] = 100,
    seed: Annotated[int, typer.Option(help="seed of the masks and of synthetic faces")] = 0,
    float16: Annotated[bool, typer.Option("--float16", help="half the size on disk")] = False,
) -> None:
    """Embed every face, as it is and masked, into one table. Interrupted, it can be resumed."""
    chosen = _faces(face_set, root, count, seed)
    extraction.Extraction(
        chosen,
        _mask_plan(chosen, mask or ["flat"], replay, shared, seed),
        backbones.load_backbone(backbone),
        acquisition.acquire_as_a_camera_does
        if camera
        else acquisition.acquire_with_unmasked_landmarks,
        workers or extraction.workers_for(chosen),
    ).write_to(out, "float16" if float16 else "float32")
    outcomes = embeddings.read_outcomes(out)
    lost = outcomes[outcomes["reason"].notna()]
    acquired = len(chosen) - lost["image_id"].nunique()
    print(
        f"{out}: {acquired} of {len(chosen)} faces acquired, {len(outcomes) - len(lost)} embeddings"
    )
    print_table(failures.failures_summary(failures.failures_to_acquire(outcomes)))
    for reason, failed in lost.groupby("reason")["image_id"]:
        named = failed.unique()
        listed = ", ".join(named[:5]) + (", …" if len(named) > 5 else "")
        print(f"  {reason}: {len(named)} × {listed}")


def _faces(face_set: str, root: Path | None, count: int, seed: int) -> faces.FaceSet:
    options = {"count": count, "seed": seed} if face_set == "synthetic" else {}
    return datasets.load_faces(face_set, **options, **({"root": root} if root else {}))


def _mask_plan(
    chosen: faces.FaceSet, kinds: list[str], replay: Path | None, shared: int | None, seed: int
) -> mask_plans.MaskPlan:
    unknown = [kind for kind in kinds if kind not in mask_plans.KINDS]
    if unknown:
        raise typer.BadParameter(
            f"no kind {', '.join(unknown)}; there are {', '.join(mask_plans.KINDS)}",
            param_hint="--mask",
        )
    if chosen.labelled:
        return mask_plans.RandomMasks(seed, kinds=())
    if replay:
        return mask_plans.ReplayedMasks.read(replay)
    drawn = tuple(mask_plans.KINDS[kind] for kind in kinds)
    if shared:
        return mask_plans.SharedMasks.of(chosen, shared, drawn[0], seed)
    return mask_plans.RandomMasks(seed, drawn)


@app.command("pairs")
def make_pairs(
    face_set: FacesOption,
    out: Annotated[Path, typer.Option(help="pairs file to write, in LFW's format")],
    root: RootOption = None,
    mated: Annotated[int, typer.Option(min=1, help="pairs of one person")] = 3000,
    non_mated: Annotated[int, typer.Option(min=1, help="pairs of two people")] = 3000,
    seed: Annotated[int, typer.Option(help="of the draw")] = 0,
) -> None:
    """Draw mated and non-mated pairs of pictures, for `evaluate --pairs`."""
    people = pairs.image_ids_by_person(_faces(face_set, root, count=100, seed=0))
    drawn = pairs.make_pairs(people, mated, non_mated, seed)
    pairs.write_pairs(drawn, out, people)
    print(f"{out}: {mated} mated and {non_mated} non-mated pairs of {len(people)} people")


@app.command()
def train(
    table: TablesOption,
    out: Annotated[Path, typer.Option(help="model to write (.safetensors)")],
    recipe: Annotated[str, typer.Option(help=f"{' or '.join(recipes.RECIPES)}")] = "workbook",
    loss: Annotated[str, typer.Option(help=f"{' or '.join(LOSSES)}")] = "srt",
    epochs: Annotated[int, typer.Option(min=1)] = recipes.FAITHFUL.epochs,
    seed: Annotated[int, typer.Option()] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(help="file to go on from, if training is stopped")
    ] = None,
) -> None:
    """Train an unmasking model on tables; a tenth of their people is kept for validation."""
    for value, known, option in ((loss, LOSSES, "--loss"), (recipe, recipes.RECIPES, "--recipe")):
        if value not in known:
            raise typer.BadParameter(
                f"{value!r} is not one of {', '.join(known)}", param_hint=option
            )
    chosen = replace(recipes.RECIPES[recipe], loss=LOSSES[loss](), epochs=epochs, seed=seed)
    parts = [training.split_for_validation(embeddings.read_table(path)) for path in table]
    trained = training.train_unmasker(
        *zip(*parts, strict=True),
        recipe=chosen,
        device=training.available_device(),
        checkpoint=checkpoint,
    )
    trained.unmasker.save(out)
    print(trained.fit.history.to_string(index=False, float_format="{:.4f}".format))
    print(f"{out}: weights of epoch {trained.fit.best_epoch}, the best by validation")


@app.command()
def evaluate(
    table: TablePath,
    pairs_path: Annotated[
        Path | None, typer.Option("--pairs", help="pairs file; without it, all pairs")
    ] = None,
    model: Annotated[list[Path] | None, typer.Option(help="unmasking model; repeatable")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="results to write")] = None,
    csv_path: Annotated[Path | None, typer.Option("--csv", help="results to write")] = None,
    page: Annotated[
        Path | None, typer.Option("--report", help="HTML page to write, with curves")
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="bootstrap resamples")] = 200,
    seed: Annotated[int, typer.Option(help="seed of the bootstrap")] = 0,
) -> None:
    """Error rates of a table, without and with unmasking models."""
    unmaskers = {path.stem: unmasking.Unmasker.load(path) for path in model or []}
    given = embeddings.read_table(table)
    listed = None
    if pairs_path:
        people = given.outcomes.groupby("identity")["image_id"].unique()
        listed = pairs.read_pairs(pairs_path, people.to_dict())
    measured = evaluation.evaluate(given, unmaskers, resamples, seed, listed)
    for path, write in ((json_path, results.write_json), (csv_path, results.write_csv)):
        if path:
            write(measured, path)
    if page:
        views = evaluation.ComparedViews.of_table(given, listed)
        results.write_page(measured, curves.all_curves(views, unmaskers), page)
    shown = results.summary(measured).drop(columns=list(results.SHOWN_SCORES.values()))
    print_table(results.without_empty_columns(shown))
    first = measured.iloc[0]
    print(
        f"{first.backbone}: {first.people} people, {first.pictures} pictures; not acquired: "
        f"{first.not_acquired} of {first.attempts} faces. Intervals: 95 %, over people."
    )
    if (measured["unresolved"] != "").any():
        print("* too few non-mated pairs for this FMR; read at an FMR of 0")
    count = folds.folds_of(pairs_path) if pairs_path else 1
    if count > 1:
        views = evaluation.ComparedViews.of_table(given, listed)
        systems = {None: views} | {n: views.through(known) for n, known in unmaskers.items()}
        for row in measured.itertuples():
            comparison = systems[row.unmasking].compare(row.setting)
            accuracy = folds.folded_accuracy(comparison, count)
            print(
                f"{row.setting} {row.unmasking or '–'}: accuracy {100 * accuracy.mean:.2f} % ± "
                f"{100 * accuracy.standard_error:.2f} (standard error of {count} folds)"
            )


@app.command("explore")
def make_explorer(
    table: TablePath,
    model: Annotated[Path, typer.Option(help="unmasking model")],
    face_set: FacesOption,
    out: Annotated[Path, typer.Option(help="page to write (.html)")],
    root: RootOption = None,
    views: Annotated[int, typer.Option(min=4, help="face views on the map, at most")] = 2000,
    seed: Annotated[int, typer.Option(help="seed of UMAP")] = 0,
) -> None:
    """One offline page to explore a table, before and after an unmasking model."""
    given = embeddings.read_table(table)
    few = exploring.people_to_compare(given, views)
    threshold = evaluation.ComparedViews.of_table(given).thresholds_in_service().at_1000
    explored = exploring.explore(few, unmasking.Unmasker.load(model))
    maps = {
        "UMAP": joint_maps.joint_umap(explored, seed=seed),
        "UMAP, 3-D": joint_maps.joint_umap(explored, seed=seed, dimensions=3),
        "PCA": joint_maps.joint_pca(explored),
    }
    pictures = view_pictures.ViewPictures(_faces(face_set, root, count=100, seed=0), few.rows)
    explorer.Explorer(explored, maps, pictures, threshold).save_page(out)
    size = out.stat().st_size / 1e6
    print(f"{out}: {len(few)} views of {few.rows['identity'].nunique()} people, {size:.1f} MB")


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
