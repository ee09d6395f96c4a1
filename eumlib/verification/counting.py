"""Counting pairs in compiled loops: of each score, and of each two teams.

All pairs are gone through tile by tile: one matrix product that stays in the processor's cache, and
one loop over its scores. Some rows of tiles are a *stripe*. What is counted in stripes adds up, in
any order, so threads may count them, or the machines of a cluster.

The loops are compiled at their first call and kept on disk. With `FEW` pairs NumPy has counted all
of them before compiled code is even loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit

from eumlib._common.spreading import Spread
from eumlib.verification.sides import Side, Sides
from eumlib.verification.steps import STEPS, in_steps
from eumlib.verification.tally import NO_MATE, Tally

TILE_ROWS, TILE_COLUMNS = 256, 2048  # of float32: 2 MB
PAIRS_A_STRIPE = 2**27  # fewer than an int32 counts, and a second's work or so
STRIPES = 24  # at least, where there are so many tiles: a share for everybody
_BUCKET = 12  # bits: a table of 2 ** 12 steps a place stays in the fastest cache


class Tile(NamedTuple):
    """Some of `left` against some of `right`: ``(r, c)`` products, and who is who.

    The pairs of row i begin with column ``begin + i``, or with the first.
    """

    products: np.ndarray
    left: np.ndarray
    left_picture: np.ndarray
    right: np.ndarray
    right_picture: np.ndarray
    begin: int


def stripes(sides: Sides) -> list[range]:
    """Rows of `left`, all of them once, whole tiles high."""
    high = max(1, PAIRS_A_STRIPE // max(1, len(sides.right.person)))
    rows = len(sides.left.person)
    high = min(high, -(-rows // STRIPES))
    high = -(-high // TILE_ROWS) * TILE_ROWS
    return [range(start, min(start + high, rows)) for start in range(0, rows, high)]


def _tiles(sides: Sides, stripe: range) -> Iterator[tuple[range, range]]:
    return sides.tiles(stripe, TILE_ROWS, TILE_COLUMNS)


def _tile(sides: Sides, rows: range, columns: range) -> Tile:
    left, right = _part(sides.left, rows), _part(sides.right, columns)
    return Tile(
        left.vectors @ right.vectors.T, left.person, left.picture, right.person, right.picture,
        rows.start + 1 - columns.start if sides.symmetric else -len(rows),
    )  # fmt: skip


def _part(side: Side, rows: range) -> Side:
    """Copies, but of the vectors: what comes from a cluster is read-only, and compiled anew."""
    vectors, *others = (part[rows.start : rows.stop] for part in side)
    return Side(vectors, *(part.copy() for part in others))


def count_scores(sides: Sides, spread: Spread) -> np.ndarray:
    """As `eumlib.verification.counters.PairCounter.count_scores`, its stripes spread."""
    counts = np.zeros((2, 2 * STEPS + 1), np.int64)  # pages that no score falls on cost nothing
    for first, part in spread(_count_stripe, (sides,), stripes(sides), "comparing"):
        counts[:, first : first + part.shape[1]] += part
    return counts


def _count_stripe(sides: Sides, stripe: range) -> tuple[int, np.ndarray]:
    """The scores of a stripe, from the lowest to the highest, and the place of the lowest."""
    counts = np.zeros((2, 2 * STEPS + 1), np.int32)
    lowest, highest = 2 * STEPS, 0
    for rows, columns in _tiles(sides, stripe):
        tile = _tile(sides, rows, columns)
        low, high = in_steps(np.array([tile.products.min(), tile.products.max()])) + STEPS
        lowest, highest = min(lowest, int(low)), max(highest, int(high))
        _count_tile(*tile, counts)
    return lowest, counts[:, lowest : highest + 1].copy()


def tally(sides: Sides, edges: np.ndarray, spread: Spread) -> Tally:
    """As `eumlib.verification.counters.PairCounter.tally`, its stripes spread."""
    best = np.full(len(sides.right.rows), NO_MATE)
    for part in spread(_best_mates, (sides,), stripes(sides), "finding the best mates"):
        np.maximum(best, part, out=best)
    teams, size = sides.teams, len(edges) + 1
    mated = np.zeros((teams, size), np.int64)
    non_mated = np.zeros((teams, teams, size), np.int32)
    ahead = np.zeros(len(best), np.int64)
    for part in spread(_tally_stripe, (sides, edges, best), stripes(sides), "resampling"):
        its_teams = slice(part.first_team, part.first_team + len(part.mated))
        mated[its_teams] += part.mated
        non_mated[its_teams, : part.non_mated.shape[1]] += part.non_mated
        ahead += part.ahead
    return Tally.of(sides, mated, non_mated, best, ahead)


def _best_mates(sides: Sides, stripe: range) -> np.ndarray:
    """``(p,)`` int32: the best mated score of each of `right` in a stripe, in steps; or `NO_MATE`.

    Where both sides are one, the best of both members of each pair.
    """
    best = np.full(len(sides.right.person), NO_MATE)
    for rows, columns in _tiles(sides, stripe):
        if sides.may_have_mates(rows, columns):
            here, there = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
            own = best[here] if sides.symmetric else best[:0]
            _best_of_tile(*_tile(sides, rows, columns), own, best[there])
    return best


class _StripeTally(NamedTuple):
    """What a stripe adds: its teams' rows of both tables, and who is ahead of the best mates."""

    first_team: int
    mated: np.ndarray
    non_mated: np.ndarray
    ahead: np.ndarray


