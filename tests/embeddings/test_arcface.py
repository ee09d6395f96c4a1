"""Files of the ArcFace family, by the small ones that `small_onnx` writes."""

import hashlib
import pickle
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_onnx import FLOAT, SIZE, constant, drawn_chips, expected, node, weights, write

from eumlib.embeddings import BackboneError, OnnxBackbone, load_backbone
from eumlib.embeddings.arcface import BGR, licence_of
from eumlib.faces import align_five_points


@pytest.fixture
def path(tmp_path):
    return tmp_path / "small.onnx"


def test_it_travels_to_other_processes(path):
    there = OnnxBackbone(write(path), name="small", channels=BGR)
    arrived = pickle.loads(pickle.dumps(there))
    assert (arrived.name, arrived.fingerprint) == (there.name, there.fingerprint)
    np.testing.assert_array_equal(arrived.embed(drawn_chips(3)), there.embed(drawn_chips(3)))


@pytest.mark.parametrize("batch", ["N", None, 1, 4])
@pytest.mark.parametrize("count", [0, 1, 4, 6])
def test_batches_of_any_and_of_fixed_size_give_the_same(batch, count, path):
    backbone = OnnxBackbone(write(path, shape=(batch, 3, SIZE, SIZE)))
    chips = drawn_chips(count)
    embeddings = backbone.embed(chips)
    assert embeddings.shape == (count, 128)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected(chips), atol=1e-5)


@pytest.mark.parametrize("dim", [128, 512])
def test_embeddings_of_any_length_come_through(dim, path):
    backbone = OnnxBackbone(write(path, dim=dim))
    assert backbone.dim == dim
    chips = drawn_chips(3)
    np.testing.assert_allclose(backbone.embed(chips), expected(chips, dim), atol=1e-5)


def test_chips_are_aligned_on_arcfaces_template(path, orl_picture, orl_landmarks):
    backbone = OnnxBackbone(write(path, shape=("N", 3, 112, 112)))
    assert backbone.chip_size == 112
    chip = backbone.align(orl_picture, orl_landmarks)
    np.testing.assert_array_equal(chip, align_five_points(orl_picture, orl_landmarks))
    assert backbone.embed(chip[None]).shape == (1, 128)


def test_of_several_outputs_the_one_of_two_dimensions_is_taken(path):
    pooled = helper.make_tensor_value_info("pooled", FLOAT, ("N", 3, 1, 1))
    backbone = OnnxBackbone(write(path, more_outputs=[pooled]))
    chips = drawn_chips(2)
    np.testing.assert_allclose(backbone.embed(chips), expected(chips), atol=1e-5)


def test_two_outputs_that_may_be_embeddings_are_refused(path):
    flat = helper.make_tensor_value_info("flat", FLOAT, ("N", 3))
    write(path, more_outputs=[flat])
    with pytest.raises(BackboneError, match=r"float32 \(1, 128\), float32 \(1, 3\).*expected one"):
        OnnxBackbone(path)


@pytest.mark.parametrize(
    ("shape", "first"),
    [
        (("N", 1, SIZE, SIZE), node("Concat", *["data"] * 3, to="a", axis=1)),
        (("N", 3, SIZE, SIZE + 1), node("Identity", "data", to="a")),
        (("N", 3, "H", "W"), node("Identity", "data", to="a")),
        (("N", SIZE, SIZE, 3), node("Transpose", "data", to="a", perm=[0, 3, 1, 2])),
    ],
)
def test_inputs_of_another_shape_are_refused(shape, first, path):
    write(path, [first], shape=shape, last="a")
    with pytest.raises(BackboneError, match=r"reads data .*expected one .*\[N, 3, size, size\]"):
        OnnxBackbone(path)


def test_inputs_of_another_type_are_refused(path):
    cast = helper.make_node("Cast", ["data"], ["a"], to=FLOAT)
    write(path, [cast], kind=TensorProto.UINT8, last="a")
    with pytest.raises(BackboneError, match=r"tensor\(uint8\).*expected one input"):
        OnnxBackbone(path)


def test_a_second_input_is_refused(path):
    second = helper.make_tensor_value_info("second", FLOAT, ("N", 128))
    write(
        path,
        inputs=[second],
        end=[node("Add", "embedding", "second", to="sum")],
        more_outputs=[helper.make_tensor_value_info("sum", FLOAT, ("N", 128))],
    )
    with pytest.raises(BackboneError, match=r"second .*expected one input"):
        OnnxBackbone(path)


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08" * 500])
def test_a_file_that_is_not_onnx_is_refused(content, path):
    path.write_bytes(content)
    with pytest.raises(BackboneError, match=r"small\.onnx is not an ONNX file"):
        OnnxBackbone(path)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_part_of_a_file_is_refused(share, path):
    content = write(path).read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BackboneError, match=r"small\.onnx .*fetch or export it again"):
        OnnxBackbone(path)


