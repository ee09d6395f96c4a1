"""Tables of embeddings in Parquet files, and the one gate that they pass when they are read.

Pages carry checksums, and the failures to acquire, in the file's metadata, a SHA-256. What a file
says is looked at before it is believed: text where text belongs, each view once, embeddings of unit
length.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eumlib._common.errors import shortened
from eumlib._common.files import DATA_FOLDER, atomic_path
from eumlib.embeddings.table import (
    COLUMNS,
    FAILURE_COLUMNS,
    MASKED,
    UNMASKED,
    EmbeddingTable,
    TableError,
    attempted_views_of,
)

SYNTHETIC_TABLE = DATA_FOLDER / "synthetic_dlib_resnet_v1.parquet"
ROWS_A_GROUP = 8192  # fewer are no quicker to find, and take more room
UNIT_TOLERANCE = 0.01  # half precision takes a length off by a thousandth
_METADATA_KEY = b"eumlib"
_ALWAYS_SAID = ("image_id", "identity", "face_set", "view", "backbone")
_AGAIN = "embed the pictures again"


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
        TableError: a part that is damaged.
    """
    if not parts:
        raise ValueError("to join tables takes one at least")
    failures = pd.concat(
        [_failures(pq.read_schema(part), part) for part in parts], ignore_index=True
    )
    _write((pq.read_table(part) for part in parts), failures, path)


def _write(tables: Iterator[pa.Table], failures: pd.DataFrame, path: Path | str) -> None:
    listed = failures.astype(object).where(failures.notna(), None).to_dict("records")
    note = {"failures": listed, "sha256": _digest(listed)}
    first = next(tables).replace_schema_metadata({_METADATA_KEY: json.dumps(note).encode()})
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary, first.schema, compression="zstd", use_byte_stream_split=["embedding"],
            write_page_checksum=True,
        ) as writer,
    ):  # fmt: skip
        waiting: list[pa.Table] = []
        for table in itertools.chain([first], tables):
            waiting.append(table.cast(first.schema))
            if sum(map(len, waiting)) >= ROWS_A_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def synthetic_training_table() -> EmbeddingTable:
    """Synthetic faces by dlib's recogniser, in both views, as ``data/README.md`` describes them."""
    return read_table(SYNTHETIC_TABLE)


def read_table(path: Path | str) -> EmbeddingTable:
    """Read a table of embeddings.

    Raises:
        TableError: no such file, a damaged one, or not a table of embeddings of length 1, each view
            once; the message says which row of which picture, and how to mend it.
    """
    arrow = _read(path, [*COLUMNS, "embedding"])
    rows, failures = _checked(arrow, path)
    return EmbeddingTable(rows, _vectors(arrow["embedding"], rows, path), failures)


def read_attempted_views(path: Path | str) -> pd.DataFrame:
    """`EmbeddingTable.attempted_views` of a file, without reading its embeddings.

    Raises:
        TableError: as in `read_table`.
    """
    return attempted_views_of(*_checked(_read(path, list(COLUMNS)), path))


def table_schema(path: Path | str) -> tuple[pa.Schema, int]:
    """The schema of a file, and how many rows it has; they are not read.

    Raises:
        TableError: no such file, or not a table of embeddings; the message says what misses.
    """
    if not Path(path).exists():
        raise TableError(f"no table {path}; make it with: python -m eumlib embed --out {path}")
    if not Path(path).is_file():
        raise TableError(f"{path} is not a file: name the table itself (.parquet)")
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            f"{path} is not a Parquet file that can be read: {shortened(str(error), 200)}"
        ) from error
    missing = [name for name in (*COLUMNS, "embedding") if name not in schema.names]
    if missing or not pa.types.is_fixed_size_list(schema.field("embedding").type):
        raise TableError(
            f"{path} is not a table of embeddings: it needs {', '.join(COLUMNS)} and embedding "
            f"(a fixed-size list); missing: {', '.join(missing) or 'the fixed size'}"
        )
    return schema, rows