def _tally_stripe(sides: Sides, edges: np.ndarray, best: np.ndarray, stripe: range) -> _StripeTally:
    first = int(sides.left.team[stripe.start])
    teams, size = int(sides.left.team[stripe.stop - 1]) - first + 1, len(edges) + 1
    mated = np.zeros((teams, size), np.int32)
    non_mated = np.zeros((teams, (int(sides.right.team[-1]) + 1) * size), np.int32)
    place_of_team, best = sides.right.team * np.int32(size), best.copy()
    ahead = np.zeros(len(best), np.int32)
    bounded = np.append(edges, np.iinfo(np.int32).max).astype(np.int32)
    buckets = np.arange((2 * STEPS >> _BUCKET) + 1) << _BUCKET
    passed_at_least = np.searchsorted(edges, buckets - STEPS, side="right").astype(np.int32)
    for rows, columns in _tiles(sides, stripe):
        here, there = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        own = here if sides.symmetric else slice(0)
        _tally_tile(
            *_tile(sides, rows, columns), sides.left.team[here] - first, place_of_team[there],
            bounded, passed_at_least, best[own], best[there], ahead[own], ahead[there],
            mated, non_mated,
        )  # fmt: skip
    return _StripeTally(first, mated, non_mated.reshape(teams, -1, size), ahead)


# The loops take one row after the other: turn it into steps, count all pairs as if they were of
# non-mated, and put those right that are not. Indices are without sign: Numba does not look then
# whether they count from the end.


@njit(cache=True, nogil=True)
def _to_steps(products, steps):
    """As `eumlib.verification.steps.in_steps`."""
    for j in range(len(products)):
        scaled = np.rint(products[j] * np.float32(STEPS))
        steps[j] = np.int32(min(max(scaled, np.float32(-STEPS)), np.float32(STEPS)))


@njit(cache=True, nogil=True)
def _non_mated_only(person, picture, people, pictures, begin):
    """Whether no pair of a row is mated or of one picture."""
    count = 0
    for j in range(begin, len(people)):
        count += (people[j] == person) | (pictures[j] == picture)
    return count == 0


@njit(cache=True, nogil=True)
def _count_tile(products, left, left_picture, right, right_picture, begin, counts):
    steps = np.empty(products.shape[1], np.int32)
    mated, non_mated = counts
    for i in range(products.shape[0]):
        first = max(0, begin + i)
        _to_steps(products[i], steps)
        for j in range(first, len(steps)):
            non_mated[np.uint32(steps[j] + STEPS)] += 1
        if _non_mated_only(left[i], left_picture[i], right, right_picture, first):
            continue
        for j in range(first, len(steps)):
            one_picture = left_picture[i] == right_picture[j]
            if one_picture or left[i] == right[j]:
                non_mated[steps[j] + STEPS] -= 1
                mated[steps[j] + STEPS] += not one_picture


@njit(cache=True, nogil=True)
def _best_of_tile(
    products, left, left_picture, right, right_picture, begin, best_of_left, best_of_right
):
    steps = np.empty(products.shape[1], np.int32)
    for i in range(products.shape[0]):
        first = max(0, begin + i)
        if _non_mated_only(left[i], left_picture[i], right, right_picture, first):
            continue
        _to_steps(products[i], steps)
        for j in range(first, len(steps)):
            if left[i] == right[j] and left_picture[i] != right_picture[j]:
                best_of_right[j] = max(best_of_right[j], steps[j])
                if len(best_of_left):
                    best_of_left[i] = max(best_of_left[i], steps[j])


@njit(cache=True, nogil=True)
def _tally_tile(
    products, left, left_picture, right, right_picture, begin, left_team, place_of_team, edges,
    passed_at_least, best_of_left, best_of_right, ahead_of_left, ahead_of_right, mated, non_mated,
):  # fmt: skip
    steps = np.empty(products.shape[1], np.int32)
    passed = np.empty(products.shape[1], np.int32)
    symmetric = len(best_of_left) > 0
    for i in range(products.shape[0]):
        first, team = max(0, begin + i), non_mated[left_team[i]]
        _to_steps(products[i], steps)
        for j in range(first, len(steps)):
            edge = np.uint32(passed_at_least[np.uint32(steps[j] + STEPS) >> _BUCKET])
            while edges[edge] <= steps[j]:
                edge += np.uint32(1)
            passed[j] = edge
        for j in range(first, len(steps)):
            team[np.uint32(place_of_team[j] + passed[j])] += 1
        for j in range(first, len(steps)):
            ahead_of_right[j] += steps[j] >= best_of_right[j]
        if symmetric:
            own, count = best_of_left[i], 0
            for j in range(first, len(steps)):
                count += steps[j] >= own
            ahead_of_left[i] += count
        if _non_mated_only(left[i], left_picture[i], right, right_picture, first):
            continue
        for j in range(first, len(steps)):
            one_picture = left_picture[i] == right_picture[j]
            if one_picture or left[i] == right[j]:
                team[place_of_team[j] + passed[j]] -= 1
                mated[left_team[i], passed[j]] += not one_picture
                ahead_of_right[j] -= steps[j] >= best_of_right[j]
                if symmetric:
                    ahead_of_left[i] -= steps[j] >= best_of_left[i]
