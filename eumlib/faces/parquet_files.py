"""Pictures in Parquet files, a row each, read by row groups when they are asked for.

Such a file has a column of encoded pictures, bytes or Hugging Face's struct of ``bytes`` and
``path``, and a column that says who is on them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from sys import intern

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eumlib._common.texts import one_form
from eumlib.faces.decoding import UnreadablePictureError, decode_picture
from eumlib.faces.face_set import Face
from eumlib.faces.folders import FaceSetError

PICTURE_COLUMNS = ("image", "jpg", "jpeg", "png", "webp")
IDENTITY_COLUMNS = ("identity", "label", "cls")
MOST_BYTES_AT_ONCE = 1 << 30  # of a row group, which every process reads as a whole


@dataclass(frozen=True, slots=True)
class ParquetRow:
    """A picture in a Parquet file.

    Attributes:
        path: of the file.
        column: of the pictures, with dots on the way to its bytes.
        group: number of the row group.
        row: in the group.
        name: what errors call it.
    """

    path: str
    column: str
    group: int
    row: int
    name: str

    def __call__(self) -> np.ndarray:
        """The picture, as `eumlib.faces.read_picture` gives it.

        Raises:
            UnreadablePictureError: the bytes do not decode, or are missing.
            FaceSetError: the file has gone, or is damaged.
        """
        content = self.content()
        if not content:
            raise UnreadablePictureError(f"{self.name} has no bytes")
        return decode_picture(io.BytesIO(content), self.name)

    def content(self) -> bytes:
        """The picture's bytes, none where they are missing. FaceSetError: as above."""
        return _row_group(self.path, self.column, self.group)[self.row].as_py() or b""


def faces_of_parquet(path: Path) -> list[Face]:
    """The pictures in a Parquet file, row by row, with who is on them.

    Raises:
        FaceSetError: the file is damaged, has no such columns, or has row groups too large.
    """
    file = _opened(path)
    column = _picture_column(path, file.schema_arrow)
    identities = _identity_column(path, file.schema_arrow)
    _refuse_large_groups(path, file, column)
    faces: list[Face] = []
    place = str(path)
    for group in range(file.num_row_groups):
        told = _reading(path, group, lambda group=group: file.read_row_group(group, [identities]))
        for row, identity in enumerate(told.column(0).to_pylist()):
            image_id = f"{path.name}/{len(faces):06d}"
            if identity is None or identity == "":
                raise FaceSetError(f"{path}, row {len(faces)}: {identities} is missing")
            read = ParquetRow(place, column, group, row, image_id)
            person = intern(one_form(str(identity)))
            faces.append(Face(image_id, person, read, content=read.content))
    return faces


def _picture_column(path: Path, schema: pa.Schema) -> str:
    for name in PICTURE_COLUMNS:
        if name in schema.names:
            kind = schema.field(name).type
            if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
                name, kind = f"{name}.bytes", kind.field("bytes").type
            if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
                return name
    raise FaceSetError(
        f"{path} has no column of pictures, bytes in {', '.join(PICTURE_COLUMNS)}; it has "
        f"{', '.join(schema.names)}"
    )


def _identity_column(path: Path, schema: pa.Schema) -> str:
    for name in IDENTITY_COLUMNS:
        if name in schema.names:
            return name
    raise FaceSetError(
        f"{path} does not say who is on a picture, in {', '.join(IDENTITY_COLUMNS)}; it has "
        f"{', '.join(schema.names)}"
    )


def _refuse_large_groups(path: Path, file: pq.ParquetFile, column: str) -> None:
    for group in range(file.num_row_groups):
        chunks = file.metadata.row_group(group)
        size = sum(
            chunks.column(place).total_uncompressed_size
            for place in range(chunks.num_columns)
            if chunks.column(place).path_in_schema == column
        )
        if size > MOST_BYTES_AT_ONCE:
            raise FaceSetError(
                f"{path}: row group {group} has {size / 2**30:.1f} GB of pictures, which every "
                f"process would read at once; write it anew with row groups of some 100 rows"
            )


@lru_cache(maxsize=2)  # tasks of few faces come in the order of the rows
def _row_group(path: str, column: str, group: int) -> pa.ChunkedArray:
    def read() -> pa.Table:
        return _opened(Path(path)).read_row_group(group, [column], use_threads=False)

    table = _reading(Path(path), group, read)
    found = table.column(0)
    if pa.types.is_struct(found.type):
        return pa.chunked_array([chunk.field("bytes") for chunk in found.chunks])
    return found


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise FaceSetError(f"{path} is not a Parquet file that can be read: {error}") from error


def _reading(path: Path, group: int, read: Callable[[], pa.Table]) -> pa.Table:
    try:
        return read()
    except (pa.ArrowException, OSError) as error:
        raise FaceSetError(f"{path} is damaged in row group {group}: {error}") from error
