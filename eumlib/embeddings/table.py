"""The table of embeddings: a row a face view, the hub of everything that follows.

On disk it is one Parquet file. Faces that could not be acquired are kept beside the rows, in the
file's metadata, so that the failures to acquire (FTA) travel with the numbers they qualify.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eumlib._common.errors import EumlibError
from eumlib._common.files import DATA_FOLDER, atomic_path

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


SYNTHETIC_TABLE = DATA_FOLDER / "synthetic_dlib_resnet_v1.parquet"

_FACE = ["face_set", "image_id"]


UNIT_TOLERANCE = 0.01  # half precision takes a length off by a thousandth
_METADATA_KEY = b"eumlib"


class TableError(EumlibError, ValueError):
    """A file or table of embeddings that cannot be used for what was asked."""


@dataclass(frozen=True)
class EmbeddingTable:
    """Embeddings and what they are of.

    Attributes:
        rows: a row a face view, with `COLUMNS`; unmasked views have no mask (missing values).
        vectors: ``(n, d)`` float32, row i for row i, of unit length.
        failures: a row a view that was tried and not acquired, with `FAILURE_COLUMNS`.
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
        """A row a view that was tried, with `ATTEMPT_COLUMNS`; acquired ones have no reason."""
        return _attempted_views(self.rows, self.failures)

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
        raise TableError(f"{name} must be ({count}, d), a row an identity, not {given.shape}")
    if given.dtype.kind not in "fiu":
        raise TableError(f"{name} must be numbers, not {given.dtype}")
    try:
        return unit_length(given)
    except ValueError as error:
        raise TableError(f"{name}: {error}") from None


def synthetic_training_table() -> EmbeddingTable:
    """Synthetic faces by dlib's recogniser, in both views, as ``data/README.md`` describes them."""
    return read_table(SYNTHETIC_TABLE)


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


def write_table(table: EmbeddingTable, path: Path | str, precision: str = "float32") -> None:
    """Write the table as Parquet, atomically; vectors of float16 take half the size of float32."""
    columns = {name: pa.array(table.rows[name], pa.string()) for name in COLUMNS}
    flat = pa.array(np.ascontiguousarray(table.vectors, dtype=precision).ravel())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, table.dim)
    _write(iter([pa.table(columns)]), table.failures, path)


def join_tables(parts: Sequence[Path], path: Path | str) -> None:
    """Write the tables of the files, one after the other, as one; one part is in memory at a time.

    Raises:
        ValueError: no parts.
    """
    if not parts:
        raise ValueError("to join tables takes one at least")
    failures = pd.concat([_failures(pq.read_schema(part)) for part in parts], ignore_index=True)
    _write((pq.read_table(part) for part in parts), failures, path)


def _write(tables: Iterator[pa.Table], failures: pd.DataFrame, path: Path | str) -> None:
    listed = failures.astype(object).where(failures.notna(), None).to_dict("records")
    note = {_METADATA_KEY: json.dumps({"failures": listed}).encode()}
    first = next(tables).replace_schema_metadata(note)
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary, first.schema, compression="zstd", use_byte_stream_split=["embedding"]
        ) as writer,
    ):
        for table in itertools.chain([first], tables):
            writer.write_table(table.cast(first.schema))


def read_attempted_views(path: Path | str) -> pd.DataFrame:
    """`EmbeddingTable.attempted_views` of a file, without reading its embeddings.

    Raises:
        TableError: as in `read_table`.
    """
    arrow = _read(path, list(COLUMNS))
    return _attempted_views(arrow.to_pandas(), _failures(arrow.schema))


def _attempted_views(rows: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    tried = pd.concat([rows.assign(reason=None), failures], ignore_index=True)
    return tried[list(ATTEMPT_COLUMNS)]


def _failures(schema: pa.Schema) -> pd.DataFrame:
    try:
        note = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
        return pd.DataFrame(note.get("failures", []), columns=list(FAILURE_COLUMNS), dtype="str")
    except (ValueError, AttributeError, TypeError) as error:
        raise TableError(f"the note on failures to acquire cannot be read: {error}") from error


def read_table(path: Path | str) -> EmbeddingTable:
    """Read a table of embeddings.

    Raises:
        TableError: no such file, or it is not a table of embeddings of length 1; the message says
            what misses.
    """
    arrow = _read(path, [*COLUMNS, "embedding"])
    packed = arrow["embedding"].combine_chunks()
    vectors = packed.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    vectors = vectors.reshape(len(arrow), packed.type.list_size)
    refuse_other_lengths(vectors, path)
    return EmbeddingTable(
        arrow.select(COLUMNS).to_pandas(),
        vectors,
        _failures(arrow.schema),
    )


def refuse_other_lengths(vectors: np.ndarray, path: Path | str, before: int = 0) -> None:
    """Refuse vectors ``(n, d)`` that are not of length 1, within `UNIT_TOLERANCE`.

    Args:
        vectors: of some rows of a table.
        path: of the table, for the message.
        before: rows of the table that stand before these.

    Raises:
        TableError: there are some; the message names the first.
    """
    lengths = np.linalg.norm(vectors.astype(np.float32, copy=False), axis=1)
    odd = np.flatnonzero(~(abs(lengths - 1) < UNIT_TOLERANCE))
    if len(odd):
        raise TableError(
            f"{path}: {len(odd)} embeddings are not of length 1, the first in row "
            f"{before + odd[0]}; EmbeddingTable.from_arrays scales your own"
        )


def table_schema(path: Path | str) -> tuple[pa.Schema, int]:
    """The schema of a file, and how many rows it has; they are not read.

    Raises:
        TableError: no such file, or not a table of embeddings; the message says what misses.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except FileNotFoundError:
        raise TableError(
            f"no table {path}; make it with: python -m eumlib embed --out {path}"
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} is not a Parquet file that can be read: {error}") from error
    missing = [name for name in (*COLUMNS, "embedding") if name not in schema.names]
    if missing or not pa.types.is_fixed_size_list(schema.field("embedding").type):
        raise TableError(
            f"{path} is not a table of embeddings: it needs {', '.join(COLUMNS)} and embedding "
            f"(a fixed-size list); missing: {', '.join(missing) or 'the fixed size'}"
        )
    return schema, rows


def _read(path: Path | str, columns: list[str]) -> pa.Table:
    table_schema(path)
    try:
        return pq.read_table(path, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} is not a Parquet file that can be read: {error}") from error
