"""MLFW's pairs: one person in two masks, two people in one, beside pairs drawn at random.

Wang et al., "MLFW: A Database for Face Recognition on Masked Faces", arXiv 2109.05804, paint masks
on the pictures of CALFW, whose folds and number of pairs they keep, and report that
state-of-the-art models lose 5 to 16 % of accuracy. Their pictures and masks are not here. What is
measured is the design of their pairs, on LFW's test people in masks that all of them share: what
pairs cost in which the masks mislead.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from eumlib.embeddings import MASKED, EmbeddingTable, TableError
from eumlib.faces import LFW_SHARES, Pair, make_pairs, split_by_identity
from eumlib.masks import Mask, SharedMasks
from eumlib.rivals.protocol import NO_EUM
from eumlib.study import few_pictures
from eumlib.study.judging import JUDGED_RATES
from eumlib.unmasking import Unmasker
from eumlib.verification import (
    MASKED_SETTING,
    MIXED_SETTING,
    UNMASKED_SETTING,
    ComparedViews,
    Measurement,
    OperatingThresholds,
    folded_accuracy,
    intervals,
    measure,
)

MISLEADING, RANDOM = "misleading", "random"
FOLDS = 10
OF_A_KIND = 3000  # mated pairs, and as many non-mated ones: LFW's number, and MLFW's
People = Mapping[str, list[str]]


@dataclass(frozen=True)
class PairList:
    """Pairs to compare, fold after fold, as many in each; nobody is in two folds.

    Attributes:
        name: `MISLEADING` or `RANDOM`.
        pairs: as many mated as non-mated ones.
        hard: ``(len(pairs),)`` bool, in which of them the masks mislead.
    """

    name: str
    pairs: tuple[Pair, ...]
    hard: np.ndarray

    def counts(self) -> dict[str, object]:
        """How many pairs there are of each kind, and in what share of them the masks mislead."""
        mated = np.array([pair.mated for pair in self.pairs])
        return {
            "pairs": self.name,
            "mated_pairs": int(mated.sum()),
            "non_mated_pairs": int((~mated).sum()),
            "misleading_mated": float(self.hard[mated].mean()),
            "misleading_non_mated": float(self.hard[~mated].mean()),
        }


def mlfw_gaps(
    table: EmbeddingTable,
    unmaskers: Mapping[str, Unmasker],
    resamples: int,
    of_a_kind: int = OF_A_KIND,
    seed: int = 0,
) -> list[dict[str, object]]:
    """Error rates and accuracy of misleading and of random pairs, without and with unmaskers.

    Args:
        table: LFW in shared masks, ``embed --faces lfw_test --shared 6``; of ``--faces lfw`` the
            test people are taken, and of each `eumlib.faces.PICTURES_A_PERSON` pictures at most.
        unmaskers: by the name that the rows carry.
        resamples: of people, behind each interval.
        of_a_kind: mated pairs of each list, and as many non-mated ones; fewer where the smallest
            fold has not so many in which masks mislead.
        seed: of pairs and resamples.

    Returns:
        One row per setting, system and list, ready for JSON. It holds the counts of `PairList`;
        ``accuracy``, a mean of ten folds, with its ``accuracy_standard_error``; the
        `eumlib.study.judging.JUDGED_RATES`, fractions, with 95 % intervals over people; and, in a
        row of misleading pairs, each as ``…_minus_random``, rates with intervals taken on the same
        resamples. The setting says who wears a mask: nobody (UMR-UMP), the probe (UMR-MP), both
        (MR-MP). The operating threshold is that of all pairs of bare faces.

    Raises:
        TableError: the masks are not painted, one a picture, or too few people share them.
        ModelError: an unmasker for another recogniser than the table's.

    Source: arXiv 2109.05804, whose three kinds of pair combination are read as the settings here.
    Taught in notebook 14, on ORL.
    """
    parts = split_by_identity(table.rows["identity"], LFW_SHARES)
    (tested,) = few_pictures([table.where(parts == "test")])
    lists = draw_pair_lists(tested, of_a_kind, seed)
    plain = ComparedViews.of_table(tested)
    operating = plain.operating_thresholds()
    about = {
        "face_set": tested.rows["face_set"].iloc[0],
        "people": tested.rows["identity"].nunique(),
        "pictures": tested.rows["image_id"].nunique(),
    }
    systems = {NO_EUM: plain} | {name: plain.through(one) for name, one in unmaskers.items()}
    cases = [(UNMASKED_SETTING, NO_EUM)]  # bare faces do not pass through an unmasker
    cases += itertools.product((MIXED_SETTING, MASKED_SETTING), systems)
    rows = []
    for setting, name in cases:
        case = about | {"setting": setting, "system": name}
        found = _rows(systems[name], setting, lists, operating, resamples, seed)
        rows += [case | row for row in found]
    return rows


def draw_pair_lists(table: EmbeddingTable, of_a_kind: int, seed: int) -> tuple[PairList, PairList]:
    """Misleading pairs, and as many that are drawn without a look at the masks.

    Both are drawn from the same ten folds of people, into which LFW's pairs are cut, too.

    Raises:
        TableError: as in `mlfw_gaps`.
    """
    masks = _masks_of(table)
    rows = table.rows.iloc[table.mated_views()[0]]  # pictures of which both views are there
    pictures = rows.groupby("identity")["image_id"].agg(list).to_dict()
    folds = _dealt(pictures, masks)
    there = min(min(_count_of_hard(fold, masks)) for fold in folds)
    count = min(of_a_kind // FOLDS, there)
    if not count:
        raise TableError(
            f"{len(pictures)} people in {len(set(masks.masks.values()))} masks are too few for "
            f"{FOLDS} folds with a person in two masks and two people in one: embed more people, "
            "or share fewer masks (--shared)"
        )
    misleading, any_pairs = [], []
    for place, fold in enumerate(folds):
        drawn_by = FOLDS * seed + place
        misleading += make_pairs(fold, count, count, drawn_by, masks.is_misleading)
        any_pairs += make_pairs(fold, count, count, drawn_by)
    return tuple(
        PairList(name, tuple(pairs), np.array([masks.is_misleading(pair) for pair in pairs]))
        for name, pairs in ((MISLEADING, misleading), (RANDOM, any_pairs))
    )


def _masks_of(table: EmbeddingTable) -> SharedMasks:
    worn = table.of_view(MASKED).rows
    if worn.empty or worn["image_id"].duplicated().any() or worn["mask_colour"].isna().any():
        raise TableError(
            "MLFW's pairs take pictures in one painted mask each; make such a table with: "
            "python -m eumlib embed --faces lfw_test --shared 6 --out lfw_shared.parquet"
        )
    columns = worn["image_id"], worn["mask_shape"], worn["mask_colour"]
    return SharedMasks(
        {name: Mask.from_hex(shape, colour) for name, shape, colour in zip(*columns, strict=True)}
    )


def _dealt(people: People, masks: SharedMasks) -> list[dict[str, list[str]]]:
    """Folds with much the same number of misleading mated pairs, and then of pictures, in each."""
    mated = {name: _count_of_hard({name: given}, masks)[0] for name, given in people.items()}
    folds: list[dict[str, list[str]]] = [{} for _ in range(FOLDS)]
    pairs, pictures = np.zeros(FOLDS, int), np.zeros(FOLDS, int)
    for name in sorted(people, key=lambda name: (-mated[name], -len(people[name]), name)):
        place = int((pairs if mated[name] else pictures).argmin())
        folds[place][name] = people[name]
        pairs[place] += mated[name]
        pictures[place] += len(people[name])
    return folds


def _count_of_hard(people: People, masks: SharedMasks) -> tuple[int, int]:
    """How many mated and how many non-mated pairs of these people mislead."""
    owned = [(image_id, name) for name, image_ids in people.items() for image_id in image_ids]
    counts = {True: 0, False: 0}
    for (one, person), (other, other_person) in itertools.combinations(owned, 2):
        pair = Pair(one, other, person == other_person)
        counts[pair.mated] += masks.is_misleading(pair)
    return counts[True], counts[False]


def _rows(
    views: ComparedViews,
    setting: str,
    lists: tuple[PairList, PairList],
    operating: OperatingThresholds,
    resamples: int,
    seed: int,
) -> list[dict[str, object]]:
    """Of one setting and system, the row of misleading and that of random pairs."""
    rows, measurements = [], []
    for listed in lists:  # all views stay: then the people that are resampled are the same ones
        comparison = replace(views, pairs=listed.pairs).compare(setting)
        accuracy = folded_accuracy(comparison, FOLDS)
        measurement = measure(comparison, operating, resamples, seed)
        figures = {name: measurement.values[name] for name in JUDGED_RATES}
        measurements.append(measurement)
        rows.append(
            listed.counts()
            | {"accuracy": accuracy.mean, "accuracy_standard_error": accuracy.standard_error}
            | figures
            | intervals(measurement.draws[list(JUDGED_RATES)])
        )
    misleading, any_pairs = rows
    lost = misleading["accuracy"] - any_pairs["accuracy"]
    return [
        misleading | {"accuracy_minus_random": lost} | _minus_random(*measurements),
        any_pairs,
    ]


def _minus_random(misleading: Measurement, any_pairs: Measurement) -> dict[str, float]:
    values, draws = misleading.change_from(any_pairs)
    gaps = {f"{name}_minus_random": values[name] for name in JUDGED_RATES}
    return gaps | intervals(draws[list(JUDGED_RATES)], "_minus_random")
