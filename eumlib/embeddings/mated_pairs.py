"""Pictures in both views: each masked embedding, and the unmasked one of the same picture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from eumlib._common.files import key_of
from eumlib.embeddings.mapped_rows import MappedRows
from eumlib.embeddings.mapped_table import MappedTable, names_of
from eumlib.embeddings.table import EmbeddingTable, mated_rows


class MatedVectors(NamedTuple):
    """Row i of each is of one picture.

    Attributes:
        masked: ``(n, d)`` float32.
        unmasked: ``(n, d)`` float32.
        people: ``(n,)`` text, face set and identity: people of different sets are different.
    """

    masked: np.ndarray
    unmasked: np.ndarray
    people: np.ndarray


@dataclass(frozen=True)
class MatedPairs:
    """The same, before the embeddings are read: place i of each is of one picture.

    Attributes:
        vectors: the embeddings of some tables, one table after the other.
        masked: ``(n,)`` integers, numbers of rows of `vectors`.
        unmasked: ``(n,)`` integers, likewise.
        people: ``(n,)`` integers, numbers of people.
        names: face set and identity of each person, sorted; people of different sets are different.
        fingerprint: of `vectors`.
    """

    vectors: MappedRows
    masked: np.ndarray
    unmasked: np.ndarray
    people: np.ndarray
    names: pa.LargeStringArray
    fingerprint: str

    @classmethod
    def of_tables(cls, *tables: EmbeddingTable | MappedTable) -> MatedPairs:
        """The masked views of the tables, table after table, each with its picture unmasked.

        Raises:
            TableError: a table without a picture in both views, or with embeddings that are not
                finite; the message names the first.
        """
        tables = [
            MappedTable.in_memory(table) if isinstance(table, EmbeddingTable) else table
            for table in tables
        ]
        starts = itertools.accumulate((len(table.vectors) for table in tables), initial=0)
        masked, unmasked, people = [], [], []
        for table, start in zip(tables, starts, strict=False):
            of_masked, of_unmasked = mated_rows(table.rows)
            numbers = table.rows.index.to_numpy() + start
            masked.append(numbers[of_masked])
            unmasked.append(numbers[of_unmasked])
            people.append(table.rows["person"].to_numpy()[of_unmasked])
        renumbered, names = _joined([table.people for table in tables])
        return cls(
            MappedRows.joined(*(table.vectors for table in tables)),
            np.concatenate(masked),
            np.concatenate(unmasked),
            np.concatenate([new[old] for new, old in zip(renumbered, people, strict=True)]),
            names,
            key_of(*(table.fingerprint for table in tables)),
        )

    def __len__(self) -> int:
        return len(self.masked)

    def some(self, at_most: int) -> MatedPairs:
        """All of them, or of more than `at_most` every n-th."""
        few = np.s_[:: -(-len(self) // at_most)]
        return replace(
            self, masked=self.masked[few], unmasked=self.unmasked[few], people=self.people[few]
        )

    def read(self) -> MatedVectors:
        """Their embeddings."""
        masked, unmasked = (
            self.vectors.read_in_passing(numbers).astype(np.float32, copy=False)
            for numbers in (self.masked, self.unmasked)
        )
        people = self.names.take(pa.array(self.people)).to_numpy(zero_copy_only=False)
        return MatedVectors(masked, unmasked, people.astype(str))


def _joined(people: list[pa.Table]) -> tuple[list[np.ndarray], pa.LargeStringArray]:
    """The names of the people of all tables, sorted; and of each table their new numbers."""
    names = [names_of(of_table) for of_table in people]
    if len(names) == 1:  # sorted they are
        return [np.arange(len(names[0]))], names[0]
    known = pa.compute.unique(pa.chunked_array(names))
    known = known.take(pa.compute.array_sort_indices(known))
    return [pa.compute.index_in(some, known).to_numpy() for some in names], known


def mated_vectors(*tables: EmbeddingTable | MappedTable) -> MatedVectors:
    """The embeddings of `MatedPairs.of_tables`, read."""
    return MatedPairs.of_tables(*tables).read()
