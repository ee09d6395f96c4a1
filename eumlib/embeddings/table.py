"""The table of embeddings: one row per face view, the hub of everything that follows.

Faces that could not be acquired are kept beside the rows, so that the failures to acquire (FTA)
travel with the numbers they qualify. `eumlib.embeddings.table_files` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eumlib._common.errors import EumlibError

UNMASKED, MASKED = "unmasked", "masked"
WORN = "worn"  # the mask_shape of masks that were worn, not painted
UNKNOWN = "unknown"  # the mask_shape of masks that nobody has told of
COLUMNS = (
    "image_id", "identity", "face_set", "view", "mask_shape", "mask_colour", "mask_label",
    "detector", "landmarks_from", "backbone",
)  # fmt: skip

FAILURE_COLUMNS = (
    "image_id", "identity", "face_set", "view", "mask_shape", "reason", "detail",
)  # fmt: skip

ATTEMPT_COLUMNS = ("image_id", "identity", "face_set", "view", "mask_shape", "reason")


_FACE = ["face_set", "image_id"]


class TableError(EumlibError, ValueError):
    """A file or table of embeddings that cannot be used for what was asked."""


@dataclass(frozen=True)
class EmbeddingTable:
    """Embeddings and what they are of.

    Attributes:
        rows: one row per face view, with `COLUMNS`; unmasked views have no mask (missing values).
        vectors: ``(n, d)`` float32, row i for row i, of unit length.
        failures: one row per view that was tried and not acquired, with `FAILURE_COLUMNS`.
    """

    rows: pd.DataFrame
    vectors: np.ndarray
    failures: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.rows.columns]
        if missing:
            raise TableError(f"a table of embeddings without column {', '.join(missing)}")
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.rows):
            raise TableError(
                f"{len(self.rows)} rows need vectors ({len(self.rows)}, d), "
                f"not {self.vectors.shape}"
            )

    @classmethod
    def of_rows(
        cls, rows: Sequence[tuple], vectors: np.ndarray, failures: Sequence[tuple]
    ) -> EmbeddingTable:
        """A table of rows and failures given as tuples, in the order of the columns."""
        return cls(
            pd.DataFrame(rows, columns=list(COLUMNS), dtype="str"),
            vectors,
            pd.DataFrame(failures, columns=list(FAILURE_COLUMNS), dtype="str"),
        )

    @classmethod
    def from_arrays(
        cls,
        *,
        identity: Sequence[str],
        unmasked: np.ndarray,
        masked: np.ndarray | None = None,
        backbone: str = "own",
        face_set: str = "own",
    ) -> EmbeddingTable:
        """A table of embeddings that come from elsewhere, of any recogniser.

        >>> faces = np.eye(3, 5)
        >>> len(EmbeddingTable.from_arrays(identity=["ann", "ann", "bob"], unmasked=faces))
        3
        >>> both = EmbeddingTable.from_arrays(identity=[7, 7, 8], unmasked=faces, masked=-faces)
        >>> both.of_view("masked").vectors.shape
        (3, 5)

        Args:
            identity: ``(n,)``, who is on picture i: names or numbers.
            unmasked: ``(n, d)`` numbers, the embedding of picture i; scaled to unit length here.
            masked: ``(n, d)``, the embeddings of the same pictures with masks; without it, the
                table has unmasked views alone.
            backbone: name of the recogniser. Unmaskers remember it, and refuse all others.
            face_set: name of the pictures.

        Raises:
            TableError: arrays of other shapes or of something else than numbers, a row that is
                zero or not finite, an identity that is missing.
        """
        people = _identities(identity)
        views = {UNMASKED: unmasked} | ({} if masked is None else {MASKED: masked})
        vectors = [_given_vectors(name, given, len(people)) for name, given in views.items()]
        if len({part.shape[1] for part in vectors}) > 1:
            shapes = " and ".join(str(part.shape) for part in vectors)
            raise TableError(f"masked and unmasked are of one recogniser, not {shapes}")
        rows = [
            (f"{person}/{number}", person, face_set, view, shape, None, None, "own", view, backbone)
            for view, shape in zip(views, (None, UNKNOWN), strict=False)
            for number, person in enumerate(people)
        ]
        return cls.of_rows(rows, np.concatenate(vectors), [])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.vectors.shape[1]

    @property
    def attempted_views(self) -> pd.DataFrame:
        """One row per view that was tried, with `ATTEMPT_COLUMNS`; acquired ones have no reason."""
        return attempted_views_of(self.rows, self.failures)

    @property
    def attempts(self) -> int:
        """Faces that were tried: acquired or not."""
        return len(self.attempted_views[_FACE].drop_duplicates())

    @property
    def not_acquired(self) -> int:
        """Faces of which at least one view was not acquired."""
        return len(self.failures[_FACE].drop_duplicates())

    def where(self, keep: np.ndarray) -> EmbeddingTable:
        """The rows for which the ``(n,)`` boolean `keep` holds; the failures stay."""
        keep = np.asarray(keep, dtype=bool)
        return EmbeddingTable(
            self.rows[keep].reset_index(drop=True), self.vectors[keep], self.failures
        )

    def of_view(self, view: str) -> EmbeddingTable:
        """The rows of one view, ``"unmasked"`` or ``"masked"``."""
        return self.where(self.rows["view"] == view)

    def of_people(self, identities: Sequence[str]) -> EmbeddingTable:
        """The rows and the failures of these identities."""
        wanted = set(identities)
        kept = self.where(self.rows["identity"].isin(wanted))
        failures = self.failures[self.failures["identity"].isin(wanted)].reset_index(drop=True)
        return EmbeddingTable(kept.rows, kept.vectors, failures)

    def first_people(self, count: int) -> EmbeddingTable:
        """The rows and the failures of the first `count` identities that have rows."""
        return self.of_people(self.rows["identity"].unique()[:count])

    def mated_views(self) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of each masked view and of the unmasked view of the same picture.

        Returns:
            Two ``(m,)`` integer arrays, masked and unmasked, in the order of the masked rows.

        Raises:
            TableError: the table has no picture in both views.
        """
        return mated_rows(self.rows)


