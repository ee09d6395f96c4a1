"""The table of embeddings: a row a face view, the hub of everything that follows.

On disk it is one Parquet file. Faces that could not be acquired are kept beside the rows, in the
file's metadata, so that the failures to acquire (FTA) travel with the numbers they qualify.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eumlib.backbones import Backbone
from eumlib.faces import Face, FaceSet, UnreadablePictureError
from eumlib.files import DATA_FOLDER, atomic_path, home, key_of
from eumlib.landmarks import FaceNotFoundError, align_chip, landmark_finder
from eumlib.masks import Mask, MaskPlan, paint_mask
from eumlib.progress import progress_bar

UNMASKED, MASKED = "unmasked", "masked"
COLUMNS = ("image_id", "identity", "face_set", "view", "mask_shape", "mask_colour", "backbone")
FAILURE_COLUMNS = ("image_id", "identity", "face_set", "reason")
SYNTHETIC_TABLE = DATA_FOLDER / "synthetic_dlib_resnet_v1.parquet"
FACES_A_BATCH = 64
_METADATA_KEY = b"eumlib"
_EXTRACTION_VERSION = "2"  # part of every cache key; raise it when extraction changes its results


class TableError(ValueError):
    """A file or table of embeddings that cannot be used for what was asked."""


@dataclass(frozen=True)
class EmbeddingTable:
    """Embeddings and what they are of.

    Attributes:
        rows: a row a face view, with `COLUMNS`; unmasked views have no mask (missing values).
        vectors: ``(n, d)`` float32, row i for row i, of unit length.
        failures: a row a face that was not acquired, with `FAILURE_COLUMNS`.
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

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.vectors.shape[1]

    @property
    def attempts(self) -> int:
        """Faces that were tried: acquired or not."""
        return self.rows["image_id"].nunique() + len(self.failures)

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
        numbered = self.rows[["face_set", "image_id", "view"]].assign(row=np.arange(len(self)))
        masked = numbered[numbered["view"] == MASKED].drop(columns="view")
        unmasked = numbered[numbered["view"] == UNMASKED].drop(columns="view")
        both = masked.merge(unmasked, on=["face_set", "image_id"], suffixes=("_masked", ""))
        if both.empty:
            raise TableError("no picture in this table has both a masked and an unmasked view")
        return both["row_masked"].to_numpy(), both["row"].to_numpy()


@dataclass(frozen=True)
class PreparedFace:
    """A face ready for the recogniser, or the reason why it is not."""

    face: Face
    mask: Mask
    chips: np.ndarray | None
    reason: str | None


def prepare_face(face: Face, plan: MaskPlan, backbone: Backbone) -> PreparedFace:
    """Read, find, paint and align one face: chips ``(2, size, size, 3)``, unmasked then masked.

    Both chips are aligned with the landmarks of the unmasked picture, as in the paper. What fails
    is returned with its reason, never raised.
    """
    mask = plan.mask_for(face.image_id)
    try:
        picture = face.read()
        landmarks = landmark_finder().find(picture)
    except (UnreadablePictureError, FaceNotFoundError) as error:
        return PreparedFace(face, mask, None, str(error))
    views = (picture, paint_mask(picture, landmarks, mask))
    size, padding = backbone.chip_size, backbone.chip_padding
    chips = np.stack([align_chip(view, landmarks, size, padding) for view in views])
    return PreparedFace(face, mask, chips, None)


def extract(face_set: FaceSet, plan: MaskPlan, backbone: Backbone) -> EmbeddingTable:
    """Embed every face of the set twice, unmasked and with the mask that the plan gives it.

    Returns:
        Two rows a face, in the order of the set, embeddings scaled to unit length; faces that
        failed are in its ``failures``.

    Taught in notebook 03.
    """
    rows, vectors, failures = [], [np.empty((0, backbone.dim), np.float32)], []
    with progress_bar(len(face_set), f"embedding {face_set.name}", "face") as progress:
        for start in range(0, len(face_set), FACES_A_BATCH):
            chips = []
            for face in face_set.faces[start : start + FACES_A_BATCH]:
                prepared = prepare_face(face, plan, backbone)
                common = (face.image_id, face.identity, face_set.name)
                if prepared.chips is None:
                    failures.append((*common, prepared.reason))
                else:
                    mask = prepared.mask
                    rows.append((*common, UNMASKED, None, None, backbone.name))
                    rows.append((*common, MASKED, mask.shape, mask.hex_colour, backbone.name))
                    chips.append(prepared.chips)
                progress.update()
            if chips:
                vectors.append(unit_length(backbone.embed(np.concatenate(chips))))
    return EmbeddingTable(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        np.concatenate(vectors),
        pd.DataFrame(failures, columns=list(FAILURE_COLUMNS)),
    )


def extract_cached(face_set: FaceSet, plan: MaskPlan, backbone: Backbone) -> EmbeddingTable:
    """As `extract`, kept in the cache folder: the second call reads the file."""
    key = key_of(
        _EXTRACTION_VERSION, face_set.name, face_set.fingerprint, plan.describe(), backbone.name
    )
    path = home() / "tables" / f"{key}.parquet"
    if not path.exists():
        write_table(extract(face_set, plan, backbone), path)
    return read_table(path)


def synthetic_training_table() -> EmbeddingTable:
    """The table of synthetic faces, unmasked and masked, that ``data/README.md`` describes."""
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
    note = {"failures": table.failures.to_dict("records"), "unit_length": True}
    arrow = pa.table(columns).replace_schema_metadata({_METADATA_KEY: json.dumps(note).encode()})
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd", use_byte_stream_split=["embedding"])


def read_table(path: Path | str) -> EmbeddingTable:
    """Read a table of embeddings.

    Raises:
        TableError: no such file, or it is not a table of embeddings; the message says what misses.
    """
    try:
        arrow = pq.read_table(path)
    except FileNotFoundError:
        raise TableError(
            f"no table {path}; make it with: python -m eumlib embed --out {path}"
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} is not a Parquet file that can be read: {error}") from error
    missing = [name for name in (*COLUMNS, "embedding") if name not in arrow.column_names]
    if missing or not pa.types.is_fixed_size_list(arrow.schema.field("embedding").type):
        raise TableError(
            f"{path} is not a table of embeddings: it needs {', '.join(COLUMNS)} and embedding "
            f"(a fixed-size list); missing: {', '.join(missing) or 'the fixed size'}"
        )
    packed = arrow["embedding"].combine_chunks()
    vectors = packed.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    note = json.loads((arrow.schema.metadata or {}).get(_METADATA_KEY, b"{}"))
    return EmbeddingTable(
        arrow.select(COLUMNS).to_pandas(),
        vectors.reshape(len(arrow), packed.type.list_size),
        pd.DataFrame(note.get("failures", []), columns=list(FAILURE_COLUMNS)),
    )