def refuse_other_lengths(vectors: np.ndarray, path: Path | str, before: int = 0) -> None:
    """Refuse vectors ``(n, d)`` that are not of length 1, within `UNIT_TOLERANCE`.

    Args:
        vectors: of some rows of a table.
        path: of the table, for the message.
        before: rows of the table that stand before these.

    Raises:
        TableError: there are some; the message names the first.
    """
    odd = np.flatnonzero(_of_other_length(vectors))
    if len(odd):
        raise TableError(
            f"{path}: {len(odd)} embeddings are not of length 1, the first in row "
            f"{before + odd[0]}; EmbeddingTable.from_arrays scales your own"
        )


def _of_other_length(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors.astype(np.float32, copy=False), axis=1)
    return ~(abs(lengths - 1) < UNIT_TOLERANCE)


def _read(path: Path | str, columns: list[str]) -> pa.Table:
    table_schema(path)
    try:
        arrow = pq.read_table(path, columns=columns, page_checksum_verification=True)
        arrow.validate(full=True)  # text that is none, say
        return arrow
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            f"{path} is not a Parquet file that can be read: {shortened(str(error), 200)}"
        ) from error


def _checked(arrow: pa.Table, path: Path | str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and failures of a file, once they are what they say."""
    rows = pa.table({name: _text(arrow[name], name, path) for name in COLUMNS}).to_pandas()
    failures = _failures(arrow.schema, path)
    for name in _ALWAYS_SAID:
        _refuse(rows, rows[name].isna(), f"no {name}", path)
    unknown = ~rows["view"].isin([UNMASKED, MASKED])
    _refuse(rows, unknown, f"another view than {UNMASKED} or {MASKED}", path)
    half = (rows["view"] == MASKED) != rows["mask_shape"].notna()
    _refuse(rows, half, "a mask on an unmasked view, or none on a masked one,", path)
    _refuse(rows, rows.duplicated(), "a view that is there already", path)
    return rows, failures


def _text(column: pa.ChunkedArray, name: str, path: Path | str) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_null, pa.types.is_integer)
    if not any(of_kind(kind) for of_kind in texts):
        raise TableError(f"{path}: column {name} holds {kind}, not text")
    return column.cast(pa.string())


def _vectors(column: pa.ChunkedArray, rows: pd.DataFrame, path: Path | str) -> np.ndarray:
    """The embeddings: finite and of unit length."""
    kind, dim = column.type.value_type, column.type.list_size
    if not pa.types.is_floating(kind) or not dim:
        raise TableError(f"{path}: embeddings are lists of {dim} {kind}, not of floating numbers")
    missing = np.array([], bool)
    packed = column.combine_chunks()
    if packed.null_count or packed.flatten().null_count:
        missing = np.array([row is None or None in row for row in packed.to_pylist()])
    _refuse(rows, missing, "missing numbers", path)
    vectors = packed.flatten().to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, dim)
    scales = "scale your own through EmbeddingTable.from_arrays"
    odd = _of_other_length(vectors)
    _refuse(rows, odd, "embeddings that are not of length 1", path, scales)
    return vectors


def _refuse(
    rows: pd.DataFrame, bad: np.ndarray, what: str, path: Path | str, mend: str = _AGAIN
) -> None:
    places = np.flatnonzero(bad)
    if len(places):
        first = rows.iloc[places[0]]
        raise TableError(
            f"{path}: {what} in {len(places)} of {len(rows)} rows; the first is row {places[0]}, "
            f"the {first['view']} view of {first['image_id']}: {mend}"
        )


def _failures(schema: pa.Schema, path: Path | str) -> pd.DataFrame:
    try:
        note = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
        listed = note.get("failures", [])
        if note.get("sha256", _digest(listed)) != _digest(listed):
            raise ValueError("it is damaged")
        failures = pd.DataFrame(listed, columns=list(FAILURE_COLUMNS), dtype="str")
        told = failures.drop(columns=["mask_shape", "detail"]).notna().all(axis=None)
        if not told or not failures["view"].isin([UNMASKED, MASKED]).all():
            raise ValueError("a failure does not say of which view of which picture it is, or why")
        return failures
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise TableError(
            f"{path}: the note on failures to acquire cannot be read: {error}: {_AGAIN}"
        ) from error


def _digest(listed: list[dict[str, str | None]]) -> str:
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
