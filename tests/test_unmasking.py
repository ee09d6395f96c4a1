import numpy as np
import pytest
import torch

from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, load_model, save_model, unmask


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


def test_unmasked_embeddings_have_unit_length_and_do_not_depend_on_their_batch():
    model = EmbeddingUnmaskingModel(8)
    vectors = np.random.default_rng(0).standard_normal((7, 8)).astype(np.float32)
    together = unmask(model.train(), vectors)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(7), abs=1e-6)
    one_by_one = np.concatenate([unmask(model, vectors[i : i + 1]) for i in range(7)])
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)


def test_another_dimension_is_refused():
    with pytest.raises(ModelError, match="dimension 8, and these have 5"):
        unmask(EmbeddingUnmaskingModel(8), np.ones((2, 5), np.float32))
    with pytest.raises(ValueError, match=r"\(n, 8\), not \(2, 5\)"):
        EmbeddingUnmaskingModel(8)(torch.ones(2, 5))


def test_a_saved_model_comes_back_the_same(tmp_path):
    model = EmbeddingUnmaskingModel(8)
    model(torch.randn(20, 8))  # moves the running statistics
    save_model(model, tmp_path / "folder" / "m.safetensors")
    loaded = load_model(tmp_path / "folder" / "m.safetensors")
    x = torch.randn(3, 8)
    assert torch.equal(loaded(x), model.eval()(x))
    assert not loaded.training


def test_files_that_are_no_model_are_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="python -m eumlib train"):
        load_model(tmp_path / "none.safetensors")
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"wrong\.safetensors does not hold"):
        load_model(wrong)
