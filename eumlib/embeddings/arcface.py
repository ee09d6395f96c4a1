"""ArcFace and its relatives, read from an ONNX file and run by ONNX Runtime.

They read chips of 112 × 112 that `eumlib.faces.align_five_points` cuts. No such file comes with
the workbook, though some are fetched by name (`eumlib.embeddings.named_onnx`); the licences of
those that are known are named when they are used.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from eumlib._common.files import sha256_of
from eumlib.embeddings.recogniser import BackboneError, embed_in_batches
from eumlib.faces import align_five_points

if TYPE_CHECKING:
    import onnx
    import onnxruntime

BATCH_SIZE = 64
RGB, BGR = (0, 1, 2), (2, 1, 0)
LARGEST_INPUT = 4.0  # networks read values around zero: ±1, 0 to 1, or ±2.7 for ImageNet's

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
        _package(name)


@cache
def _announce(path: Path, licence: str | None) -> None:
    told = licence or "its licence is not known here; see where you got it"
    print(f"{path.name}: {told}", file=sys.stderr, flush=True)


class OnnxBackbone:
    """A recogniser in an ONNX file: chips ``(N, 3, size, size)`` to embeddings ``(N, dim)``.

    Files exported from MXNet, as InsightFace's older ones, normalise the pixels in the graph and
    are given 0 to 255; all others get (x − 127.5) / 127.5. Which one it is, `leading_range` reads
    from the graph. The licence of the file is named on standard error, once a process.

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
        graph = _package("onnx").load(path, load_external_data=False).graph
        black, white = leading_range(graph, self._input)
        if (black, white) == (0, 255):
            self.mean = self.scale = 127.5
        elif max(abs(black), abs(white)) <= LARGEST_INPUT:
            self.mean, self.scale = 0.0, 1.0
        else:
            raise BackboneError(
                f"{path.name} begins by turning the values 0 to 255 into {black:g} to {white:g}, "
                f"so it wants neither pixels nor values from −1 to 1; export it without that step"
            )
        hashes = [sha256_of(file) for file in (path, *_weights(graph, path))]
        given = [name] if name else []
        if tuple(channels) != RGB:
            given.append(str(self._channels))
        self.fingerprint = "+".join(hashes + given)
        self.align = partial(align_five_points, size=self.chip_size)
        trial = np.full((self._batch or 1, self.chip_size, self.chip_size, 3), 127, np.uint8)
        self._output, self.dim = self._find_embedding(trial)
        self.embed(trial)
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

    def _find_embedding(self, chips: np.ndarray) -> tuple[int, int]:
        """Which output is the embedding, and its length."""
        results = self._run(chips)
        fitting = [
            number
            for number, result in enumerate(results)
            if result.dtype == np.float32 and result.ndim == 2 and len(result) == len(chips)
        ]
        if len(fitting) != 1:
            given = ", ".join(f"{result.dtype} {result.shape}" for result in results)
            raise BackboneError(
                f"{self._path.name} gives {given} for {len(chips)} chips; expected one output "
                f"float32 ({len(chips)}, dim)"
            )
        return fitting[0], results[fitting[0]].shape[1]


def leading_range(graph: onnx.GraphProto, name: str) -> tuple[float, float]:
    """What the first nodes of a graph make of the values 0 and 255 of its input.

    The tensor is followed from the input as long as exactly one node uses it, and that node is
    Identity, or Sub, Add, Mul or Div with a constant: an initialiser or a Constant node, directly
    or through Identity nodes; one number, or one a channel. Anything else ends the walk, as the
    first convolution does. A graph that starts with no such node gives (0, 255).

    Args:
        graph: of an ONNX model.
        name: of its input.

    Returns:
        The values farthest from zero of the channels, as 0 and as 255 arrive.
    """
    operations = {"Sub": np.subtract, "Add": np.add, "Mul": np.multiply, "Div": np.divide}
    values = np.array([0.0, 255.0]).reshape(2, 1, 1, 1)
    while len(users := [node for node in graph.node if name in node.input]) == 1:
        (node,) = users
        if node.op_type in operations:
            constants = [None if used == name else _constant(graph, used) for used in node.input]
            reciprocal = node.op_type == "Div" and node.input[1] == name
            if sum(constant is None for constant in constants) != 1 or reciprocal:
                break
            operands = [values if constant is None else constant for constant in constants]
            values = operations[node.op_type](*operands)
        elif node.op_type != "Identity":
            break
        name = node.output[0]
    black, white = (each.flat[np.abs(each).argmax()] for each in values)
    return float(black), float(white)


def _constant(graph: onnx.GraphProto, name: str) -> np.ndarray | None:
    """The constant of this name, or None: the name is computed, or not in the graph."""
    onnx = _package("onnx")
    for tensor in graph.initializer:
        if tensor.name == name:
            return onnx.numpy_helper.to_array(tensor).astype(float)
    for node in graph.node:
        if name in node.output and node.op_type == "Identity":
            return _constant(graph, node.input[0])
        if name in node.output and node.op_type == "Constant":
            value = onnx.helper.get_attribute_value(node.attribute[0])
            if node.attribute[0].name == "value":
                value = onnx.numpy_helper.to_array(value)
            return np.array(value, dtype=float)
    return None


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
    onnxruntime = _package("onnxruntime")
    available = onnxruntime.get_available_providers()
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # files from MXNet bring a warning for every layer
    try:
        return onnxruntime.InferenceSession(
            path, options, providers=[name for name in wanted if name in available]
        )
    except Exception as error:  # the errors of ONNX Runtime have no other base
        raise BackboneError(
            f"{path} is not an ONNX file that can be read ({error}); fetch or export it again"
        ) from error


def _package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackboneError(
            f'ONNX files need the package {name}: pip install "eumlib[arcface]" ({error})'
        ) from error
