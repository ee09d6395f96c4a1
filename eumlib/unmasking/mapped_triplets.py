"""Triplets from tables larger than memory."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

import numpy as np
import torch

from eumlib.embeddings import EmbeddingTable, MappedTable, MatedPairs
from eumlib.unmasking.triplets import DrawnRows, Triplets, TripletSampler

BLOCK = 2**28  # bytes


class MappedTripletSampler(TripletSampler):
    """As `TripletSampler`, and it draws the same triplets, but the embeddings stay on disk.

    The rows of many batches are drawn first, and then read as one block, in the order in which they
    lie, in the precision in which they lie. Nothing depends on the size of the block but memory
    and time: the fewer blocks an epoch has, the fewer times the disk is gone through.

    Args:
        tables: one or more, on disk or not.
        block: bytes of embeddings that are read at once; one batch is, however small the block.

    Raises:
        TableError: as `TripletSampler`.
    """

    def __init__(self, *tables: EmbeddingTable | MappedTable, block: int = BLOCK) -> None:
        self._recognise(tables)
        pairs = MatedPairs.of_tables(*tables)
        by_person = self._number(pairs.people, lambda number: str(pairs.names[number]))
        self._vectors, self._block = pairs.vectors, block
        self._masked, self._unmasked = pairs.masked[by_person], pairs.unmasked[by_person]
        (self.dim,) = self._vectors.row_shape
        self._contents = pairs.fingerprint

    @property
    def positives(self) -> torch.Tensor:
        """As of `TripletSampler`, all of them read from disk."""
        return self.some_positives(len(self))

    @property
    def fingerprint(self) -> str:
        """As of `TripletSampler`."""
        digest = hashlib.sha256(self._contents.encode())
        for part in (self.person.numpy(), self._masked, self._unmasked):
            digest.update(part)
        return digest.hexdigest()[:16]

    def some_positives(self, at_most: int) -> torch.Tensor:
        """As of `TripletSampler`."""
        return self._read(self._unmasked[:: -(-len(self) // at_most)]).float()

    def _taken(self, drawn: Iterator[DrawnRows]) -> Iterator[Triplets]:
        for first in drawn:
            a_batch = 3 * len(first[0]) * self.dim * self._vectors.dtype.itemsize
            others = itertools.islice(drawn, max(1, self._block // a_batch) - 1)
            yield from self._of_block([first, *others])

    def _of_block(self, batches: list[DrawnRows]) -> Iterator[Triplets]:
        rows, negatives = map(np.concatenate, zip(*batches, strict=True))
        numbers = np.concatenate(
            [self._masked[rows], self._unmasked[rows], self._unmasked[negatives]]
        )
        parts = self._read(numbers).view(3, len(rows), self.dim)
        end = 0
        for size in (len(of_batch) for of_batch, _ in batches):
            start, end = end, end + size
            anchor, positive, negative = parts[:, start:end].to(torch.float32, copy=True)
            yield Triplets(anchor, positive, negative, self.person[rows[start:end]])

    def _read(self, numbers: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(self._vectors.read_in_passing(numbers))


def sampler_of(*tables: EmbeddingTable | MappedTable) -> TripletSampler:
    """Triplets of tables in memory, or from disk if that is where one of them is: the same ones."""
    on_disk = any(isinstance(table, MappedTable) for table in tables)
    return (MappedTripletSampler if on_disk else TripletSampler)(*tables)
