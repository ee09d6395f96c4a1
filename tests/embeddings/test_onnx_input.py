"""What networks want to be given, by small ones that normalise pixels in many ways, or do not."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_onnx import SIZE, constant, drawn_chips, expected, node, write

from eumlib.embeddings import BackboneError, OnnxBackbone
from eumlib.embeddings.onnx_input import mean_and_scale

# The first nodes of a graph, its initialisers, and the tensor that they end with.
NORMALISING = {
    "as MXNet writes it": (
        [
            node("Identity", "data", to="id"),
            node("Sub", "id", "mean", to="_minusscalar0"),
            node("Mul", "_minusscalar0", "factor", to="_mulscalar0"),
        ],
        [constant("mean", [127.5]), constant("factor", [1 / 127.5])],
        "_mulscalar0",
    ),
    "one number per channel": (
        [node("Sub", "data", "mean", to="a"), node("Div", "a", "scale", to="b")],
        [constant("mean", [[[127.5]]] * 3), constant("scale", [[[[127.5]]] * 3])],
        "b",
    ),
    "constant nodes": (
        [
            node("Constant", to="factor", value=constant("", 1 / 127.5)),
            node("Constant", to="one", value_float=-1.0),
            node("Identity", "one", to="other_one"),
            node("Mul", "factor", "data", to="a"),
            node("Add", "other_one", "a", to="b"),
        ],
        [],
        "b",
    ),
    "a batch normalisation": (
        [
            node(
                "BatchNormalization", "data", "one", "zero", "mean", "variance", to="a", epsilon=0.0
            )
        ],
        [
            constant("one", [1] * 3),
            constant("zero", [0] * 3),
            constant("mean", [127.5] * 3),
            constant("variance", [127.5**2] * 3),
        ],
        "a",
    ),
    "through other types and orders": (
        [
            helper.make_node("Cast", ["data"], ["double"], to=TensorProto.DOUBLE),
            helper.make_node("Cast", ["mean"], ["mean_double"], to=TensorProto.DOUBLE),
            node("Sub", "double", "mean_double", to="a"),
            helper.make_node("Cast", ["a"], ["single"], to=TensorProto.FLOAT),
            node("Transpose", "single", to="last", perm=[0, 2, 3, 1]),
            node("Div", "last", "mean", to="b"),
            node("Transpose", "b", to="c", perm=[0, 3, 1, 2]),
        ],
        [constant("mean", 127.5)],
        "c",
    ),
    "clipped, then halved": (
        [
            node("Clip", "data", "black", "white", to="a"),
            node("Div", "a", "half", to="b"),
            node("Sub", "b", "one", to="c"),
        ],
        [constant(n, v) for n, v in (("black", 0), ("white", 255), ("half", 127.5), ("one", 1))],
        "c",
    ),
    "channel by channel": (
        [
            helper.make_node("Split", ["data"], ["r", "g", "b"], axis=1),
            *(node("Sub", channel, "mean", to=f"{channel}0") for channel in "rgb"),
            node("Concat", "r0", "g0", "b0", to="all", axis=1),
            node("Div", "all", "mean", to="out"),
        ],
        [constant("mean", 127.5)],
        "out",
    ),
    "a constant that is computed": (
        [
            helper.make_node("Cast", ["whole"], ["twice"], to=TensorProto.FLOAT),
            node("Div", "twice", "two", to="half"),
            node("Unsqueeze", "half", "axes", to="wide"),
            node("Div", "data", "wide", to="a"),
            node("Sub", "a", "one", to="b"),
        ],
        [
            numpy_helper.from_array(np.array([255]), "whole"),
            numpy_helper.from_array(np.array([0, 1]), "axes"),
            constant("two", 2),
            constant("one", 1),
        ],
        "b",
    ),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "small.onnx"


@pytest.mark.parametrize("form", NORMALISING)
def test_pixels_that_the_graph_normalises_are_given_as_they_are(form, path):
    start, constants, last = NORMALISING[form]
    backbone = OnnxBackbone(write(path, start, constants, last=last))
    assert (backbone.mean, backbone.scale) == (0, 1)
    chips = drawn_chips(5)
    np.testing.assert_allclose(backbone.embed(chips), expected(chips), atol=1e-5)


@pytest.mark.parametrize(
    ("start", "constants", "last"),
    [
        ([], [], "data"),
        ([node("Identity", "data", to="id")], [], "id"),
        ([node("Mul", "data", "one", to="a")], [constant("one", 1)], "a"),
    ],
)
def test_other_graphs_are_given_pixels_normalised(start, constants, last, path):
    backbone = OnnxBackbone(write(path, start, constants, last=last))
    assert (backbone.mean, backbone.scale) == (127.5, 127.5)
    chips = drawn_chips(5)
    np.testing.assert_allclose(backbone.embed(chips), expected(chips), atol=1e-5)


def test_a_subtraction_behind_the_first_weights_is_no_normalisation(path):
    start = [
        node("Conv", "data", "kernel", to="Sub_0"),
        node("Sub", "Sub_0", "mean", to="a"),
        node("Mul", "a", "factor", to="b"),
    ]
    kernel = numpy_helper.from_array(np.eye(3, dtype=np.float32)[..., None, None], "kernel")
    constants = [kernel, constant("mean", 127.5), constant("factor", 1 / 128)]
    write(path, start, constants, last="b")
    assert mean_and_scale(path, (1, 3, SIZE, SIZE)) == (127.5, 127.5)


def test_an_input_that_two_nodes_use_is_not_followed(path):
    start = [
        node("Sub", "data", "mean", to="a"),
        node("Mul", "data", "factor", to="b"),
        node("Mul", "a", "b", to="c"),
    ]
    constants = [constant("mean", 127.5), constant("factor", 1 / 128)]
    backbone = OnnxBackbone(write(path, start, constants, last="c"))
    assert (backbone.mean, backbone.scale) == (127.5, 127.5)


@pytest.mark.parametrize(
    ("kind", "inputs", "value", "expected"),
    [
        ("Div", ["data", "c"], 255, (0, 1)),
        ("Div", ["data", "c"], [[[70]], [[80]], [[90]]], (0, 1)),
        ("Add", ["data", "c"], 0, (127.5, 127.5)),
        ("Mul", ["data", "c"], [[[1]], [[-1]], [[1]]], (127.5, 127.5)),
    ],
)
def test_what_arrives_at_the_first_weights_tells(kind, inputs, value, expected, path):
    write(path, [node(kind, *inputs, to="a")], [constant("c", value)], last="a")
    assert mean_and_scale(path, (1, 3, SIZE, SIZE)) == expected


@pytest.mark.parametrize(("kind", "value"), [("Sub", 100), ("Mul", 255), ("Div", 8)])
def test_halves_of_a_normalisation_are_refused(kind, value, path):
    write(path, [node(kind, "data", "c", to="a")], [constant("c", value)], last="a")
    with pytest.raises(BackboneError, match=r"small\.onnx begins by turning .* export it without"):
        mean_and_scale(path, (1, 3, SIZE, SIZE))


def test_a_learned_batch_normalisation_may_stretch_what_it_is_given(path):
    start = [node("BatchNormalization", "data", "one", "zero", "mean", "variance", to="a")]
    kinds = {"one": 1, "zero": 0, "mean": 0.2, "variance": 0.1}
    constants = [constant(name, [value] * 3) for name, value in kinds.items()]
    write(path, start, constants, last="a")
    assert mean_and_scale(path, (1, 3, SIZE, SIZE)) == (127.5, 127.5)


def test_a_graph_that_wants_neither_pixels_nor_unit_range_is_refused(path):
    """It expects 0 to 1, and stretches that to −1 to 1."""
    start = [node("Mul", "data", "two", to="a"), node("Sub", "a", "one", to="b")]
    write(path, start, [constant("two", 2), constant("one", 1)], last="b")
    with pytest.raises(BackboneError, match=r"0 to 255 into -1 to 509"):
        OnnxBackbone(path)