def mated_rows(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """`EmbeddingTable.mated_views`, of rows alone."""
    numbered = rows[["face_set", "image_id", "view"]].assign(row=np.arange(len(rows)))
    masked = numbered[numbered["view"] == MASKED].drop(columns="view")
    unmasked = numbered[numbered["view"] == UNMASKED].drop(columns="view")
    both = masked.merge(unmasked, on=_FACE, suffixes=("_masked", ""))
    if both.empty:
        raise TableError("no picture in this table has both a masked and an unmasked view")
    return both["row_masked"].to_numpy(), both["row"].to_numpy()


def _identities(given: Sequence[str]) -> list[str]:
    given = np.asarray(given)
    if given.ndim != 1 or not len(given):
        raise TableError(f"identity must be (n,) names, one a picture, not {given.shape}")
    missing = np.flatnonzero(pd.isna(given) | (given.astype(str) == ""))
    if len(missing):
        raise TableError(f"{len(missing)} identities are missing; the first is row {missing[0]}")
    return given.astype(str).tolist()


def _given_vectors(name: str, given: np.ndarray, count: int) -> np.ndarray:
    given = np.asarray(given)
    if given.ndim != 2 or len(given) != count or not given.shape[1]:
        raise TableError(f"{name} must be ({count}, d), one row per identity, not {given.shape}")
    if given.dtype.kind not in "fiu":
        raise TableError(f"{name} must be numbers, not {given.dtype}")
    try:
        return unit_length(given)
    except ValueError as error:
        raise TableError(f"{name}: {error}") from None


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Each row divided by its Euclidean length: ``(n, d)`` to ``(n, d)`` float32.

    Raises:
        ValueError: a row that is zero or not finite; the message names the first.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0))
    if len(bad):
        raise ValueError(f"{len(bad)} embeddings are zero or not finite; the first is row {bad[0]}")
    return (vectors / lengths).astype(np.float32)


def attempted_views_of(rows: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    """`EmbeddingTable.attempted_views` of rows and failures."""
    tried = pd.concat([rows.assign(reason=None), failures], ignore_index=True)
    return tried[list(ATTEMPT_COLUMNS)]
