import torch

from eumlib.rivals import NETWORK_SYSTEMS


def test_each_begins_with_the_recogniser_and_the_seeds_weights(pairs, recogniser):
    for name, system in NETWORK_SYSTEMS.items():
        assert system.rival.architecture == name
        one, other, third = (
            system.begin(recogniser, pairs, seed=seed).rival.state_dict() for seed in (1, 1, 2)
        )
        assert all(torch.equal(one[key], other[key]) for key in one)
        for key, values in recogniser.state_dict().items():
            assert torch.equal(one[f"recogniser.{key}"], values)
        if name != "maskinv_network":
            assert not all(torch.equal(one[key], third[key]) for key in one)
