"""Counting pairs on a GPU: of each score, and of each two teams.

All pairs are gone through tile by tile, and only the embeddings of a tile and what has been counted
are on the device: its memory does not limit how many faces there are.

A card sums the products of a cosine in another order than a processor does, and either rounds on
its way: many scores fall a few steps (2⁻²³) aside, which is as exact as float32 is. Rates hardly
move, but only the same kind of machine finds the same to the last pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import numpy as np
import torch

from eumlib._common.device import DeviceError, check_device
from eumlib._common.progress import progress_bar
from eumlib._common.spreading import QUICK
from eumlib.verification.sides import Side, Sides
from eumlib.verification.steps import STEPS
from eumlib.verification.tally import NO_MATE, Tally

PAIRS_A_TILE = 2**24  # 64 MB of float32, and about a gigabyte while they are sorted


class _Part(NamedTuple):
    """Some of a side, on the device."""

    vectors: torch.Tensor
    person: torch.Tensor
    picture: torch.Tensor


class _Tile(NamedTuple):
    """Some of `left`, r of them, against c of `right`, on the device.

    Attributes:
        rows: which of `left`.
        columns: which of `right`.
        steps: ``(r, c)`` int32, as `eumlib.verification.steps.in_steps` gives them.
        mated: ``(r, c)``, whether the pair counts and shows one person.
        non_mated: ``(r, c)``, whether it counts and shows two.
    """

    rows: slice
    columns: slice
    steps: torch.Tensor
    mated: torch.Tensor
    non_mated: torch.Tensor


@dataclass(frozen=True)
class DeviceCounter:
    """Counts with PyTorch, in products of full float32.

    Many scores fall a few steps (2⁻²³) from where a processor has them: sums are rounded in another
    order.

    Args:
        device: such as ``"cuda"``.

    Raises:
        DeviceError: the device is not there, or its memory is full.
    """

    device: str

    def __post_init__(self) -> None:
        check_device(self.device)

    def count_scores(self, sides: Sides) -> np.ndarray:
        """As in `eumlib.verification.counters.PairCounter`."""
        with _computing_on(self.device):
            counts = self._zeros(2, 2 * STEPS + 1)
            for tile in self._tiles(sides, _places(sides), "comparing"):
                _count(tile.steps[tile.mated] + STEPS, counts[0])
                _count(tile.steps[tile.non_mated] + STEPS, counts[1])
            return counts.cpu().numpy()

    def tally(self, sides: Sides, edges: np.ndarray) -> Tally:
        """As in `eumlib.verification.counters.PairCounter`."""
        teams, size = sides.teams, len(edges) + 1
        with _computing_on(self.device):
            best = self._best_mates(sides)
            # places fit an int32: there are 256 teams at most, and hundreds of thresholds
            mated, non_mated = self._zeros(teams * size), self._zeros(teams * teams * size)
            ahead = self._zeros(len(best))
            left_team, right_team = self._here(sides.left.team), self._here(sides.right.team)
            thresholds = self._here(edges.astype(np.int32))
            for tile in self._tiles(sides, _places(sides), "resampling"):
                rows, columns, steps, *_ = tile
                passed = torch.bucketize(steps, thresholds, right=True, out_int32=True)
                team = left_team[rows, None]
                _count((team * size + passed)[tile.mated], mated)
                team = team * teams + right_team[columns]
                _count((team * size + passed)[tile.non_mated], non_mated)
                ahead[columns] += (tile.non_mated & (steps >= best[columns])).sum(dim=0)
                if sides.symmetric:
                    ahead[rows] += (tile.non_mated & (steps >= best[rows, None])).sum(dim=1)
            tables = mated.reshape(teams, size), non_mated.int().reshape(teams, teams, size)
            return Tally.of(sides, *(part.cpu().numpy() for part in (*tables, best, ahead)))

    def _best_mates(self, sides: Sides) -> torch.Tensor:
        """``(p,)`` int32: the best mated score of each of `right`, or `NO_MATE`."""
        best = self._here(np.full(len(sides.right.rows), NO_MATE))
        places = [place for place in _places(sides) if sides.may_have_mates(*place)]
        for rows, columns, steps, mated, _ in self._tiles(sides, places, "finding the best mates"):
            steps = torch.where(mated, steps, int(NO_MATE))
            best[columns] = torch.maximum(best[columns], steps.amax(dim=0))
            if sides.symmetric:
                best[rows] = torch.maximum(best[rows], steps.amax(dim=1))
        return best

    def _tiles(
        self, sides: Sides, places: Sequence[tuple[range, range]], what: str
    ) -> Iterator[_Tile]:
        with progress_bar(len(places), what, "tile", delay=QUICK) as progress:
            for rows, columns in places:
                left, right = self._part(sides.left, rows), self._part(sides.right, columns)
                counts = left.picture[:, None] != right.picture
                if sides.symmetric:  # each pair once
                    counts &= self._numbers(rows)[:, None] < self._numbers(columns)
                same = left.person[:, None] == right.person
                yield _Tile(
                    slice(rows.start, rows.stop), slice(columns.start, columns.stop),
                    _in_steps(left.vectors @ right.vectors.T), counts & same, counts & ~same,
                )  # fmt: skip
                progress.update()

    def _part(self, side: Side, rows: range) -> _Part:
        arrays = side.vectors, side.person, side.picture
        return _Part(*(self._here(array[rows.start : rows.stop]) for array in arrays))

    def _here(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)

    def _numbers(self, rows: range) -> torch.Tensor:
        return torch.arange(rows.start, rows.stop, device=self.device)

    def _zeros(self, *shape: int) -> torch.Tensor:
        return torch.zeros(shape, dtype=torch.int64, device=self.device)


def _places(sides: Sides) -> list[tuple[range, range]]:
    """Rows and columns of all tiles."""
    edge = isqrt(PAIRS_A_TILE)
    return list(sides.tiles(range(len(sides.left.person)), edge, edge))


def _in_steps(products: torch.Tensor) -> torch.Tensor:
    """As `eumlib.verification.steps.in_steps`, in place."""
    return products.mul_(STEPS).round_().clamp_(-STEPS, STEPS).int()


def _count(places: torch.Tensor, counts: torch.Tensor) -> None:
    """Add to each of the counts ``(n,)`` how often its place is listed."""
    if len(places):
        first = int(places.min())
        found = torch.bincount(places - first)
        counts[first : first + len(found)] += found


@contextmanager
def _computing_on(device: str) -> Iterator[None]:
    """Full float32, whatever precision a caller lets products have; too little memory in a line."""
    kinds = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul
    before = [kind.fp32_precision for kind in kinds]
    try:
        for kind in kinds:
            kind.fp32_precision = "ieee"
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            f"the memory of {device} is full: end what else runs there, or count without it"
        ) from error
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision
