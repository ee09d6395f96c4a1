import numpy as np
import pytest
import torch

from eumlib.unmasking import (
    CentredUnmaskingModel,
    EmbeddingUnmaskingModel,
    ModelError,
    ResidualUnmaskingModel,
    unmask,
)


@pytest.mark.parametrize(("dim", "parameters"), [(128, 67_072), (512, 1_054_720)])
def test_the_number_of_trainable_parameters_is_the_papers(dim, parameters):
    model = EmbeddingUnmaskingModel(dim)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == parameters


def test_forward_is_the_published_sequence_of_layers():
    model = EmbeddingUnmaskingModel(6).eval()
    generator = torch.Generator().manual_seed(0)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            drawn = torch.rand(value.shape, generator=generator) + 0.1
            value.copy_(drawn if "running_var" in name else drawn - 0.6)
    x = torch.randn(5, 6, generator=generator)
    linear = [layer for layer in model.layers if isinstance(layer, torch.nn.Linear)]
    norms = [layer for layer in model.layers if isinstance(layer, torch.nn.BatchNorm1d)]
    expected = x
    for step in range(4):
        expected = expected @ linear[step].weight.T + linear[step].bias
        norm = norms[step]
        expected = (expected - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps)
        expected = expected * norm.weight + norm.bias
        if step < 3:
            expected = torch.where(expected > 0, expected, 0.2 * expected)
    torch.testing.assert_close(model(x), expected)


def test_another_dimension_is_refused():
    with pytest.raises(ModelError, match="dimension 8, and these have 5"):
        unmask(EmbeddingUnmaskingModel(8), np.ones((2, 5), np.float32))
    with pytest.raises(ValueError, match=r"\(n, 8\), not \(2, 5\)"):
        EmbeddingUnmaskingModel(8)(torch.ones(2, 5))


def test_training_on_a_batch_of_one_is_a_clear_error():
    model = EmbeddingUnmaskingModel(8)
    with pytest.raises(ValueError, match="2 embeddings or more: batch norm"):
        model.train()(torch.ones(1, 8))
    assert model.eval()(torch.ones(1, 8)).shape == (1, 8)


def test_the_residual_model_starts_at_doing_nothing_and_adds_what_the_layers_say():
    model = ResidualUnmaskingModel(8)
    x = torch.randn(5, 8)
    assert torch.equal(model(x), x)
    torch.nn.init.ones_(model.layers[-1].weight)
    torch.testing.assert_close(model.eval()(x), x + model.layers(x))
    plain = EmbeddingUnmaskingModel(8)
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in plain.parameters())


def around_some_mean(inner, spread=0.3, reach=0.9):
    random = torch.Generator().manual_seed(0)
    faces = torch.randn(50, inner.dim, generator=random) * spread + 1
    return CentredUnmaskingModel.around(inner, faces, reach), faces


def test_the_centred_model_answers_from_the_mean_at_the_reach_of_the_faces():
    inner = ResidualUnmaskingModel(8)
    model, faces = around_some_mean(inner)
    mean = faces.mean(dim=0)
    distance = np.mean([float((face - mean).norm()) for face in faces])
    x = torch.randn(5, 8) + 1
    for given, answer in zip(x, model(x), strict=True):  # the inner model does nothing yet
        direction = (given - mean) / (given - mean).norm()
        torch.testing.assert_close(answer, mean + 0.9 * distance * direction)
    torch.nn.init.ones_(inner.layers[-1].weight)
    seen = (x - mean) / (x - mean).norm(dim=1, keepdim=True)
    moved = inner.eval()(seen)
    expected = mean + 0.9 * distance * moved / moved.norm(dim=1, keepdim=True)
    torch.testing.assert_close(model.eval()(x), expected)


def test_the_mean_is_not_trained_and_the_batch_of_one_is_still_refused():
    model, _ = around_some_mean(EmbeddingUnmaskingModel(8))
    plain = EmbeddingUnmaskingModel(8)
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in plain.parameters())
    with pytest.raises(ValueError, match="2 embeddings or more"):
        model.train()(torch.ones(1, 8))
