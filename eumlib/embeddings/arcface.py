"""ArcFace and its relatives, read from an ONNX file and run by ONNX Runtime.

They read chips of 112 × 112 that `eumlib.faces.align_five_points` cuts. No such file comes with
the workbook, though some are fetched by name (`eumlib.embeddings.named_onnx`); the licences of
those that are known are named when they are used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from eumlib._common.files import sha256_of
from eumlib.embeddings.onnx_input import mean_and_scale, open_session, package
from eumlib.embeddings.recogniser import BackboneError, embed_in_batches
from eumlib.embeddings.table import unit_length
from eumlib.faces import align_five_points

if TYPE_CHECKING:
    import onnx
    import onnxruntime

BATCH_SIZE = 64
RGB, BGR = (0, 1, 2), (2, 1, 0)
ALIKE = 0.999  # the least cosine of four pictures that have nothing in common

_INSIGHTFACE = (
    "a pretrained model of InsightFace, for non-commercial research only "
    "(https://github.com/deepinsight/insightface, python-package/README.md)"
)
_LICENCES = {  # by the name of the file, or of its folder
    "w600k_*": _INSIGHTFACE,
    "glint360k_*": _INSIGHTFACE,
    "glintr100*": _INSIGHTFACE,
    "ms1mv[23]_*": _INSIGHTFACE,
    "buffalo*": _INSIGHTFACE,
    "antelope*": _INSIGHTFACE,
    "arcfaceresnet100-*": "from the ONNX Model Zoo, Apache-2.0 (https://github.com/onnx/models)",
}


def licence_of(path: Path | str) -> str | None:
    """The licence of a known file of ArcFace weights, by its name or its folder's; None if unknown.

    >>> licence_of("models/buffalo_l/w600k_r50.onnx").split(",")[0]
    'a pretrained model of InsightFace'
    >>> licence_of("mine.onnx")
    """
    names = [Path(path).name.lower(), Path(path).resolve().parent.name.lower()]
    for name in names:
        for pattern, licence in _LICENCES.items():
            if fnmatch(name, pattern):
                return licence
    return None


def require_onnx() -> None:
    """Raise `BackboneError` with what to install where ONNX files cannot be run."""
    for name in ("onnxruntime", "onnx"):
        package(name)


@cache
def _announce(path: Path, licence: str | None) -> None:
    told = licence or "its licence is not known here; see where you got it"
    print(f"{path.name}: {told}", file=sys.stderr, flush=True)


class OnnxBackbone:
    """A recogniser in an ONNX file: chips ``(N, 3, size, size)`` to embeddings ``(N, dim)``.

    Files that normalise the pixels themselves, as InsightFace's older ones, are given 0 to 255; all
    others get (x − 127.5) / 127.5. `eumlib.embeddings.onnx_input` finds out which. The licence of
    the file is named on standard error, once a process.

    It runs on the GPU where onnxruntime-gpu is installed, else on as many threads as the machine
    has cores. Files for batches of a fixed size are given that many chips at a time.

    Args:
        path: the file.
        name: kept in the tables of embeddings; the file's name without ``.onnx`` if it is None.
        licence: of the weights; if it is None, what `licence_of` knows of the file.
        channels: what the network's three channels are, as numbers of red, green and blue.

    Attributes:
        mean, scale: the network is given (x − mean) / scale, with x from 0 to 255.
        fingerprint: SHA-256 of the file, and of files with weights that lie beside it; and a name
            and an order of channels that were given.
        licence: of the weights, None where it is not known.

    Raises:
        BackboneError: onnx or onnxruntime is missing, or the file is not such a recogniser.
    """

    def __init__(
        self,
        path: Path | str,
        name: str | None = None,
        licence: str | None = None,
        channels: Sequence[int] = RGB,
    ) -> None:
        path = Path(path).resolve()
        self._given = path, name, licence, channels
        if not path.is_file():
            raise BackboneError(f"no file {path}: give the path of an ONNX recogniser")
        self.name, self.licence = name or path.stem, licence or licence_of(path)
        self._path, self._channels = path, list(channels)
        self._session = _session(path)
        self._batch, self.chip_size = self._read_input()
        size = self.chip_size
        self.mean, self.scale = mean_and_scale(path, (self._batch or 1, 3, size, size))
        graph = package("onnx").load(path, load_external_data=False).graph
        hashes = [sha256_of(file) for file in (path, *_weights(graph, path))]
        given = [name] if name else []
        if tuple(channels) != RGB:
            given.append(str(self._channels))
        self.fingerprint = "+".join(hashes + given)
        self.align = partial(align_five_points, size=self.chip_size)
        self._output, self.dim = self._find_embedding()
        self._refuse_if_all_are_alike()
        _announce(path, self.licence)

    def __reduce__(self) -> tuple:
        """It travels as the name of its file: a session cannot, and loads anew."""
        return OnnxBackbone, self._given

    def embed(self, chips: np.ndarray) -> np.ndarray:
        """Embeddings of chips.

        Args:
            chips: ``(n, size, size, 3)`` RGB uint8; n may be 0.

        Returns:
            ``(n, dim)`` float32, as the network gives them: not normalised.

        Raises:
            ValueError, BackboneError: as in `eumlib.embeddings.embed_in_batches`, which says too
                how far the result depends on the grouping of chips.
        """
        return embed_in_batches(self, chips, self._batch or BATCH_SIZE, self._embed_batch)

    def _embed_batch(self, chips: np.ndarray) -> np.ndarray:
        missing = (self._batch or len(chips)) - len(chips)
        whole = np.pad(chips, [(0, missing), (0, 0), (0, 0), (0, 0)])
        return self._run(whole)[self._output][: len(chips)]

    def _run(self, chips: np.ndarray) -> list[np.ndarray]:
        ordered = chips[..., self._channels].transpose(0, 3, 1, 2)
        pixels = (ordered.astype(np.float32) - self.mean) / self.scale
        try:
            return self._session.run(None, {self._input: np.ascontiguousarray(pixels, np.float32)})
        except Exception as error:  # the errors of ONNX Runtime have no other base
            raise BackboneError(f"ONNX Runtime cannot run {self._path}: {error}") from error

    def _read_input(self) -> tuple[int | None, int]:
        """The fixed size of a batch, or None, and the size of the chips."""
        inputs = self._session.get_inputs()
        self._input = inputs[0].name
        match [(each.type, each.shape) for each in inputs]:
            case [("tensor(float)", [batch, 3, int(height), int(width)])] if height == width:
                return (batch if isinstance(batch, int) and batch > 0 else None), height
        given = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
        raise BackboneError(
            f"{self._path.name} reads {given}; expected one input tensor(float) [N, 3, size, size]"
        )

    def _find_embedding(self) -> tuple[int, int]:
        """Which output is the embedding, and its length.

        Some files say that they take any number of chips, and take one.
        """
        if self._batch is None:
            try:
                return self._embedding_among(self._run(_trial_chips(2, self.chip_size)), 2)
            except BackboneError:
                self._batch = 1
        return self._embedding_among(
            self._run(_trial_chips(self._batch, self.chip_size)), self._batch
        )

    def _embedding_among(self, results: list[np.ndarray], chips: int) -> tuple[int, int]:
        fitting = [
            number
            for number, result in enumerate(results)
            if result.dtype == np.float32 and result.ndim == 2 and len(result) == chips
        ]
        if len(fitting) != 1:
            given = ", ".join(f"{result.dtype} {result.shape}" for result in results)
            raise BackboneError(
                f"{self._path.name} gives {given} for {chips} chips; expected one output "
                f"float32 ({chips}, dim)"
            )
        return fitting[0], results[fitting[0]].shape[1]

    def _refuse_if_all_are_alike(self) -> None:
        """Pixels that are normalised twice, or not at all, leave nothing to tell faces apart by."""
        vectors = unit_length(self.embed(_trial_chips(4, self.chip_size)))
        alike = (vectors @ vectors.T)[np.triu_indices(4, k=1)].min()
        if alike > ALIKE:
            raise BackboneError(
                f"{self._path.name} embeds pictures that have nothing in common alike (cosine "
                f"{alike:.4f} or more), as networks do that normalise pixels within their first "
                f"weights: export it for input from −1 to 1"
            )


def _weights(graph: onnx.GraphProto, path: Path) -> list[Path]:
    """Files beside the ONNX file that hold weights of it."""
    places = {
        entry.value
        for tensor in graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path.parent / place for place in sorted(places)]


def _session(path: Path) -> onnxruntime.InferenceSession:
    package("onnxruntime")
    try:
        return open_session(path)
    except Exception as error:  # the errors of ONNX Runtime have no other base
        raise BackboneError(
            f"{path} is not an ONNX file that can be read ({error}); fetch or export it again"
        ) from error


def _trial_chips(count: int, size: int) -> np.ndarray:
    """``(count, size, size, 3)``: blots of colour from black to white, no two alike."""
    random = np.random.default_rng(0)
    blots = random.integers(0, 256, (count, 4, 4, 3), np.uint8)
    return np.stack([cv2.resize(each, (size, size)) for each in blots])
