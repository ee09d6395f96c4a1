"""What an ONNX network wants to be given: pixels, or values around zero.

Some files normalise the pixels themselves, in whatever way their exporter writes that. So nothing
is read off the names of nodes: black and white pictures are sent through all that stands before the
first weights, and what arrives there tells.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from eumlib.embeddings.recogniser import BackboneError

if TYPE_CHECKING:
    import onnx
    import onnxruntime

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
LARGEST_NORMALISED = 4.0  # networks read values around zero: ±1, 0 to 1, or ±2.7 for ImageNet's
UNCHANGED = (0.5, 1.5)  # the farthest from zero of what was −1 to 1 and still is, about
LEARNED = (0.0, 16.0)  # the same, behind a learned batch normalisation, which may stretch it


def mean_and_scale(path: Path, shape: tuple[int, ...]) -> tuple[float, float]:
    """The network is to be given (x − mean) / scale, with pixels x from 0 to 255.

    Args:
        path: the ONNX file.
        shape: of its input, ``(N, 3, size, size)``.

    Returns:
        0 and 1 where the graph turns pixels into values around zero; 127.5 twice where it wants −1
        to 1.

    Raises:
        BackboneError: it does neither.
    """
    model = package("onnx").load(path, load_external_data=False)
    source = model.graph.input[0].name
    target = _first_weighted(model.graph, source)
    nodes = _ancestors(model.graph, target)
    session = open_session(_part(model, nodes, target, path.parent)) if nodes else None

    def reach(level: float) -> float:
        """Of the values that one level of grey becomes, the farthest from zero."""
        if session is None:
            return level
        (values,) = session.run(None, {source: np.full(shape, level, np.float32)})
        return float(values.flat[np.abs(values).argmax()])

    black, white = reach(0), reach(255)
    if max(abs(black), abs(white)) <= LARGEST_NORMALISED:
        return 0.0, 1.0
    low, high = reach(-1), reach(1)
    learned = any(node.op_type == "BatchNormalization" for node in nodes)
    least, most = LEARNED if learned else UNCHANGED
    if least < max(abs(low), abs(high)) <= most:
        return 127.5, 127.5
    raise BackboneError(
        f"{path.name} begins by turning the values 0 to 255 into {black:g} to {white:g}, and −1 to "
        f"1 into {low:g} to {high:g}, so it wants neither pixels nor values from −1 to 1; export "
        f"it without that step"
    )


def _first_weighted(graph: onnx.GraphProto, source: str) -> str:
    """What the first weighted node that hangs on the input is given; the input, if there is none.

    Nodes stand in an order in which they can be computed.
    """
    reached = {source}
    for node in graph.node:
        given = [name for name in node.input if name in reached]
        if given and node.op_type in WEIGHTED:
            return given[0]
        if given:
            reached.update(node.output)
    return source


def _ancestors(graph: onnx.GraphProto, target: str) -> list[onnx.NodeProto]:
    wanted, nodes = {target}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            nodes.append(node)
    return nodes[::-1]


def _part(model: onnx.ModelProto, nodes: list[onnx.NodeProto], target: str, folder: Path) -> bytes:
    onnx = package("onnx")
    used = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in model.graph.initializer if tensor.name in used]
    for tensor in constants:
        if tensor.external_data:
            onnx.external_data_helper.load_external_data_for_tensor(tensor, str(folder))
    output = onnx.helper.make_empty_tensor_value_info(target)
    graph = onnx.helper.make_graph(nodes, "start", model.graph.input[:1], [output], constants)
    part = onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    return part.SerializeToString()


def open_session(model: Path | bytes) -> onnxruntime.InferenceSession:
    """ONNX Runtime with a model, on the GPU where that can be used."""
    onnxruntime = package("onnxruntime")
    available = onnxruntime.get_available_providers()
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # files from MXNet bring a warning for every layer
    return onnxruntime.InferenceSession(
        model, options, providers=[name for name in wanted if name in available]
    )


def package(name: str) -> ModuleType:
    """A package that ONNX files need.

    Raises:
        BackboneError: it is missing; the message says what installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackboneError(
            f'ONNX files need the package {name}: pip install --editable ".[arcface]" ({error})'
        ) from error
