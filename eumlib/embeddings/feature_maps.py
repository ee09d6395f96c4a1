"""The table of feature maps: what the recogniser makes of each face view before it pools it.

A rival that reaches into the network is trained on these, so that the front of the network,
which stays as it is, looks at each chip once. On disk the table is one Arrow file, in half
precision; it is mapped into memory, so that a training touches only the rows that it takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from eumlib._common.files import atomic_path
from eumlib._common.threads import torch_threads
from eumlib.embeddings.acquisition import AcquiredView
from eumlib.embeddings.backbones import TorchBackbone
from eumlib.embeddings.extraction import Extraction, ExtractionError
from eumlib.embeddings.mapped_rows import MappedRows, mapped_file
from eumlib.embeddings.mobilefacenet import MobileFaceNet
from eumlib.embeddings.recogniser import BackboneError
from eumlib.embeddings.table import COLUMNS, TableError
from eumlib.masks import STYLES, style_of

CHIP_SIZE = 64  # of the chips kept beside the maps
VIEWS_A_BATCH = 256
_METADATA_KEY = b"eumlib"
_Row = tuple[tuple[str | None, ...], np.ndarray]


@dataclass(frozen=True)
class FeatureMaps:
    """Feature maps and what they are of.

    Attributes:
        rows: one row per face view, as in `eumlib.embeddings.EmbeddingTable`.
        maps: row i for row i, ``(128, 14, 14)`` float16, as `MobileFaceNet.early_maps` gives them.
        chips: row i for row i, the chip in ``(64, 64, 3)`` RGB uint8.
        fingerprint: of the recogniser whose maps they are.
    """

    rows: pd.DataFrame
    maps: MappedRows
    chips: MappedRows
    fingerprint: str

    def __len__(self) -> int:
        return len(self.rows)

    def let_go(self) -> None:
        """Give back the memory of the rows that were read; they are read again when asked for."""
        self.maps.let_go()

    def check_recogniser(self, backbone: TorchBackbone) -> None:
        """Refuse the maps of another recogniser.

        Raises:
            BackboneError: they are.
        """
        if backbone.fingerprint != self.fingerprint:
            raise BackboneError(
                f"these are maps of another recogniser or of other weights than {backbone.name}'s "
                f"here: make them anew with: python -m eumlib features"
            )


def write_feature_maps(
    extraction: Extraction, path: Path | str, styles: Sequence[str] = STYLES
) -> None:
    """Acquire every face of an extraction, and write the maps of its views, atomically.

    Views that could not be acquired have no row.

    Args:
        extraction: what to look at, by `eumlib.embeddings.default_backbone`.
        path: the Arrow file to write; 62 kB a view.
        styles: of masks; masked views in others are acquired, so that each face has the masks that
            a table of embeddings has, and left out. Masks that were worn are kept.

    Raises:
        BackboneError: the recogniser is no MobileFaceNet.
        ExtractionError: as in `Extraction.run`, or no face was acquired.

    Taught in notebook 15.
    """
    backbone = extraction.backbone
    network = getattr(backbone, "module", None)
    if not isinstance(network, MobileFaceNet):
        raise BackboneError(f"feature maps are MobileFaceNet's, and {backbone.name} is another")
    chip = pa.binary(CHIP_SIZE * CHIP_SIZE * 3)
    maps = pa.list_(pa.float16(), int(np.prod(network.early_shape)))
    fields = [*((name, pa.string()) for name in COLUMNS), ("map", maps), ("chip", chip)]
    note = {"fingerprint": backbone.fingerprint, "shape": network.early_shape}
    schema = pa.schema(fields, {_METADATA_KEY: json.dumps(note).encode()})
    with atomic_path(path) as temporary, pa.ipc.new_file(str(temporary), schema) as writer:
        views = _views(extraction, styles)
        batch = list(islice(views, VIEWS_A_BATCH))
        if not batch:
            raise ExtractionError(f"none of the {len(extraction.face_set)} faces was acquired")
        while batch:
            rows, chips = zip(*batch, strict=True)
            flat = early_maps(backbone, np.stack(chips)).ravel()
            small = [cv2.resize(c, (CHIP_SIZE,) * 2, interpolation=cv2.INTER_AREA) for c in chips]
            columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            columns.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), maps.list_size))
            columns.append(pa.array([one.tobytes() for one in small], chip))
            writer.write_batch(pa.record_batch(columns, schema=schema))
            batch = list(islice(views, VIEWS_A_BATCH))


def _views(extraction: Extraction, styles: Sequence[str]) -> Iterator[_Row]:
    for face, outcomes in extraction.attempts():
        for outcome in outcomes:
            mask = outcome.view.mask
            if isinstance(outcome, AcquiredView) and (not mask or style_of(mask.shape) in styles):
                yield extraction.row_of(face, outcome), outcome.chip


def early_maps(backbone: TorchBackbone, chips: np.ndarray) -> np.ndarray:
    """Chips ``(n, 112, 112, 3)`` RGB uint8 to early maps ``(n, 128, 14, 14)`` float16."""
    maps = np.empty((len(chips), *backbone.module.early_shape), np.float16)
    with torch.inference_mode(), torch_threads(1):  # worker processes have the other cores
        for start in range(0, len(chips), backbone.batch_size):
            few = np.s_[start : start + backbone.batch_size]
            maps[few] = backbone.module.early_maps(backbone.pixels(chips[few])).cpu().numpy()
    return maps


def read_feature_maps(path: Path | str) -> FeatureMaps:
    """Map a file of feature maps into memory.

    Raises:
        TableError: no such file, one that was cut short, or something else.
    """
    remedy = f"make it with: python -m eumlib features --out {Path(path).with_suffix('.arrow')}"
    if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for
        raise TableError(f"{path} is not a file of feature maps; {remedy}")
    try:
        file = mapped_file(path)
        reader = pa.ipc.open_file(pa.py_buffer(file))
        note = json.loads((reader.schema.metadata or {})[_METADATA_KEY])
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        rows = pa.Table.from_batches([batch.select(COLUMNS) for batch in batches]).to_pandas()
        maps = [_block(batch["map"].flatten(), np.float16, note["shape"]) for batch in batches]
        chips = [_block(batch["chip"], np.uint8, (CHIP_SIZE, CHIP_SIZE, 3)) for batch in batches]
        return FeatureMaps(rows, MappedRows(maps, file), MappedRows(chips), note["fingerprint"])
    except FileNotFoundError:
        raise TableError(f"no feature maps {path}; {remedy}") from None
    except (pa.ArrowInvalid, KeyError, ValueError, IndexError) as error:
        raise TableError(
            f"{path} does not hold feature maps, or was cut short: {error}; {remedy}"
        ) from error


def _block(packed: pa.Array, dtype: type, shape: Sequence[int]) -> np.ndarray:
    values = np.frombuffer(packed.buffers()[1], dtype)
    start = packed.offset * (1 if dtype is np.float16 else int(np.prod(shape)))
    return values[start:].reshape(-1, *shape)
