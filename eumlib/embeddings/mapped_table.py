"""A table of embeddings larger than memory: its vectors stay on disk.

A row of a Parquet file cannot be reached without unpacking thousands around it. So the vectors are
unpacked once, into a file of the cache folder that is mapped into memory, in the precision of the
table. What the rows are of is kept in memory, each name once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from eumlib._common.files import atomic_path, home, key_of, sha256_of
from eumlib._common.progress import progress_bar
from eumlib.embeddings.mapped_rows import MappedRows, mapped_file
from eumlib.embeddings.table import MASKED, UNMASKED, EmbeddingTable, TableError
from eumlib.embeddings.table_files import read_table, refuse_other_lengths, table_schema
from eumlib.faces import split_by_identity

LARGE = 2**30  # bytes of vectors; a table above is not read into memory
NAMES = ["image_id", "identity", "face_set", "view", "backbone"]
ROWS_AT_ONCE = 65_536
SECONDS_UNSEEN = 2
Coded = tuple[np.ndarray, pa.LargeStringArray | None]  # numbers of names, and the names


@dataclass(frozen=True)
class MappedTable:
    """Embeddings on disk, and what they are of.

    Attributes:
        rows: one row per face view. ``image_id`` and ``person`` are numbers here, and ``face_set``,
            ``view`` and ``backbone`` categories. The index of a row is its number in `vectors`.
        people: ``face_set`` and ``identity`` of each person, sorted by both together.
        vectors: ``(d,)`` float16 or float32 a row, of unit length.
        fingerprint: of the vectors, by their content.
    """

    rows: pd.DataFrame
    people: pa.Table
    vectors: MappedRows
    fingerprint: str

    @classmethod
    def in_memory(cls, table: EmbeddingTable) -> MappedTable:
        """A table that is in memory, seen as one that is not.

        Raises:
            TableError: embeddings that are not finite; the message names the first.
        """
        _refuse_infinite(table)
        digest = hashlib.sha256(np.ascontiguousarray(table.vectors)).hexdigest()
        columns = {}
        for name in NAMES:
            codes, names = pd.factorize(table.rows[name])
            columns[name] = codes, pa.array(names.astype(object), pa.large_string())
        return cls(*_rows_and_people(columns), MappedRows([table.vectors]), digest)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, keep: np.ndarray) -> MappedTable:
        """The rows for which the ``(n,)`` boolean `keep` holds."""
        return replace(self, rows=self.rows[keep])

    def split_by_identity(self, shares: Mapping[str, float]) -> np.ndarray:
        """As `eumlib.faces.split_by_identity`: the part that each row belongs to."""
        chunks = self.people.to_batches(ROWS_AT_ONCE)  # a part depends on its own name alone
        parts = [split_by_identity(chunk["identity"].to_pylist(), shares) for chunk in chunks]
        return np.concatenate(parts)[self.rows["person"].to_numpy()]


def open_table(path: Path | str) -> EmbeddingTable | MappedTable:
    """A table of embeddings, or a folder of tables (``*.parquet``) that are parts of one.

    A folder, and a file whose vectors would take more than `LARGE` bytes, stay on disk.

    Raises:
        TableError: as in `read_table` and `map_table`.
    """
    path = Path(path)
    if not path.is_dir():
        schema, rows = table_schema(path)
        if 4 * rows * schema.field("embedding").type.list_size <= LARGE:
            return read_table(path)
    return map_table(path)


def map_table(path: Path | str) -> MappedTable:
    """Map a table, or a folder of tables (``*.parquet``) that are parts of one, into memory.

    Their vectors are unpacked into the cache folder, once for the same content; they take two or
    four bytes a number there.

    Raises:
        TableError: no such table, parts that do not fit each other, a name that is missing, vectors
            that are not of length 1, or no room to unpack them; the message names the file.

    Taught in no notebook; ``python -m eumlib train`` takes large tables so.
    """
    path = Path(path)
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not parts:
        raise TableError(f"{path} holds no tables (*.parquet); write some there, or name a file")
    schemas = {part: table_schema(part) for part in parts}
    shape, dtype = _shape_and_dtype(schemas)
    rows, people = _rows_and_people(_read_names(parts))
    fingerprint = key_of("vectors 1", *map(str, shape), *_digests(parts))
    unpacked = home() / "vectors" / f"{fingerprint}.npy"
    if not unpacked.exists():
        try:
            with atomic_path(unpacked) as temporary, temporary.open("wb") as stream:
                _unpack(parts, stream, shape, dtype)
        except OSError as error:
            size = np.prod(shape) * dtype.itemsize / 1e9
            raise TableError(
                f"the vectors of {path} cannot be unpacked into {unpacked}: {error}; they take "
                f"{size:.1f} GB: make room, or name another folder with EUMLIB_HOME"
            ) from error
    file = mapped_file(unpacked)
    vectors = np.frombuffer(file, dtype, offset=len(file) - int(np.prod(shape)) * dtype.itemsize)
    return MappedTable(rows, people, MappedRows([vectors.reshape(shape)], file), fingerprint)


def _refuse_infinite(table: EmbeddingTable) -> None:
    finite = np.isfinite(table.vectors).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        seen = table.rows.iloc[row]
        raise TableError(
            f"{(~finite).sum()} embeddings are not finite; the first is row {row}, the "
            f"{seen['view']} view of {seen['image_id']}: embed these pictures again"
        )


def _shape_and_dtype(
    schemas: Mapping[Path, tuple[pa.Schema, int]],
) -> tuple[tuple[int, int], np.dtype]:
    kinds = {part: schema.field("embedding").type for part, (schema, _) in schemas.items()}
    first, *others = kinds
    for part in others:
        if kinds[part].list_size != kinds[first].list_size:
            raise TableError(
                f"{part} has embeddings of {kinds[part].list_size} numbers, and {first} of "
                f"{kinds[first].list_size}: parts of one table are of one recogniser"
            )
    halves = all(pa.types.is_float16(kind.value_type) for kind in kinds.values())
    rows = sum(count for _, count in schemas.values())
    return (rows, kinds[first].list_size), np.dtype(np.float16 if halves else np.float32)


def _read_names(parts: Sequence[Path]) -> dict[str, Coded]:
    columns = {}
    for name in NAMES:
        read = [
            pq.read_table(
                part, columns=[name], read_dictionary=[name], page_checksum_verification=True
            )
            for part in parts
        ]
        column = pa.concat_tables(read)[name].unify_dictionaries()
        if column.null_count:
            raise TableError(f"{column.null_count} rows of {parts[0].parent} have no {name}")
        codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
        names = column.chunk(0).dictionary.cast(pa.large_string())
        unknown = set(names.to_pylist()) - {UNMASKED, MASKED} if name == "view" else ()
        if unknown:
            raise TableError(
                f"{parts[0].parent}: no view is called {', '.join(sorted(unknown))}; there are "
                f"{UNMASKED} and {MASKED}"
            )
        columns[name] = codes, names if name != "image_id" else None  # millions, of no use
        del read, column, names
        pa.default_memory_pool().release_unused()
    return columns


def _rows_and_people(columns: dict[str, Coded]) -> tuple[pd.DataFrame, pa.Table]:
    of_person, people = _people(columns["face_set"], columns["identity"])
    rows = {"image_id": columns["image_id"][0], "person": of_person}
    for name in ("face_set", "view", "backbone"):
        codes, names = columns[name]
        rows[name] = pd.Categorical.from_codes(codes, names.to_pylist())
    return pd.DataFrame(rows, copy=False), people


def _people(face_set: Coded, identity: Coded) -> tuple[np.ndarray, pa.Table]:
    (sets, set_names), (identities, names) = face_set, identity
    both = sets.astype(np.int64) * len(names) + identities
    known, codes = np.unique(both, return_inverse=True)
    of_set, of_identity = np.divmod(known, len(names))
    people = pa.table({"face_set": set_names.take(of_set), "identity": names.take(of_identity)})
    order = pa.compute.array_sort_indices(names_of(people)).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[codes], people.take(order)


def names_of(people: pa.Table) -> pa.LargeStringArray:
    """Face set and identity of each: people of different sets are different."""
    slash = pa.scalar("/", pa.large_string())
    joined = pa.compute.binary_join_element_wise(people["face_set"], people["identity"], slash)
    return joined.combine_chunks()


def _digests(parts: Sequence[Path]) -> list[str]:
    digests = []
    with progress_bar(len(parts), "looking for changes", "file", delay=SECONDS_UNSEEN) as progress:
        for part in parts:
            digests.append(sha256_of(part))
            progress.update()
    return digests


def _unpack(
    parts: Sequence[Path], stream: BinaryIO, shape: tuple[int, int], dtype: np.dtype
) -> None:
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    with progress_bar(shape[0], "unpacking embeddings", "row", delay=SECONDS_UNSEEN) as progress:
        for part in parts:
            done = 0
            for packed in _packed_vectors(part):
                flat = packed.flatten().to_numpy(zero_copy_only=False)
                vectors = np.ascontiguousarray(flat, dtype).reshape(-1, shape[1])
                refuse_other_lengths(vectors, part, done)
                stream.write(vectors)
                done += len(vectors)
                progress.update(len(vectors))


def _packed_vectors(part: Path) -> Iterator[pa.FixedSizeListArray]:
    try:
        with pq.ParquetFile(
            part, pre_buffer=False, buffer_size=2**20, page_checksum_verification=True
        ) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=["embedding"]):
                if batch.column(0).null_count:
                    raise TableError(f"{part} has rows without an embedding: embed them again")
                yield batch.column(0)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{part} cannot be read to its end: {error}; make it anew") from error
