"""What stands behind a map of embeddings: scores, outcomes and neighbours of every face view.

A map shows where points lie; here is what the recogniser makes of them, in the full space. Every
view, masked or not, is a *probe*. It is put before the *references*, the unmasked views of all
other pictures: its own picture would be too easy. Masked probes come twice, as they are (*before*)
and after the EUM (*after*); unmasked ones do not pass through it, and neither do references.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from eumlib._common.progress import progress_bar
from eumlib._common.spreadsheets import csv_of
from eumlib.embeddings import MASKED, UNMASKED, EmbeddingTable, TableError
from eumlib.unmasking import Unmasker
from eumlib.verification.steps import STEP, in_steps

CORRECT, FALSE_MATCH, FALSE_NON_MATCH = "correct", "false match", "false non-match"
NO_REFERENCE = "no reference"
OUTCOMES = (CORRECT, FALSE_MATCH, FALSE_NON_MATCH, NO_REFERENCE)
NOBODY = -1
CSV_COLUMNS = ("id", "image_id", "identity", "view", "mask_shape", "mask_colour")
_PROBES_A_BLOCK = 512
_SCORES_A_BLOCK = 2**22  # of a large table: fewer probes a block, so that memory stays bounded


class Neighbours(NamedTuple):
    """The nearest references of each probe, the nearest first.

    Attributes:
        ids: ``(n, k)`` int64, rows of the table; `NOBODY` where there are fewer than k references.
        scores: ``(n, k)`` float32, cosines in [−1, 1]; NaN where there is nobody.
    """

    ids: np.ndarray
    scores: np.ndarray


class ProbeScores(NamedTuple):
    """What the references say of each probe; cosines in [−1, 1], float32.

    Attributes:
        mated: ``(n,)``, the highest score with a reference of the probe's own identity; NaN where
            there is no other picture of that person.
        non_mated: ``(n,)``, the highest score with a reference of anyone else; NaN without one.
        mate: ``(n,)``, the score with the unmasked view of the *same* picture; NaN without one.
        neighbours: the k nearest references.
    """

    mated: np.ndarray
    non_mated: np.ndarray
    mate: np.ndarray
    neighbours: Neighbours


@dataclass(frozen=True)
class ExploredViews:
    """The views of a table, and what the recogniser makes of each before and after the EUM.

    Attributes:
        rows: the table's rows; row i is the view with id i.
        mates: ``(n,)`` int64, id of the unmasked view of the same picture; `NOBODY` without one.
        vectors_before: ``(n, d)`` float32, the table's embeddings.
        vectors_after: ``(n, d)`` float32, the same but for the masked views.
        before: scores of all views as they are.
        after: scores with the masked views passed through the EUM.
    """

    rows: pd.DataFrame
    mates: np.ndarray
    vectors_before: np.ndarray
    vectors_after: np.ndarray
    before: ProbeScores
    after: ProbeScores

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def masked(self) -> np.ndarray:
        """``(n,)`` bool, which views are masked."""
        return (self.rows["view"] == MASKED).to_numpy()


def explore(table: EmbeddingTable, unmasker: Unmasker, neighbours: int = 5) -> ExploredViews:
    """Score every view of a table against all references, before and after the EUM.

    Args:
        table: of one face set and one recogniser, unmasked and masked views.
        unmasker: trained for that recogniser.
        neighbours: how many nearest references to keep of each view.

    Raises:
        TableError: no unmasked views, or several face sets or recognisers.
        ModelError: an EUM for another recogniser.

    Taught in notebooks 04 and 09.
    """
    for column, what in (("backbone", "recogniser"), ("face_set", "face set")):
        values = table.rows[column].unique()
        if len(values) != 1:
            raise TableError(f"to explore takes one {what}, and this table has {len(values)}")
    references = np.flatnonzero(table.rows["view"] == UNMASKED)
    if not len(references):
        raise TableError("to explore takes unmasked views to compare with, and there are none")
    rows = table.rows.reset_index(drop=True)
    masked = (rows["view"] == MASKED).to_numpy()
    after = table.vectors.copy()
    if masked.any():
        after[masked] = unmasker.unmask(table.vectors[masked], rows["backbone"].iloc[0])
    pictures = rows["image_id"].to_numpy()
    own_reference = {pictures[reference]: int(reference) for reference in references}
    mates = np.array([own_reference.get(picture, NOBODY) for picture in pictures], np.int64)
    with progress_bar(2 * len(rows), "scores", "view", delay=2) as bar:
        sides = [
            _score(probes, table.vectors, references, rows, mates, neighbours, bar)
            for probes in (table.vectors, after)
        ]
    return ExploredViews(rows, mates, table.vectors, after, *sides)


def people_to_compare(table: EmbeddingTable, most: int) -> EmbeddingTable:
    """People with two pictures or more, in the table's order, as many as fit into `most` views.

    Raises:
        TableError: there is nobody with two pictures, or the first of them has more views.
    """
    people = table.rows.groupby("identity", sort=False)["image_id"].agg(["nunique", "size"])
    several = people[people["nunique"] > 1]
    chosen = several[several["size"].cumsum() <= most]
    if chosen.empty:
        raise TableError(
            f"to explore takes a person with two pictures, in {most} views at most; this table "
            f"has {len(several)} people with two pictures: take another table or allow more views"
        )
    return table.where(table.rows["identity"].isin(chosen.index).to_numpy())


def _score(
    probes: np.ndarray,
    vectors: np.ndarray,
    references: np.ndarray,
    rows: pd.DataFrame,
    mates: np.ndarray,
    neighbours: int,
    bar: tqdm,
) -> ProbeScores:
    by_person, by_picture = (
        _References(rows[column], references) for column in ("identity", "image_id")
    )
    known = vectors[references].T
    size = min(_PROBES_A_BLOCK, max(1, _SCORES_A_BLOCK // len(references)))
    parts = []
    for start in range(0, len(probes), size):
        block = slice(start, start + size)
        products = probes[block] @ known
        products[by_picture.of(block)] = -np.inf
        same = by_person.of(block)
        mated = np.full(len(products), -np.inf, np.float32)
        np.maximum.at(mated, same[0], products[same])
        nearest, scores = _highest(products, neighbours)
        products[same] = -np.inf
        parts.append((mated, products.max(axis=1), references[nearest], scores))
        bar.update(len(products))
    mated, non_mated, ids, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    mate = _cosines((probes * vectors[mates]).sum(axis=1))
    return ProbeScores(
        _known(_cosines(mated)),
        _known(_cosines(non_mated)),
        np.where(mates == NOBODY, np.float32(np.nan), mate),
        Neighbours(np.where(np.isneginf(scores), NOBODY, ids), _known(scores)),
    )


class _References:
    """Which references share a name, a person's or a picture's, with each view."""

    def __init__(self, names: pd.Series, references: np.ndarray) -> None:
        self._codes = pd.factorize(names)[0]
        self._counts = np.bincount(self._codes[references], minlength=self._codes.max() + 1)
        self._starts = np.cumsum(self._counts) - self._counts
        self._columns = np.argsort(self._codes[references], kind="stable")

    def of(self, block: slice) -> tuple[np.ndarray, np.ndarray]:
        """All pairs of a view in the block and a reference of its name, as rows and columns."""
        codes = self._codes[block]
        counts = self._counts[codes]
        rows = np.repeat(np.arange(len(codes)), counts)
        places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, self._columns[np.repeat(self._starts[codes], counts) + places]


def _highest(products: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and scores of each row's highest, the highest first; of equal ones the first column.

    Rounding does not change the order, but makes equal what is nearly so: only what is as high as
    the last that counts, or nearly, has to be rounded and put in order.
    """
    count = min(count, products.shape[1])
    least = np.partition(products, -count, axis=1)[:, -count]
    high = products >= least[:, None] - np.float32(2 * STEP)
    rows, columns = np.divmod(np.flatnonzero(high), products.shape[1])
    scores = _cosines(products[rows, columns])
    order = np.lexsort((-scores, rows))  # stable: equal ones stay in the order of their columns
    first = np.searchsorted(rows, np.arange(len(products)))
    chosen = order[first[:, None] + np.arange(count)]
    return columns[chosen], scores[chosen]