def test_a_network_that_gives_nan_is_refused(path):
    start = [node("Relu", "data", to="a"), node("Mul", "a", "nan", to="b")]
    write(path, start, [constant("nan", np.nan)], last="b")
    with pytest.raises(BackboneError, match=r"small.*nan"):
        OnnxBackbone(path)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_with_what_installs_it(package, path, monkeypatch):
    write(path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BackboneError, match=rf'{package}: pip install --editable "\.\[arcface\]"'):
        OnnxBackbone(path)


def test_chips_of_another_size_are_refused(path):
    with pytest.raises(ValueError, match=r"\(n, 12, 12, 3\), not \(2, 13, 13, 3\)"):
        OnnxBackbone(write(path)).embed(drawn_chips(2, size=13))


def test_the_fingerprint_is_the_sha256_of_the_file(path):
    backbone = OnnxBackbone(write(path))
    assert backbone.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()
    assert backbone.name == "small"


def test_channels_arrive_in_the_order_that_is_named(path):
    chips = drawn_chips(3)
    plain, turned = OnnxBackbone(write(path)), OnnxBackbone(path, channels=BGR)
    np.testing.assert_allclose(turned.embed(chips), expected(chips[..., ::-1]), atol=1e-5)
    np.testing.assert_allclose(plain.embed(chips), expected(chips), atol=1e-5)
    assert plain.fingerprint != turned.fingerprint


def test_a_name_and_a_licence_that_are_given_hold(path, capsys):
    backbone = OnnxBackbone(write(path), "mine", "to be asked for")
    assert (backbone.name, backbone.licence) == ("mine", "to be asked for")
    assert capsys.readouterr().err == "small.onnx: to be asked for\n"
    assert backbone.fingerprint != OnnxBackbone(path).fingerprint  # its tables have another name


def test_weights_in_a_file_beside_it_are_used_and_are_in_the_fingerprint(path):
    model = onnx.load(write(path))
    fingerprints = set()
    for factor in (1, 2):
        values = numpy_helper.from_array(factor * weights(), "weights")
        model.graph.initializer[0].CopyFrom(values)
        onnx.save(model, path, save_as_external_data=True, location="small.data", size_threshold=0)
        backbone, chips = OnnxBackbone(path), drawn_chips(2)
        np.testing.assert_allclose(backbone.embed(chips), factor * expected(chips), atol=1e-5)
        fingerprints.add(backbone.fingerprint)
        path.with_name("small.data").unlink()
    assert len(fingerprints) == 2


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("w600k_r50.onnx", "non-commercial research only"),
        ("W600K_MBF.onnx", "non-commercial research only"),
        ("glint360k_cosface_r100_fp16_0.1.onnx", "non-commercial research only"),
        ("antelopev2/recogniser.onnx", "non-commercial research only"),
        ("buffalo_l/recogniser.onnx", "non-commercial research only"),
        ("arcfaceresnet100-8.onnx", "Apache-2.0"),
        ("arcfaceresnet100-11-int8.onnx", "Apache-2.0"),
    ],
)
def test_the_licence_of_known_weights_is_named(place, words, tmp_path, capsys):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    backbone = OnnxBackbone(write(path))
    assert words in backbone.licence == licence_of(path)
    notice = capsys.readouterr().err
    assert notice.startswith(f"{path.name}: ")
    assert words in notice


def test_the_licence_of_other_weights_is_said_to_be_unknown(path, capsys):
    assert OnnxBackbone(write(path)).licence is None
    assert "not known" in capsys.readouterr().err


def test_the_licence_is_named_once(path, capsys):
    write(path)
    OnnxBackbone(path)
    OnnxBackbone(path)
    shown = capsys.readouterr()
    assert shown.err.count("small.onnx") == 1
    assert not shown.out


def test_a_backbone_is_loaded_by_its_path(path):
    backbone = load_backbone(str(write(path)))
    chips = drawn_chips(2)
    np.testing.assert_allclose(backbone.embed(chips), expected(chips), atol=1e-5)


def test_a_file_that_says_any_batch_and_takes_one_is_given_one_at_a_time(path):
    fold = [node("Reshape", "data", "one", to="a")]
    write(path, fold, [numpy_helper.from_array(np.array([1, 3, SIZE, SIZE]), "one")], last="a")
    chips = drawn_chips(5)
    np.testing.assert_allclose(OnnxBackbone(path).embed(chips), expected(chips), atol=1e-5)


def test_a_network_that_normalises_within_its_first_weights_is_refused(path):
    kernel = np.eye(3, dtype=np.float32)[..., None, None] / 127.5
    start = [node("Conv", "data", "kernel", "minus_one", to="a")]
    constants = [numpy_helper.from_array(kernel, "kernel"), constant("minus_one", [-1] * 3)]
    write(path, start, constants, last="a")
    with pytest.raises(BackboneError, match=r"small\.onnx embeds pictures .* alike \(cos"):
        OnnxBackbone(path)
