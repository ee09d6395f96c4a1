import copy

import numpy as np
import pytest
import torch
from oracles import litert, litert_output

from eumlib._common.fetching import fetch
from eumlib.embeddings import MobileFaceNet
from eumlib.embeddings.mobilefacenet import SameConvolution


@pytest.fixture(scope="module")
def path():
    return fetch("mobilefacenet.tflite")


@pytest.fixture(scope="module")
def network(path):
    return MobileFaceNet.from_tflite(path)


@pytest.fixture(scope="module")
def pixels():
    """A black chip, a white one, and noise, as the network takes them."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 112, 112, 3))
    chips = np.concatenate([np.zeros((1, 112, 112, 3)), np.full((1, 112, 112, 3), 255), noise])
    return ((chips - 127.5) / 128).astype(np.float32)


def as_tensor(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def test_embeddings_agree_with_those_of_litert(path, network, pixels):
    interpreter = litert(path)
    expected = [litert_output(interpreter, chip) for chip in pixels]
    embeddings = network(as_tensor(pixels))
    assert embeddings.shape == (6, 192)
    assert embeddings.dtype == torch.float32
    np.testing.assert_allclose(embeddings.numpy(), expected, rtol=0, atol=1e-4)


def test_it_is_frozen_and_as_large_as_published(network):
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert 1.2e6 < sum(parameter.numel() for parameter in network.parameters()) < 1.4e6


def test_the_gradient_at_the_pixels_is_that_of_a_finite_difference(network, pixels):
    network = copy.deepcopy(network).double()
    chips = as_tensor(pixels[2:3]).double().requires_grad_()
    weights = torch.randn(192, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((network(chips) @ weights).sum(), chips)
    assert gradient.abs().max() > 0
    direction, step = gradient / gradient.norm(), 1e-5
    with torch.no_grad():
        ahead = (network(chips + step * direction) @ weights).item()
        behind = (network(chips - step * direction) @ weights).item()
    assert (ahead - behind) / (2 * step) == pytest.approx(gradient.norm().item(), rel=1e-3)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_padded_as_tensorflow_does(stride):
    layer = SameConvolution(1, 1, stride).requires_grad_(False)
    picture = torch.arange(36.0).reshape(1, 1, 6, 6)
    shown = layer(picture)[0, 0]
    before = 1 if stride == 1 else 0  # what SAME leaves for the left and above
    for row in range(len(shown)):
        for column in range(len(shown)):
            total = layer.bias.item()
            for i in range(3):
                for j in range(3):
                    y, x = row * stride + i - before, column * stride + j - before
                    if 0 <= y < 6 and 0 <= x < 6:
                        total += layer.weight[0, 0, i, j].item() * picture[0, 0, y, x].item()
            assert shown[row, column].item() == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("shape", [(3, 112, 112), (1, 112, 112, 3), (1, 3, 150, 150)])
def test_pixels_of_another_shape_are_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"\(n, 3, 112, 112\)") as refusal:
        MobileFaceNet()(torch.zeros(shape))
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize("damage", ["cut short", "empty", "text", "flipped offsets"])
def test_another_file_is_refused_by_its_name(damage, path, tmp_path):
    content = path.read_bytes()
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(
        {
            "cut short": content[: len(content) // 2],
            "empty": b"",
            "text": b"not a network" * 100,
            "flipped offsets": bytes(255 - byte for byte in content[:4096]) + content[4096:],
        }[damage]
    )
    with pytest.raises(ValueError, match=r"damaged\.tflite does not hold this MobileFaceNet"):
        MobileFaceNet.from_tflite(damaged)