def _cosines(products: np.ndarray) -> np.ndarray:
    """Rounded as all scores are (`eumlib.verification.comparison`): equal pairs score alike."""
    rounded = (in_steps(products) * STEP).astype(np.float32)
    return np.where(np.isneginf(products), products, rounded)


def _known(scores: np.ndarray) -> np.ndarray:
    return np.where(np.isneginf(scores), np.float32(np.nan), scores)


def outcomes(scores: ProbeScores, threshold: float) -> np.ndarray:
    """What happens to each probe at a threshold, in words: ``(n,)`` of `OUTCOMES`.

    The nearest reference decides, if it reaches the threshold:

    - *correct*: the nearest reference is of the probe's own identity and scores ≥ threshold;
    - *false match*: the nearest reference is of somebody else and scores ≥ threshold; where both
      score alike, it counts as false;
    - *false non-match*: no reference reaches the threshold, and the person is not recognised;
    - *no reference*: there is no other picture of the person, so nothing could be correct.

    With one more reference a false match gets likelier: this is a search (1:N), not the pairwise
    rates of notebook 08.

    Args:
        scores: of all probes.
        threshold: a cosine; NaN is not allowed.

    Raises:
        ValueError: the threshold is not a number.
    """
    if np.isnan(threshold):
        raise ValueError("a threshold is a number, not NaN")
    mated, non_mated = scores.mated, np.nan_to_num(scores.non_mated, nan=-2)
    reached = np.fmax(mated, non_mated) >= threshold
    return np.select(
        [np.isnan(mated), ~reached, mated > non_mated],
        [NO_REFERENCE, FALSE_NON_MATCH, CORRECT],
        FALSE_MATCH,
    )


def check_ids(views: ExploredViews, ids: Sequence[int]) -> np.ndarray:
    """Ids of views, without repetition and in ascending order: ``(k,)`` int64.

    Raises:
        ValueError: an id that no view has; the message names the first.
    """
    chosen = np.unique(np.asarray(ids, dtype=np.int64))
    outside = chosen[(chosen < 0) | (chosen >= len(views))]
    if len(outside):
        raise ValueError(f"no view has id {outside[0]}; ids go from 0 to {len(views) - 1}")
    return chosen


def selection_csv(views: ExploredViews, ids: Sequence[int]) -> str:
    """The selected views as CSV with `CSV_COLUMNS`, ascending by id. ValueError for unknown ids."""
    chosen = check_ids(views, ids)
    return csv_of(views.rows.iloc[chosen].assign(id=chosen)[list(CSV_COLUMNS)])
