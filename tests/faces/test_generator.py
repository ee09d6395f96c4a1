import numpy as np
import pytest
import torch
from torch.nn import functional

from eumlib._common.fetching import fetch
from eumlib.faces import FaceGenerator, generate_face
from eumlib.faces.generator import load_generator


@pytest.fixture(scope="module")
def weights():
    path = fetch("face_generator.tar")
    return torch.load(path, map_location="cpu", weights_only=True)["netG_state_dict"]


def slow_generator(weights, latent):
    """The five up-convolutions, written out from the file's tensors."""
    x = latent.reshape(-1, 100, 1, 1)
    for layer in (0, 3, 6, 9, 12):
        stride, padding = (1, 0) if layer == 0 else (2, 1)
        kernel = weights[f"main.{layer}.weight"]
        x = functional.conv_transpose2d(x, kernel, stride=stride, padding=padding)
        if layer == 12:
            return torch.tanh(x)
        mean, variance, gain, offset = (
            weights[f"main.{layer + 1}.{name}"][:, None, None]
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        x = ((x - mean) / torch.sqrt(variance + 1e-5) * gain + offset).clamp(min=0)


def latent_of(index, seed):
    return torch.from_numpy(np.random.default_rng([seed, index]).standard_normal((1, 100))).float()


def test_the_generator_agrees_with_its_layers_written_out(weights):
    latent = torch.cat([latent_of(index, seed=5) for index in range(3)])
    with torch.inference_mode():
        pictures = load_generator()(latent)
    assert pictures.shape == (3, 3, 64, 64)
    torch.testing.assert_close(pictures, slow_generator(weights, latent), atol=1e-4, rtol=0)


def test_the_generator_is_in_evaluation_mode():
    assert not any(module.training for module in load_generator().modules())


def test_an_untrained_generator_gives_values_from_minus_one_to_one():
    torch.manual_seed(0)
    pictures = FaceGenerator()(3 * torch.randn(2, 100))
    assert pictures.shape == (2, 3, 64, 64)
    assert pictures.abs().max() <= 1
    assert pictures.std() > 0


def test_a_face_is_the_generators_picture_enlarged_three_times(weights):
    face = generate_face(7, seed=2)
    assert face.shape == (288, 288, 3)
    assert face.dtype == np.uint8
    # Enlarging by three keeps each pixel in the middle of its 3×3 block.
    middles = face[48:-48, 48:-48][1::3, 1::3].astype(int)
    picture = slow_generator(weights, latent_of(7, seed=2))[0].permute(1, 2, 0).numpy()
    assert np.abs(middles - (picture + 1) * 127.5).max() <= 1


def test_the_border_repeats_the_edge_of_the_face():
    face = generate_face(0)
    for depth in range(48):
        np.testing.assert_array_equal(face[depth, 48:-48], face[48, 48:-48])
        np.testing.assert_array_equal(face[-1 - depth, 48:-48], face[-49, 48:-48])
        np.testing.assert_array_equal(face[:, depth], face[:, 48])
        np.testing.assert_array_equal(face[:, -1 - depth], face[:, -49])


def test_a_face_depends_on_its_two_numbers_alone():
    forwards = [generate_face(index, seed=3) for index in range(4)]
    backwards = [generate_face(index, seed=3) for index in reversed(range(4))]
    for one, other in zip(forwards, reversed(backwards), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_numbers_give_other_faces():
    faces = [generate_face(index, seed) for index, seed in [(0, 0), (1, 0), (0, 1), (1, 1)]]
    for number, face in enumerate(faces):
        for other in faces[:number]:
            assert np.abs(face.astype(int) - other).mean() > 5
