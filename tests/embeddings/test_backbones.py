import inspect
import pickle

import numpy as np
import pytest
import torch
from oracles import litert, litert_output
from torch import nn

from eumlib._common.fetching import fetch
from eumlib.embeddings import (
    Backbone,
    BackboneError,
    TorchBackbone,
    default_backbone,
    load_backbone,
)
from eumlib.faces import align_chip, align_five_points


@pytest.fixture(scope="module")
def seen(orl, finder):
    """The pictures of four people, and their landmarks."""
    pictures = [orl[number].read() for number in (0, 111, 222, 333)]
    return [(picture, finder.find(picture)) for picture in pictures]


@pytest.fixture(scope="module")
def chips(seen, backbone):
    return np.stack([backbone.align(*face) for face in seen])


@pytest.fixture(scope="module")
def dlib_chips(seen, dlib_backbone):
    return np.stack([dlib_backbone.align(*face) for face in seen])


def drawn_chips(count, size=20):
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)


def small_network(seed=0):
    """A convolution, one number per channel, dropout: what a recogniser of one's own may have."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout()
    )


def small_backbone(module=None, **options):
    options = {"name": "small", "align": align_five_points, "chip_size": 20, **options}
    return TorchBackbone(module=module or small_network(), **options)


class Means(nn.Module):
    """The mean of each channel of what comes in."""

    def forward(self, pixels):
        return pixels.mean(dim=(2, 3))


class Giving(nn.Module):
    """A module whose forward is a plain function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, pixels):
        return self.function(pixels)


def test_mobilefacenets_embeddings_agree_with_those_of_litert(chips, backbone):
    interpreter = litert(fetch("mobilefacenet.tflite"))
    expected = [litert_output(interpreter, np.float32((chip - 127.5) / 128)) for chip in chips]
    embeddings = backbone.embed(chips)
    assert embeddings.shape == (4, 192)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, rtol=0, atol=1e-4)


def test_mobilefacenets_chips_are_cut_by_five_points(backbone, orl_picture, orl_landmarks):
    chip = backbone.align(orl_picture, orl_landmarks)
    np.testing.assert_array_equal(chip, align_five_points(orl_picture, orl_landmarks, 112))
    assert (backbone.name, backbone.dim, backbone.chip_size) == ("mobilefacenet", 192, 112)


def test_dlibs_embeddings_agree_with_dlibs_own(dlib_chips, dlib_backbone, dlib_recogniser):
    expected = [np.array(dlib_recogniser.compute_face_descriptor(chip)) for chip in dlib_chips]
    embeddings = dlib_backbone.embed(dlib_chips)
    assert embeddings.shape == (4, 128)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, rtol=0, atol=1e-5)


def test_dlibs_chips_are_those_that_dlib_cuts(dlib_backbone, orl_picture, orl_landmarks):
    chip = dlib_backbone.align(orl_picture, orl_landmarks)
    np.testing.assert_array_equal(chip, align_chip(orl_picture, orl_landmarks, 150, 0.25))
    kept = dlib_backbone.name, dlib_backbone.dim, dlib_backbone.chip_size
    assert kept == ("dlib_resnet_v1", 128, 150)


@pytest.mark.parametrize(
    ("recogniser", "cut", "tolerance"),
    [("backbone", "chips", 6e-5), ("dlib_backbone", "dlib_chips", 1e-6)],  # 70 and 1.3 long
)
def test_a_batch_gives_what_its_chips_give_one_by_one(recogniser, cut, tolerance, request):
    backbone, chips = request.getfixturevalue(recogniser), request.getfixturevalue(cut)
    one_by_one = np.concatenate([backbone.embed(chip[None]) for chip in chips])
    np.testing.assert_allclose(backbone.embed(chips), one_by_one, rtol=0, atol=tolerance)


def test_equal_batches_give_equal_bits_in_one_call_and_in_two():
    chips, backbone = drawn_chips(16), small_backbone(batch_size=8)
    halves = [backbone.embed(chips[:8]), backbone.embed(chips[8:])]
    np.testing.assert_array_equal(backbone.embed(chips), np.concatenate(halves))


def test_the_module_gets_normalised_rgb_channels_first():
    chips = drawn_chips(3)
    backbone = small_backbone(Means(), mean=(10, 20, 30), scale=(2, 4, 8))
    expected = (chips.mean(axis=(1, 2)) - [10, 20, 30]) / [2, 4, 8]
    np.testing.assert_allclose(backbone.embed(chips), expected, rtol=1e-4)
    white = np.full((1, 20, 20, 3), 255, np.uint8)
    np.testing.assert_allclose(small_backbone(Means()).embed(white), [[1, 1, 1]])


def test_pixels_can_be_differentiated_and_give_what_chips_give():
    pooled = TorchBackbone("pooled", nn.Sequential(nn.AvgPool2d(4), nn.Flatten()), chip_size=8)
    chips = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    pixels = torch.from_numpy(chips).permute(0, 3, 1, 2).float().requires_grad_()
    embeddings = pooled.embed_pixels(pixels)
    assert (embeddings.detach().numpy() == pooled.embed(chips)).all()
    embeddings.sum().backward()
    assert pixels.grad.numpy() == pytest.approx(np.full((2, 3, 8, 8), 1 / 16 / 127.5))


