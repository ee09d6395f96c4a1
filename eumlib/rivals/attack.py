"""What a printed mask does to a recogniser: who is still recognised while wearing it.

A mask is judged beside others, on people on whom it was not learnt: a blank one, one of random
colours, one that shows a face. Recognised is who is accepted at the recogniser's operating
threshold: the one that accepts 0.1 % of the impostors among the unmasked faces of the same people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pandas as pd
from IPython.display import HTML

from eumlib._common.looks import with_interval
from eumlib.embeddings import (
    MASKED,
    UNMASKED,
    Backbone,
    EmbeddingTable,
    Extraction,
    TorchBackbone,
    acquire_as_a_camera_does,
)
from eumlib.embeddings.acquisition import Acquire
from eumlib.faces import FaceSet, finder_for, gallery, where_found
from eumlib.rivals.adversarial_mask import BLANK, TEXTURE_SIZE, Wearers, learn_mask
from eumlib.rivals.placement import PrintedMask, PrintedMasks
from eumlib.unmasking import Unmasker
from eumlib.verification import (
    MIXED_SETTING,
    UNMASKED_SETTING,
    ComparedViews,
    Comparison,
    FaceViews,
    ScoreError,
    intervals,
    measure,
    unresolved,
)
from eumlib.verification.rates import OperatingThresholds

NO_MASK = "no mask"
RATES = ("recognised", "fmr", "rank1")
TRAINING_PEOPLE, TRAINING_PICTURES = 100, 5
TEST_PEOPLE, TEST_PICTURES = 200, 3


def most_photographed(face_set: FaceSet, people: int, pictures: int) -> FaceSet:
    """The people of whom there are most pictures, and so many pictures of each at most.

    Args:
        face_set: to choose from; where people tie, those who come first in it.
        people: how many, at most.
        pictures: of each, the first ones.
    """
    counts = Counter(face.identity for face in face_set)
    chosen = face_set.of_people([name for name, _ in counts.most_common(people)])
    taken: Counter[str] = Counter()
    faces = []
    for face in chosen:
        taken[face.identity] += 1
        if taken[face.identity] <= pictures:
            faces.append(face)
    fingerprint = f"{chosen.fingerprint}:{pictures} pictures each"
    return replace(chosen, faces=tuple(faces), fingerprint=fingerprint)


def control_masks(wearers: Wearers, seed: int = 0) -> tuple[PrintedMask, ...]:
    """The masks that a learnt one is held against.

    Returns:
        *blank*, the grey that learning starts from: what a learnt mask does beyond it, is learnt;
        *random*, each pixel of the print a colour at random; *printed face*, the mean lower half
        of the wearers' faces.
    """
    shape = (*TEXTURE_SIZE, 3)
    random = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    blank = np.full(shape, round(255 * BLANK), dtype=np.uint8)
    return PrintedMask("blank", blank), PrintedMask("random", random), wearers.mean_face()


def put_on(
    face_set: FaceSet,
    masks: Sequence[PrintedMask],
    backbone: Backbone,
    acquire: Acquire = acquire_as_a_camera_does,
    workers: int = 1,
) -> EmbeddingTable:
    """Every face bare and in each of the masks, embedded.

    Args:
        face_set: bare faces.
        masks: of different names; in the table the name is the ``mask_shape``.
        backbone: the recogniser.
        acquire: the camera's way, which has to find the face with the mask on, or the paper's, as
            in `eumlib.embeddings.Extraction`. A face that is not found is in the table's failures.
        workers: as in `eumlib.embeddings.Extraction`.

    Raises:
        ValueError: two masks of one name.
        ExtractionError: as in `eumlib.embeddings.Extraction.run`.
    """
    names = [mask.name for mask in masks]
    if len(set(names)) < len(names):
        raise ValueError(f"masks are told apart by their names, and these are {', '.join(names)}")
    return Extraction(face_set, PrintedMasks(masks), backbone, acquire, workers).run()


def recognised(
    table: EmbeddingTable,
    unmaskers: Mapping[str, Unmasker],
    resamples: int = 200,
    seed: int = 0,
) -> list[dict[str, object]]:
    """How many wearers of each mask are recognised, without an EUM and behind each.

    Args:
        table: of one recogniser, as `put_on` makes it.
        unmaskers: for this recogniser, by name; masked probes pass through them.
        resamples: of people, behind each interval.
        seed: of the resamples.

    Returns:
        One row per mask and unmasking, first that of bare faces: ``recogniser``, ``mask``,
        ``unmasking`` (None or a name), and, each as a fraction with the ends of its 95 % interval
        in ``…_low`` and ``…_high``: ``recognised``, the mated probes accepted at the threshold in
        service; ``fmr``, the non-mated ones accepted there, too; ``rank1``, the probes whose person
        is found first among all references. Beside them ``people``, ``mated_pairs`` and
        ``non_mated_pairs``, the views that were tried (``attempts``) and of these
        ``not_acquired``, which no rate counts, and ``resolved``, whether there are pairs enough
        for that threshold. Rates are NaN where a mask left nothing to compare.

    Raises:
        TableError: no unmasked or no masked views.
        ScoreError: nobody has two pictures, or there is one person alone.
        ModelError: an unmasker for another recogniser.

    Taught in notebook 16.
    """
    tried = table.attempted_views
    bare = ComparedViews.of_table(table)
    operating = bare.operating_thresholds()

    def row(mask: str, unmasking: str | None, comparison: Comparison) -> dict[str, object]:
        wanted = tried["mask_shape"] == mask if mask != NO_MASK else tried["view"] == UNMASKED
        reasons = tried.loc[wanted, "reason"]
        return {
            "face_set": table.rows["face_set"].iloc[0],
            "recogniser": bare.backbone,
            "mask": mask,
            "unmasking": unmasking,
            **_rates(comparison, operating, resamples, seed),
            "attempts": len(reasons),
            "not_acquired": int(reasons.notna().sum()),
        }

    rows = [row(NO_MASK, None, bare.compare(UNMASKED_SETTING))]
    for mask, views in _by_mask(table, tried, bare):
        ways = {None: views} | {name: views.through(eum) for name, eum in unmaskers.items()}
        rows += [row(mask, name, way.compare(MIXED_SETTING)) for name, way in ways.items()]
    return rows


def _by_mask(
    table: EmbeddingTable, tried: pd.DataFrame, bare: ComparedViews
) -> Iterator[tuple[str, ComparedViews]]:
    """The views of each mask that was tried, even if no face was found in it."""
    masked = table.of_view(MASKED)
    for mask in tried.loc[tried["view"] == MASKED, "mask_shape"].unique():
        worn = masked.where(masked.rows["mask_shape"] == mask)
        people, pictures = (worn.rows[name].to_numpy() for name in ("identity", "image_id"))
        yield mask, replace(bare, masked=FaceViews(worn.vectors, people, pictures))


def _rates(
    comparison: Comparison, operating: OperatingThresholds, resamples: int, seed: int
) -> dict[str, object]:
    try:
        measured = measure(comparison, operating, resamples, seed)
    except ScoreError:  # nobody was found with this mask on whom a bare picture shows, too
        none = {name: np.nan for rate in RATES for name in (rate, f"{rate}_low", f"{rate}_high")}
        return none | {"people": 0, "mated_pairs": 0, "non_mated_pairs": 0, "resolved": False}
    values, draws = measured.values, measured.draws
    drawn = (1 - draws["fnmr_at_1000"], draws["fmr_at_1000"], draws["rank1"])
    return {
        "recognised": 1 - values["fnmr_at_1000"],
        "fmr": values["fmr_at_1000"],
        "rank1": values["rank1"],
        **intervals(dict(zip(RATES, drawn, strict=True))),
        "people": comparison.people,
        "mated_pairs": int(measured.counts.mated.sum()),
        "non_mated_pairs": int(measured.counts.non_mated.sum()),
        "resolved": "fmr1000" not in unresolved(measured.counts),
    }


def attack_rows(
    training_set: FaceSet,
    test_set: FaceSet,
    attacked: TorchBackbone,
    unseen: Sequence[Backbone],
    unmaskers: Mapping[str, Unmasker],
    steps: int = 200,
    resamples: int = 200,
    seed: int = 0,
    workers: int = 1,
) -> list[dict[str, object]]:
    """Learn a mask on some people, and see who among others is recognised while wearing it.

    The most photographed people are taken: 100 with 5 pictures each to learn on, and 200 with 3
    pictures each to judge by.

    Args:
        training_set: bare faces.
        test_set: bare faces of other people.
        attacked: the recogniser that the mask is learnt against.
        unseen: recognisers that are only asked.
        unmaskers: for the recogniser under attack, by name.
        steps: of learning, as in `learn_mask`.
        resamples: of people, behind each interval.
        seed: of learning, the random mask and the resamples.
        workers: processes that find faces, as in `eumlib.embeddings.Extraction`.

    Returns:
        The rows of `recognised` for each recogniser, with ``attacked``, whether it is the one
        under attack. They can be written as JSON.

    Raises:
        ValueError: somebody is in both sets.
        WearersError: no face is found in the training set.
        ScoreError, ModelError: as in `recognised`.
    """
    both = set(training_set.identities) & set(test_set.identities)
    if both:
        raise ValueError(
            f"{len(both)} people are in both sets, {min(both)} among them: a mask is judged on "
            f"people on whom it was not learnt"
        )
    training = most_photographed(training_set, TRAINING_PEOPLE, TRAINING_PICTURES)
    wearers = Wearers.of(training, attacked.chip_size)
    masks = learn_mask(wearers, attacked, steps, seed=seed).mask, *control_masks(wearers, seed)
    test = most_photographed(test_set, TEST_PEOPLE, TEST_PICTURES)
    rows = []
    for backbone in (attacked, *unseen):
        own = unmaskers if backbone is attacked else {}
        table = put_on(test, masks, backbone, workers=workers)
        of_one = recognised(table, own, resamples, seed)
        rows += [row | {"attacked": backbone is attacked} for row in of_one]
    return rows


def wearers_sheet(face_set: FaceSet, masks: Sequence[PrintedMask], people: int) -> HTML:
    """The prints in a row, then the first people of a set, each once in each mask.

    Args:
        face_set: whose first picture of each person is shown; who is not found is left out.
        masks: in this order.
        people: how many.
    """
    finder = finder_for(face_set)
    firsts = list({face.identity: face for face in reversed(face_set.faces)}.values())[::-1]
    pictures = [mask.texture for mask in masks]
    captions = [f"the print: {mask.name}" for mask in masks]
    for face in islice(where_found(firsts, finder), people):
        picture = face.read()
        landmarks = finder.find(picture)
        pictures += [mask.painted_on(picture, landmarks) for mask in masks]
        captions += [f"{face.identity}, {mask.name}" for mask in masks]
    return gallery(pictures, captions, columns=len(masks))


def recognised_by_mask(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `recognised` for a reader, in percent."""
    shares = {
        "recognised, %": ("recognised", "{:.1f}"),
        "impostors accepted, %": ("fmr", "{:.2f}"),
        "found first, %": ("rank1", "{:.1f}"),
    }
    shown = {
        title: [
            with_interval(*(100 * end for end in ends), form)
            for ends in rows[[name, f"{name}_low", f"{name}_high"]].to_numpy(float)
        ]
        for title, (name, form) in shares.items()
    }
    counts = zip(rows["not_acquired"], rows["attempts"], strict=True)
    shown["not acquired"] = [f"{failed} of {tried}" for failed, tried in counts]
    keys = [rows["recogniser"], rows["mask"], rows["unmasking"].fillna("–").rename("EUM")]
    return pd.DataFrame(shown, index=pd.MultiIndex.from_arrays(keys))
