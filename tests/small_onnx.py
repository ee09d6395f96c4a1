"""Small recognisers as ONNX files: the mean of each channel, times a matrix."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 12
FLOAT = TensorProto.FLOAT


def weights(dim=128):
    return np.random.default_rng(dim).standard_normal((3, dim)).astype(np.float32)


def expected(chips, dim=128):
    """The same recogniser in NumPy, on chips 0 to 255."""
    return ((chips.astype(float) - 127.5) / 127.5).mean(axis=(1, 2)) @ weights(dim)


def drawn_chips(count, size=SIZE):
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)


def constant(name, value):
    return numpy_helper.from_array(np.array(value, np.float32), name)


def write(
    path,
    start=(),
    constants=(),
    shape=("N", 3, SIZE, SIZE),
    dim=128,
    last="data",
    more_outputs=(),
    kind=FLOAT,
    inputs=(),
    end=(),
):
    """A recogniser of the `last` tensor that the `start` nodes give, as an ONNX file."""
    nodes = [
        *start,
        helper.make_node("GlobalAveragePool", [last], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        *end,
    ]
    graph = helper.make_graph(
        nodes,
        "recogniser",
        [helper.make_tensor_value_info("data", kind, shape), *inputs],
        [helper.make_tensor_value_info("embedding", FLOAT, (shape[0], dim)), *more_outputs],
        [numpy_helper.from_array(weights(dim), "weights"), *constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def node(kind, *inputs, to, **attributes):
    return helper.make_node(kind, list(inputs), [to], **attributes)
