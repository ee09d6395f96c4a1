import copy

import numpy as np
import pytest
import torch

from eumlib._common.fetching import fetch
from eumlib.embeddings import DlibResNet
from eumlib.embeddings.dlib_resnet import DlibStream


@pytest.fixture(scope="module")
def network(dlib_backbone):
    return copy.deepcopy(dlib_backbone.module).cpu()


@pytest.fixture(scope="module")
def chips():
    """A black chip, a white one, and noise."""
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    return np.stack([np.zeros_like(noise), np.full_like(noise, 255), noise])


def as_pixels(chips):
    return torch.from_numpy(chips).permute(0, 3, 1, 2).float()


def test_embeddings_agree_with_dlibs_own(chips, network, dlib_recogniser):
    expected = [np.array(dlib_recogniser.compute_face_descriptor(chip)) for chip in chips]
    embeddings = network(as_pixels(chips))
    assert embeddings.shape == (3, 128)
    assert embeddings.dtype == torch.float32
    np.testing.assert_allclose(embeddings.numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 150, 150), (1, 150, 150, 3), (1, 3, 112, 112)])
def test_pixels_of_another_shape_are_refused_with_both_shapes(shape, network):
    with pytest.raises(ValueError, match=r"\(n, 3, 150, 150\)") as refusal:
        network(torch.zeros(shape))
    assert str(shape) in str(refusal.value)


def test_the_gradient_at_the_pixels_is_that_of_a_finite_difference(chips, network):
    network = copy.deepcopy(network).double()
    pixels = as_pixels(chips[2:]).double().requires_grad_()
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(128, generator=generator, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((network(pixels) @ weights).sum(), pixels)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
    direction, step = gradient / gradient.norm(), 1e-4
    with torch.no_grad():
        ahead = (network(pixels + step * direction) @ weights).item()
        behind = (network(pixels - step * direction) @ weights).item()
    assert (ahead - behind) / (2 * step) == pytest.approx(gradient.norm().item(), rel=1e-3)


def test_the_network_from_the_file_is_frozen():
    network = DlibResNet.from_dat(fetch("dlib_face_recognition_resnet_model_v1.dat"))
    parameters = list(network.parameters())
    assert len(parameters) == 29 * 2 + 1
    assert not any(parameter.requires_grad for parameter in parameters)
    assert not network.training


@pytest.mark.parametrize("content", [b"", b"not a network", bytes(range(256)) * 40])
def test_a_file_that_is_not_dlibs_is_refused(content, tmp_path):
    path = tmp_path / "network.dat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not dlib's ResNet"):
        DlibResNet.from_dat(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_part_of_dlibs_file_is_refused(share, tmp_path):
    content = fetch("dlib_face_recognition_resnet_model_v1.dat").read_bytes()
    path = tmp_path / "network.dat"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"network\.dat does not hold dlib's ResNet"):
        DlibResNet.from_dat(path)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\x01\x00", 0),
        (b"\x01\x05", 5),
        (b"\x01\xff", 255),
        (b"\x02\x00\x01", 256),
        (b"\x02\x34\x12", 0x1234),
        (b"\x04\x78\x56\x34\x12", 0x12345678),
        (b"\x81\x05", -5),
        (b"\x82\x01\x02", -513),
        (b"\x88\x00\x00\x00\x00\x00\x00\x00\x80", -(2**63)),
    ],
)
def test_an_integer_is_a_head_and_little_endian_bytes(content, value):
    assert DlibStream(content + b"\x77").read_integer() == value


def test_integers_are_read_one_behind_the_other():
    stream = DlibStream(b"\x01\x07\x82\x00\x01\x01\x09")
    assert [stream.read_integer() for _ in range(3)] == [7, -256, 9]


def integer(value):
    return bytes([1, value])


def tensor(*values, version=2):
    sizes = b"".join(integer(size) for size in (len(values), 1, 1, 1))
    return integer(version) + sizes + np.array(values, "<f4").tobytes()


def test_a_tensor_is_read_behind_the_name_of_its_layer():
    stream = DlibStream(
        b"head\x01\x05con_4" + tensor(1.5, -2) + b"\x01\x07affine_" + tensor(0.25) + b"tail"
    )
    stream.skip_to("con_4")
    assert stream.read_tensor().tolist() == [1.5, -2]
    stream.skip_to("affine_")
    assert stream.read_tensor().tolist() == [0.25]


def test_layers_are_found_from_front_to_back():
    stream = DlibStream(
        b"\x01\x05con_4" + tensor(1) + b"\x01\x05con_4" + tensor(2) + b"\x01\x04fc_2"
    )
    stream.skip_to("con_4")
    assert stream.read_tensor().item() == 1
    stream.skip_to("con_4")
    assert stream.read_tensor().item() == 2
    with pytest.raises(ValueError, match="'con_4'"):
        stream.skip_to("con_4")


def test_a_tensor_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version 1"):
        DlibStream(tensor(1, version=1)).read_tensor()


@pytest.mark.parametrize("content", [b"\x01\x05con_4", b"nothing of the kind"])
def test_a_file_that_ends_early_is_refused_by_name(tmp_path, content):
    (tmp_path / "short.dat").write_bytes(content)
    with pytest.raises(ValueError, match="dlib's ResNet"):
        DlibResNet.from_dat(tmp_path / "short.dat")
