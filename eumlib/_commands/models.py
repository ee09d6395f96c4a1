"""The commands of the command line that take tables: `train`, `evaluate`, `unmask`, `explore`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from eumlib import embeddings, faces, maps, rivals, unmasking, verification
from eumlib._commands.faces import ClusterOption, FacesOption, RootOption, faces_of
from eumlib._commands.printing import print_table
from eumlib._common.files import try_to_write

LOSSES = {loss.name: loss for loss in (unmasking.SelfRestrainedTripletLoss, unmasking.TripletLoss)}

# of `explore`: scores, three maps and their marks, and a picture (benchmarks/exploring.py)
_SECONDS_A_VIEW = 0.02

AnyTable = embeddings.EmbeddingTable | embeddings.MappedTable
TablePath = Annotated[Path, typer.Option("--table", help="table of embeddings (.parquet)")]
TablesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--table", help="table of embeddings (.parquet), or folder of its parts; repeat it for more"
    ),
]


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="model to write (.safetensors)")],
    table: TablesOption = None,
    nobody: Annotated[
        int, typer.Option(min=0, help="people of nobody to draw, besides tables or alone")
    ] = 0,
    recipe: Annotated[str, typer.Option(help=f"{' or '.join(unmasking.RECIPES)}")] = "workbook",
    loss: Annotated[str, typer.Option(help=f"{' or '.join(LOSSES)}")] = "srt",
    rival: Annotated[
        str | None,
        typer.Option(
            help=f"a related system in place of --loss: {', '.join(rivals.TRAINERS)}; or, on "
            f"--features, {', '.join(rivals.NETWORK_SYSTEMS)}"
        ),
    ] = None,
    features: Annotated[
        list[Path] | None,
        typer.Option(help="feature maps (.arrow) for a rival that reaches into the network"),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=3, help="of the training on feature maps, 64 views each")
    ] = rivals.STEPS,
    epochs: Annotated[int, typer.Option(min=1)] = unmasking.FAITHFUL.epochs,
    seed: Annotated[int, typer.Option()] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(help="file to go on from, if training is stopped")
    ] = None,
) -> None:
    """Train an unmasking model on tables or on people of nobody; a tenth of all validates.

    Large tables stay on disk. Several GPUs train together: torchrun --nproc-per-node 4 -m eumlib
    train …

    A rival that reaches into the network is trained on all people of its feature maps, and gives
    a recogniser for `embed --backbone`.
    """
    for value, known, option in (
        (loss, LOSSES, "--loss"),
        (recipe, unmasking.RECIPES, "--recipe"),
        (rival, (None, *rivals.TRAINERS, *rivals.NETWORK_SYSTEMS), "--rival"),
    ):
        if value not in known:
            raise typer.BadParameter(
                f"{value!r} is not one of {', '.join(filter(None, known))}", param_hint=option
            )
    _refuse_what_has_no_effect(context, rival)
    try_to_write(out, checkpoint)
    if rival in rivals.NETWORK_SYSTEMS:
        _train_network(rival, features, steps, seed, out)
        return
    chosen = replace(unmasking.RECIPES[recipe], loss=LOSSES[loss](), epochs=epochs, seed=seed)
    if not table and not nobody:
        raise typer.BadParameter("name a table, or draw people", param_hint="--table or --nobody")
    if rival:
        parts = _split(map(embeddings.read_table, table or []), nobody)
        trained = rivals.TRAINERS[rival](*parts, chosen, unmasking.available_device())
        trained.save(out)
        print(f"{out}: {rival}, for embeddings of {trained.backbone}")
        return
    with unmasking.together() as process:
        with unmasking.the_first_before_the_others():
            tables = [embeddings.open_table(path) for path in table or []]
        parts, device = _split(tables, nobody), unmasking.available_device()
        trained = unmasking.train_together(*parts, chosen, device, checkpoint)
    if process == 0:
        trained.unmasker.save(out)
        print(trained.history.to_string(index=False, float_format="{:.4f}".format))
        print(f"{out}: weights of epoch {trained.best_epoch}, the best by validation")


def _split(
    tables: Iterable[AnyTable], nobody: int
) -> tuple[tuple[AnyTable, ...], tuple[AnyTable, ...]]:
    """What to train on, and what to validate on: of tables, and of so many people of nobody."""
    drawn = [embeddings.PeopleOfNobody.load().draw(nobody, seed=1)] if nobody else []
    parts = (unmasking.split_for_validation(table) for table in (*tables, *drawn))
    training, validation = zip(*parts, strict=True)
    return training, validation


def _train_network(
    name: str, features: Sequence[Path] | None, steps: int, seed: int, out: Path
) -> None:
    if not features:
        raise typer.BadParameter(
            f"{name} is trained on feature maps; make them with: python -m eumlib features",
            param_hint="--features",
        )
    if out.suffix != ".safetensors":
        raise typer.BadParameter("a recogniser's name ends in .safetensors", param_hint="--out")
    recogniser = embeddings.default_backbone().module
    pairs = rivals.MapPairs(recogniser, [embeddings.read_feature_maps(path) for path in features])
    lesson = rivals.NETWORK_SYSTEMS[name].begin(recogniser, pairs, seed)
    rivals.train_network(lesson, pairs, steps, seed=seed).save(out)
    print(f"{out}: {name}, a recogniser for: python -m eumlib embed --backbone {out}")


def _refuse_what_has_no_effect(context: typer.Context, rival: str | None) -> None:
    """An option that was given, and that this training does not look at."""
    if rival in rivals.NETWORK_SYSTEMS:
        ignored = ["table", "nobody", "recipe", "loss", "epochs", "checkpoint"]
    elif rival:
        ignored = ["features", "steps", "loss", "checkpoint"]
        ignored += [] if rival in rivals.UNMASKERS else ["recipe", "epochs"]
    else:
        ignored = ["features", "steps"]
    for name in ignored:
        if context.get_parameter_source(name).name != "DEFAULT":
            raise typer.BadParameter(
                f"it has no effect on {rival or 'the EUM'}; leave it out", param_hint=f"--{name}"
            )


def evaluate(
    context: typer.Context,
    table: TablePath,
    pairs_path: Annotated[
        Path | None, typer.Option("--pairs", help="pairs file; without it, all pairs")
    ] = None,
    model: Annotated[list[Path] | None, typer.Option(help="unmasking model; repeatable")] = None,
    gate: Annotated[
        Path | None,
        typer.Option(help="who wears a mask? adds a stream of bare and masked probes"),
    ] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="results to write")] = None,
    csv_path: Annotated[Path | None, typer.Option("--csv", help="results to write")] = None,
    page: Annotated[
        Path | None, typer.Option("--report", help="HTML page to write, with curves")
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="bootstrap resamples")] = 200,
    seed: Annotated[int, typer.Option(help="seed of the bootstrap")] = 0,
    cluster: ClusterOption = None,
    device: Annotated[
        str | None,
        typer.Option(help="where to count pairs, if they are many: cuda, for a GPU"),
    ] = None,
) -> None:
    """Error rates of a table, without and with unmasking models."""
    if cluster and device:
        raise typer.BadParameter("a cluster counts on its cores", param_hint="--device")
    try_to_write(json_path, csv_path, page)
    unmaskers = {path.stem: unmasking.Unmasker.load(path) for path in model or []}
    given, listed = embeddings.read_table(table), None
    if pairs_path:
        people = given.attempted_views.groupby("identity")["image_id"].unique()
        listed = faces.read_pairs(pairs_path, people.to_dict())
    doorkeeper = rivals.Gate.load(gate) if gate else None
    counter = verification.ON_ALL_CORES
    if cluster:
        spread = context.with_resource(verification.over_cluster(cluster))
        counter = verification.StripeCounter(spread)
    elif device:
        counter = verification.DeviceCounter(device)
    measured = verification.evaluate(given, unmaskers, resamples, seed, listed, counter)
    views = verification.ComparedViews.of_table(given, listed, counter)
    streams = {}
    if doorkeeper:
        streams = rivals.streams_through(views, doorkeeper, unmaskers)
        of_stream = verification.evaluate_views(given, streams, resamples, seed)
        of_stream = of_stream[of_stream["setting"] == verification.STREAM_SETTING]
        measured = pd.concat([measured, of_stream], ignore_index=True)
    for path, write in ((json_path, verification.write_json), (csv_path, verification.write_csv)):
        if path:
            write(measured, path)
    if page:
        verification.write_page(measured, verification.all_curves(views, unmaskers), page)
    _print_measured(measured)
    if doorkeeper:
        _print_errors_of(doorkeeper, gate, given)
    if listed:
        _print_listed(listed, given)
    if verification.has_stars(measured):
        print(f"{verification.UNRESOLVED} {verification.STARRED}")
    folds = faces.folds_of(pairs_path) if pairs_path else 1
    if folds > 1:
        systems = {None: views} | {n: views.through(known) for n, known in unmaskers.items()}
        _print_accuracies(measured, systems, streams, folds)


def _print_measured(measured: pd.DataFrame) -> None:
    shown = verification.summary(measured).drop(columns=list(verification.SHOWN_SCORES.values()))
    print_table(verification.without_empty_columns(shown))
    first = measured.iloc[0]
    print(
        f"{first.backbone}: {first.people} people, {first.pictures} pictures; not acquired: "
        f"{first.not_acquired} of {first.attempts} faces. Intervals: 95 %, over people."
    )


def _print_errors_of(doorkeeper: rivals.Gate, path: Path, given: embeddings.EmbeddingTable) -> None:
    missed, mistaken = doorkeeper.errors(given)
    print(
        f"{path}: takes {missed:.1%} of masked faces for bare, and {mistaken:.1%} of bare "
        "faces for masked; UMR-AP has both as probes"
    )


def _print_listed(listed: Sequence[faces.Pair], given: embeddings.EmbeddingTable) -> None:
    acquired = set(given.rows["image_id"])
    there = sum({pair.reference, pair.probe} <= acquired for pair in listed)
    lost = "" if there == len(listed) else "; in the others a face was not acquired"
    print(f"{there} of {len(listed)} listed pairs{lost}")


def _print_accuracies(
    measured: pd.DataFrame,
    systems: Mapping[str | None, verification.ComparedViews],
    streams: Mapping[str | None, verification.ComparedViews],
    folds: int,
) -> None:
    """One line per row of results: LFW's accuracy on listed pairs."""
    for row in measured.itertuples():
        views = (streams if row.setting == verification.STREAM_SETTING else systems)[row.unmasking]
        accuracy = verification.folded_accuracy(views.compare(row.setting), folds)
        print(
            f"{row.setting} {row.unmasking or '–'}: accuracy {100 * accuracy.mean:.2f} % ± "
            f"{100 * accuracy.standard_error:.2f} (standard error of {folds} folds)"
        )


