"""Masked embeddings beside those of the same pictures unmasked, of one table or of several."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eumlib.embeddings import EmbeddingTable, TableError


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


def mated_vectors(*tables: EmbeddingTable) -> MatedVectors:
    """The masked views of the tables, one table after the other, each with its picture unmasked.

    Raises:
        TableError: a table without a picture in both views, or with embeddings that are not
            finite; the message names the first.
    """
    parts = [_of_one(table) for table in tables]
    return MatedVectors(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _of_one(table: EmbeddingTable) -> MatedVectors:
    finite = np.isfinite(table.vectors).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        seen = table.rows.iloc[row]
        raise TableError(
            f"{(~finite).sum()} embeddings are not finite; the first is row {row}, the "
            f"{seen['view']} view of {seen['image_id']}: embed these pictures again"
        )
    masked, unmasked = table.mated_views()
    seen = table.rows.iloc[unmasked]
    people = (seen["face_set"] + "/" + seen["identity"]).to_numpy(dtype=str)
    return MatedVectors(table.vectors[masked], table.vectors[unmasked], people)
