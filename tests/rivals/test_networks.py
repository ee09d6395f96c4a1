import numpy as np
import pytest
import torch

from eumlib.embeddings import BackboneError, FeatureMaps, unit_length
from eumlib.rivals import NETWORK_SYSTEMS, Unchanged, embed_maps, read_network
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, Unmasker


@pytest.mark.parametrize("name", NETWORK_SYSTEMS)
def test_a_rival_comes_back_from_its_file_as_a_recogniser(name, pairs, recogniser, tmp_path):
    rival = NETWORK_SYSTEMS[name].begin(recogniser, pairs, seed=1).rival.eval()
    for weights in rival.parameters():  # as if something had been learnt
        weights.data.mul_(1.01)
    rival.save(tmp_path / "rival.safetensors")
    again = read_network(tmp_path / "rival.safetensors").backbone()
    assert again.name == f"mobilefacenet+{name}-{again.fingerprint[:6]}"
    chips = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    mine = rival.backbone()
    np.testing.assert_array_equal(mine.embed(chips), again.embed(chips))
    assert mine.fingerprint == again.fingerprint


def test_embeddings_of_maps_are_the_networks_of_unit_length(maps, recogniser):
    numbers = np.array([7, 0, 5])
    embeddings = embed_maps(Unchanged.of(recogniser), maps, numbers)
    with torch.inference_mode():
        late = recogniser.late_maps(torch.from_numpy(maps.maps[numbers]).float())
        expected = recogniser.pooled(late).numpy()
    np.testing.assert_allclose(embeddings, unit_length(expected), atol=1e-5)
    assert embed_maps(Unchanged.of(recogniser), maps, np.array([], int)).shape == (0, 192)


def test_maps_of_another_recogniser_are_refused(maps, recogniser):
    others = FeatureMaps(maps.rows, maps.maps, maps.chips, "another")
    with pytest.raises(BackboneError, match="maps of another recogniser"):
        embed_maps(Unchanged.of(recogniser), others, np.arange(2))


def test_a_file_of_the_other_kind_says_where_it_belongs(pairs, recogniser, tmp_path):
    eum, network = tmp_path / "eum.safetensors", tmp_path / "network.safetensors"
    Unmasker(EmbeddingUnmaskingModel(8), "drawn").save(eum)
    with pytest.raises(BackboneError, match=r"eum\.safetensors holds no recogniser.*--model"):
        read_network(eum)
    NETWORK_SYSTEMS["from"].begin(recogniser, pairs).rival.save(network)
    with pytest.raises(ModelError, match=r"network\.safetensors.*embed --backbone"):
        Unmasker.load(network)
    with pytest.raises(BackboneError, match=r"no file.*make a recogniser"):
        read_network(tmp_path / "none.safetensors")


def test_damaged_weights_are_named(recogniser, pairs, tmp_path):
    path = tmp_path / "cut.safetensors"
    NETWORK_SYSTEMS["from"].begin(recogniser, pairs).rival.save(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BackboneError, match=r"cut\.safetensors"):
        read_network(path)