def test_the_module_is_frozen_and_in_evaluation_mode():
    module, chips = small_network().train(), drawn_chips(5)
    backbone = small_backbone(module)
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert not any(part.training for part in module.modules())
    np.testing.assert_array_equal(backbone.embed(chips), backbone.embed(chips))


@pytest.mark.parametrize("dim", [1, 5, 512])
def test_the_length_of_an_embedding_is_found_by_trial(dim):
    backbone = small_backbone(nn.Sequential(Means(), nn.Linear(3, dim)))
    assert backbone.dim == dim
    assert backbone.embed(drawn_chips(2)).shape == (2, dim)
    assert backbone.embed(drawn_chips(0)).shape == (0, dim)


def test_half_precision_comes_back_as_float32():
    backbone = small_backbone(Giving(lambda pixels: pixels.mean(dim=(2, 3)).bfloat16()))
    assert backbone.embed(drawn_chips(2)).dtype == np.float32


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (lambda x: (x.mean(dim=(2, 3)), x), "a tuple"),
        (lambda x: {"embedding": x.mean(dim=(2, 3))}, "a dict"),
        (lambda x: x, r"a tensor \(1, 3, 20, 20\)"),
        (lambda x: x.mean(dim=(2, 3))[0], r"a tensor \(3,\)"),
    ],
)
def test_a_module_that_gives_something_else_is_refused(result, kind):
    with pytest.raises(BackboneError, match=rf"tensor \(1, dim\) for 1 chips, not {kind}"):
        small_backbone(Giving(result))


def test_a_module_that_gives_nan_is_refused_at_once():
    with pytest.raises(BackboneError, match="NaN"):
        small_backbone(Giving(lambda x: x.mean(dim=(2, 3)) * torch.nan))


def test_a_module_that_gives_nan_for_one_chip_is_refused_then():
    backbone = small_backbone(Giving(lambda x: 1 / (x.mean(dim=(2, 3)) + 1)))
    chips = drawn_chips(4)
    chips[2] = 0
    with pytest.raises(BackboneError, match="the first is chip 2"):
        backbone.embed(chips)


@pytest.mark.parametrize("options", [{"mean": (1, 2)}, {"scale": (1, 2, 3, 4)}])
def test_a_mean_or_scale_of_two_or_four_channels_is_refused(options):
    with pytest.raises(ValueError, match="one number or three"):
        small_backbone(**options)


def test_the_fingerprint_is_the_same_for_the_same_recogniser():
    assert small_backbone().fingerprint == small_backbone(batch_size=3).fingerprint
    moved = small_network().to(memory_format=torch.channels_last)
    assert small_backbone(moved).fingerprint == small_backbone().fingerprint
    assert small_backbone(mean=127.5).fingerprint == small_backbone().fingerprint


@pytest.mark.parametrize(
    "options",
    [
        {"module": small_network(seed=1)},
        {"module": nn.Sequential(*small_network()[:-1], nn.ReLU())},
        {"name": "other"},
        {"chip_size": 21},
        {"mean": 127},
        {"scale": 128},
        {"align": align_chip},
    ],
)
def test_the_fingerprint_changes_when_the_embeddings_would(options):
    assert small_backbone(**options).fingerprint != small_backbone().fingerprint


def test_the_alignment_travels_to_worker_processes(orl_picture, orl_landmarks):
    align = pickle.loads(pickle.dumps(small_backbone(chip_size=64).align))
    expected = align_five_points(orl_picture, orl_landmarks, size=64)
    np.testing.assert_array_equal(align(orl_picture, orl_landmarks), expected)


def test_the_backbone_has_what_the_protocol_asks_for(backbone):
    asked = {*Backbone.__annotations__, "align", "embed"}
    assert all(hasattr(backbone, name) for name in asked)
    called = inspect.signature(backbone.align).parameters
    assert list(called)[:2] == ["picture", "landmarks"]


def test_the_default_backbone_is_mobilefacenet():
    assert default_backbone() is load_backbone("mobilefacenet")


@pytest.mark.parametrize("name", ["mobilefacenet", "dlib_resnet_v1"])
def test_a_recogniser_is_loaded_once_and_by_name(name):
    assert load_backbone(name) is load_backbone(name)
    assert load_backbone(name).name == name


@pytest.mark.parametrize("name", ["facenet", "dlib_resnet_v2", "weights.pt", ""])
def test_an_unknown_recogniser_is_refused_with_what_there_is(name):
    with pytest.raises(BackboneError, match=r"mobilefacenet, dlib_resnet_v1.*\.onnx.*\[arcface\]"):
        load_backbone(name)


def test_an_onnx_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BackboneError, match=r"no file .*absent\.onnx"):
        load_backbone(tmp_path / "absent.onnx")


def test_a_module_travels_to_other_processes_by_way_of_the_cpu():
    there = TorchBackbone("mine", nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()))
    chips = np.arange(2 * 112 * 112 * 3, dtype=np.uint8).reshape(2, 112, 112, 3)
    arrived = pickle.loads(pickle.dumps(there))
    assert arrived.fingerprint == there.fingerprint
    np.testing.assert_array_equal(arrived.embed(chips), there.embed(chips))
    assert there.__getstate__()["module"] is not there.module
