import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib._common.tensors import write_tensors
from eumlib.embeddings import mated_vectors
from eumlib.unmasking import (
    CentredUnmaskingModel,
    EmbeddingUnmaskingModel,
    LinearUnmaskingModel,
    ModelError,
    ResidualUnmaskingModel,
    Unmasker,
    unmask,
)


def test_unmasked_embeddings_have_unit_length_and_do_not_depend_on_their_batch():
    model = EmbeddingUnmaskingModel(8)
    vectors = np.random.default_rng(0).standard_normal((7, 8)).astype(np.float32)
    together = unmask(model.train(), vectors)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(7), abs=1e-6)
    one_by_one = np.concatenate([unmask(model, vectors[i : i + 1]) for i in range(7)])
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)


BUILDS = [EmbeddingUnmaskingModel, ResidualUnmaskingModel, LinearUnmaskingModel]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("centred", [False, True])
def test_a_saved_unmasker_comes_back_the_same(tmp_path, build, centred):
    inner = build(16)
    torch.nn.init.normal_(next(reversed(list(inner.parameters()))))
    model = CentredUnmaskingModel.around(inner, torch.randn(9, 16), 0.9) if centred else inner
    model(torch.randn(20, 16))  # moves the running statistics
    path = tmp_path / "folder" / "m.safetensors"
    Unmasker(model, "drawn_recogniser").save(path)
    loaded = Unmasker.load(path)
    x = torch.randn(3, 16)
    assert torch.equal(loaded.model(x), model.eval()(x))
    assert type(loaded.model) is type(model)
    assert not loaded.model.training
    assert loaded.backbone == "drawn_recogniser"


def test_embeddings_of_another_recogniser_are_refused():
    unmasker, x = Unmasker(EmbeddingUnmaskingModel(16), "arcface"), np.ones((2, 16), np.float32)
    with pytest.raises(ModelError, match="of arcface, and these are of drawn_recogniser"):
        unmasker.unmask(x, "drawn_recogniser")
    np.testing.assert_array_equal(unmasker.unmask(x, "arcface"), unmask(unmasker.model, x))


def test_files_that_are_no_model_are_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="python -m eumlib train"):
        Unmasker.load(tmp_path / "none.safetensors")
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"wrong\.safetensors is not a file of weights"):
        Unmasker.load(wrong)
    write_tensors(wrong, {"a": torch.ones(1)}, {"architecture": "EUM", "dim": "8"})
    with pytest.raises(ModelError, match=r"wrong\.safetensors does not hold"):
        Unmasker.load(wrong)


def test_the_linear_map_of_tables_is_that_of_their_mated_views():
    tables = drawn_table(), drawn_table(seed=3)
    masked, unmasked, _ = mated_vectors(*tables)
    given = map(torch.from_numpy, (masked, unmasked))
    unmasker = Unmasker.linear_map_of(*tables)
    assert unmasker.backbone == "drawn_recogniser"
    expected = unmask(LinearUnmaskingModel.fitted(*given), masked)
    np.testing.assert_array_equal(unmasker.unmask(masked, "drawn_recogniser"), expected)
