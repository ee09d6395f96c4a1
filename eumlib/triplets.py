"""Triplets: a masked anchor, the unmasked positive of the same picture, an unmasked negative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from eumlib.embeddings import EmbeddingTable, TableError


class Triplets(NamedTuple):
    """A batch of N triplets: three ``(N, d)`` float32 tensors, row i of each one triplet."""

    anchor: torch.Tensor
    positive: torch.Tensor
    negative: torch.Tensor


class TripletSampler:
    """Draws triplets from a table of embeddings.

    Every masked view is an anchor once an epoch. Its positive is the unmasked view of the *same
    picture*; its negative is drawn uniformly from the unmasked views of all other people.

    >>> from eumlib.embeddings import synthetic_training_table
    >>> sampler = TripletSampler(synthetic_training_table())
    >>> batch = next(sampler.batches(512, np.random.default_rng(0)))
    >>> tuple(batch.anchor.shape)
    (512, 128)

    Raises:
        TableError: no picture in both views, or fewer than two identities.

    Taught in notebook 05.
    """

    def __init__(self, table: EmbeddingTable) -> None:
        masked, unmasked = table.mated_views()
        identity = table.rows["identity"].to_numpy()[unmasked]
        by_identity = np.argsort(identity, kind="stable")
        masked, unmasked, identity = (
            masked[by_identity],
            unmasked[by_identity],
            identity[by_identity],
        )
        names, self._first, self._count = np.unique(identity, return_index=True, return_counts=True)
        if len(names) < 2:
            raise TableError(
                f"triplets need a negative of another identity, and all pictures are of {names[0]}"
            )
        self._person = np.repeat(np.arange(len(names)), self._count)
        self._anchors = torch.from_numpy(table.vectors[masked])
        self._positives = torch.from_numpy(table.vectors[unmasked])

    def __len__(self) -> int:
        return len(self._anchors)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._anchors.shape[1]

    def draw_negatives(self, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """For each row a row of another identity, all of them equally likely."""
        # Rows stand sorted by identity: draw among the rows that are left when one's own block is
        # taken out, then step over that block.
        person = self._person[rows]
        drawn = random.integers(0, len(self) - self._count[person])
        return drawn + np.where(drawn >= self._first[person], self._count[person], 0)

    def batches(self, batch_size: int, random: np.random.Generator) -> Iterator[Triplets]:
        """One epoch in random order; a last batch of a single triplet is left out (batch norm)."""
        order = random.permutation(len(self))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            if len(rows) < 2:
                return
            negatives = self.draw_negatives(rows, random)
            yield Triplets(self._anchors[rows], self._positives[rows], self._positives[negatives])
