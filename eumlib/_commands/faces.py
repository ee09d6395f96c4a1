"""The commands of the command line that read photographs: `embed`, `features` and `pairs`."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Annotated

import typer

from eumlib import embeddings, faces, masks, rivals
from eumlib._commands.printing import print_table
from eumlib._common.clusters import LOCAL
from eumlib._common.files import try_to_write

FacesOption = Annotated[
    str,
    typer.Option(
        "--faces",
        help=f"{', '.join(faces.FACE_SETS)}, or a folder of people, or of tar or Parquet files",
    ),
]
RootOption = Annotated[
    Path | None, typer.Option(help="folder or archive of lfw or lfw_test, folder of mfr2")
]
MaskOption = Annotated[
    list[str] | None,
    typer.Option(
        help=f"kind of mask to paint, {', '.join(masks.KINDS)}; repeat it for more masks a face; "
        "flat without it"
    ),
]
CameraOption = Annotated[bool, typer.Option("--camera", help="find masked faces with the mask on")]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        help="head of a Ray cluster of which this machine is a node, HOST:PORT, or "
        f"{LOCAL} for one of this machine's cores alone"
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="processes; without it, by cores and faces")
]


def embed(
    face_set: FacesOption,
    out: Annotated[Path, typer.Option(help="table to write (.parquet)")],
    root: RootOption = None,
    mask: MaskOption = None,
    replay: Annotated[
        Path | None, typer.Option(help="log of masks to paint: lines 'image_id shape r g b'")
    ] = None,
    shared: Annotated[
        int | None, typer.Option(help="masks that all people share, as MLFW's do")
    ] = None,
    camera: CameraOption = False,
    backbone: Annotated[
        str,
        typer.Option(
            help=f"recogniser: {embeddings.MOBILEFACENET}, {embeddings.DLIB_RESNET}, "
            f"{', '.join(embeddings.NAMED_ONNX)}, "
            "an .onnx file, or a .safetensors file of a rival that reaches into the network"
        ),
    ] = embeddings.MOBILEFACENET,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    count: Annotated[int, typer.Option(min=1, help="number of synthetic faces")] = 100,
    seed: Annotated[int, typer.Option(help="seed of the masks and of synthetic faces")] = 0,
    float16: Annotated[bool, typer.Option("--float16", help="half the size on disk")] = False,
) -> None:
    """Embed every face, as it is and masked, into one table. Interrupted, it can be resumed."""
    if cluster and workers:
        raise typer.BadParameter("a cluster works with all its cores", param_hint="--workers")
    try_to_write(out)
    chosen = faces_of(face_set, root, count, seed)
    embeddings.Extraction(
        chosen,
        _mask_plan(chosen, mask or ["flat"], replay, shared, seed),
        rivals.read_network(backbone).backbone()
        if backbone.endswith(".safetensors")
        else embeddings.load_backbone(backbone),
        _way(camera),
        workers or embeddings.workers_for(chosen),
    ).write_to(
        out,
        "float16" if float16 else "float32",
        embeddings.RayCluster(cluster) if cluster else embeddings.Extraction.steps,
    )
    outcomes = embeddings.read_attempted_views(out)
    lost = outcomes[outcomes["reason"].notna()]
    acquired = len(chosen) - lost["image_id"].nunique()
    print(
        f"{out}: {acquired} of {len(chosen)} faces acquired, {len(outcomes) - len(lost)} embeddings"
        f"{_also_passed_over(chosen)}"
    )
    print_table(embeddings.failures_summary(embeddings.failures_to_acquire(outcomes)))
    reasons = lost[["image_id", "reason"]].drop_duplicates().itertuples(index=False)
    for line in (
        *faces.listed_by_reason(reasons),
        *(f"passed over, {line}" for line in faces.listed_by_reason(chosen.passed_over)),
        *faces.listed_by_reason(_copies(chosen, set(lost["image_id"]))),
    ):
        print(f"  {line}")


def _also_passed_over(chosen: faces.FaceSet) -> str:
    return f"; {len(chosen.passed_over)} passed over" if chosen.passed_over else ""


def _copies(chosen: faces.FaceSet, lost: set[str]) -> Iterator[tuple[str, str]]:
    """Files that are the same, of faces that were acquired, and what that means."""
    for group in faces.copies_among(face for face in chosen if face.image_id not in lost):
        if len({face.identity for face in group}) > 1:
            meaning = "one file of several people, a false match at any threshold; remove it"
        else:
            meaning = "one file twice of one person, a match without effort; remove one"
        yield " = ".join(face.image_id for face in group), meaning


def _way(camera: bool) -> embeddings.acquisition.Acquire:
    if camera:
        return embeddings.acquire_as_a_camera_does
    return embeddings.acquire_with_unmasked_landmarks


def make_features(
    face_set: FacesOption,
    out: Annotated[Path, typer.Option(help="feature maps to write (.arrow)")],
    root: RootOption = None,
    mask: MaskOption = None,
    style: Annotated[
        list[str] | None,
        typer.Option(help=f"of masks to keep, {', '.join(masks.STYLES)}; all without it"),
    ] = None,
    camera: CameraOption = False,
    workers: WorkersOption = None,
    seed: Annotated[int, typer.Option(help="seed of the masks")] = 0,
) -> None:
    """Keep the recogniser's feature maps, for rivals that reach into the network.

    Of each person ten pictures at most.
    """
    try_to_write(out)
    unknown = [name for name in style or [] if name not in masks.STYLES]
    if unknown:
        raise typer.BadParameter(
            f"no style {', '.join(unknown)}; there are {', '.join(masks.STYLES)}",
            param_hint="--style",
        )
    chosen = faces_of(face_set, root).few_pictures()
    painted = {masks.style_of(kind.shapes[0]) for kind in _kinds_of(mask or ["flat"])}
    if style and not painted >= set(style):
        raise typer.BadParameter(
            f"no --mask paints {', '.join(set(style) - painted)}", param_hint="--style"
        )
    extraction = embeddings.Extraction(
        chosen,
        _mask_plan(chosen, mask or ["flat"], None, None, seed),
        embeddings.default_backbone(),
        _way(camera),
        workers or embeddings.workers_for(chosen),
    )
    embeddings.write_feature_maps(extraction, out, style or masks.STYLES)
    kept = embeddings.read_feature_maps(out)
    print(
        f"{out}: {len(kept)} views of {len(chosen)} faces, {out.stat().st_size / 1e6:.0f} MB"
        f"{_also_passed_over(chosen)}"
    )


def faces_of(face_set: str, root: Path | None, count: int = 100, seed: int = 0) -> faces.FaceSet:
    """The face set that the options of a command name; count and seed are of synthetic faces."""
    options = {"count": count, "seed": seed} if face_set == "synthetic" else {}
    if root:
        rooted = [
            name for name, load in faces.FACE_SETS.items() if "root" in signature(load).parameters
        ]
        if face_set not in rooted:
            raise typer.BadParameter(
                f"{face_set} has no root; {', '.join(rooted)} have", param_hint="--root"
            )
        options["root"] = root
    return faces.load_faces(face_set, **options)


def _mask_plan(
    chosen: faces.FaceSet, kinds: list[str], replay: Path | None, shared: int | None, seed: int
) -> masks.MaskPlan:
    drawn = _kinds_of(kinds)
    if chosen.labelled:
        return masks.RandomMasks(seed, kinds=())
    if replay:
        return masks.ReplayedMasks.read(replay)
    if shared is not None:
        return masks.SharedMasks.of(chosen, shared, drawn[0], seed)
    return masks.RandomMasks(seed, drawn)


def _kinds_of(names: list[str]) -> tuple[masks.MaskKind, ...]:
    unknown = [name for name in names if name not in masks.KINDS]
    if unknown:
        raise typer.BadParameter(
            f"no kind {', '.join(unknown)}; there are {', '.join(masks.KINDS)}",
            param_hint="--mask",
        )
    return tuple(masks.KINDS[name] for name in names)


def make_pairs(
    face_set: FacesOption,
    out: Annotated[Path, typer.Option(help="pairs file to write, in LFW's format")],
    root: RootOption = None,
    mated: Annotated[int, typer.Option(min=1, help="pairs of one person")] = 3000,
    non_mated: Annotated[int, typer.Option(min=1, help="pairs of two people")] = 3000,
    shared: Annotated[
        int | None,
        typer.Option(
            help="only pairs whose masks mislead, as MLFW has them, when `embed` has the same "
            "--shared, --mask and --seed: a person in two masks, two people in one"
        ),
    ] = None,
    mask: Annotated[str, typer.Option(help="kind of these masks")] = "flat",
    seed: Annotated[int, typer.Option(help="of the draw, and of shared masks")] = 0,
) -> None:
    """Draw mated and non-mated pairs of pictures, for `evaluate --pairs`."""
    try_to_write(out)
    chosen = faces_of(face_set, root)
    people = faces.image_ids_by_person(chosen)
    given = {}
    if shared is not None:
        (kind,) = _kinds_of([mask])
        given["allowed"] = masks.SharedMasks.of(chosen, shared, kind, seed).is_misleading
    drawn = faces.make_pairs(people, mated, non_mated, seed, **given)
    faces.write_pairs(drawn, out, people)
    print(
        f"{out}: {mated} mated and {non_mated} non-mated pairs of {len(people)} people"
        f"{_also_passed_over(chosen)}"
    )