def unmask_table(
    table: TablePath,
    model: Annotated[Path, typer.Option(help="unmasking model")],
    out: Annotated[Path, typer.Option(help="table to write (.parquet)")],
    gate: Annotated[
        Path | None,
        typer.Option(help="decides who is masked; without it, the table's word is taken"),
    ] = None,
) -> None:
    """The table, its masked embeddings passed through an unmasking model."""
    try_to_write(out)
    given, unmasker = embeddings.read_table(table), unmasking.Unmasker.load(model)
    names = given.rows["backbone"].unique()
    if len(names) != 1:
        raise embeddings.TableError(f"{table}: embeddings of one recogniser, not of {list(names)}")
    (backbone,) = names
    masked = (given.rows["view"] == embeddings.MASKED).to_numpy()
    if gate:
        masked = rivals.Gate.load(gate).wears_mask(given.vectors, backbone)
    vectors = given.vectors.copy()
    if masked.any():
        vectors[masked] = unmasker.unmask(vectors[masked], backbone)
    embeddings.write_table(replace(given, vectors=vectors), out)
    print(f"{out}: {masked.sum()} of {len(given)} embeddings are unmasked, the others as they were")


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
    try_to_write(out)
    given = embeddings.read_table(table)
    few = maps.people_to_compare(given, views)
    if len(few) > maps.MOST_ON_A_PAGE:
        raise typer.BadParameter(
            f"a page bears {maps.MOST_ON_A_PAGE:,} views, not {len(few):,}; look at more in a "
            "notebook, with eumlib.maps.ScatterExplorer (docs/how_to/large_sets.md)",
            param_hint="--views",
        )
    minutes = 1 + round(len(few) * _SECONDS_A_VIEW / 60)
    print(f"{len(few):,} views: about {minutes} min on two cores", flush=True)
    threshold = verification.ComparedViews.of_table(given).operating_thresholds().at_1000
    pictures = embeddings.ViewPictures(faces_of(face_set, root), few.rows)
    if math.isinf(threshold):
        print(
            "the highest score of unmasked faces is of two people, so that no threshold keeps "
            "false matches to 0.1 %: the slider begins above all scores"
        )
    explored = maps.explore(few, unmasking.Unmasker.load(model))
    layouts = {
        "UMAP": maps.joint_umap(explored, seed=seed),
        "UMAP, 3-D": maps.joint_umap(explored, seed=seed, dimensions=3),
        "PCA": maps.joint_pca(explored),
    }
    maps.MapExplorer(explored, layouts, pictures, threshold).save_page(out)
    size = out.stat().st_size / 1e6
    shown, everyone = (part.rows["identity"].nunique() for part in (few, given))
    print(f"{out}: {len(few)} views of {shown} people, {size:.1f} MB")
    if shown < everyone:
        print(f"{everyone - shown} people are left out: they have one picture, or are too many")
