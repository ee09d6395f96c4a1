import pytest
import torch

from eumlib._common.device import DeviceError, available_device, check_device


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_the_gpu_is_taken_where_there_is_one(monkeypatch, there, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert available_device() == device


def test_a_device_that_computes_is_let_pass():
    check_device(available_device())


@pytest.mark.parametrize("name", ["warp", "meta", "cuda:99", ""])
def test_a_device_that_does_not_compute_is_said_in_a_line(name):
    with pytest.raises(DeviceError) as error:
        check_device(name)
    assert repr(name) in str(error.value)
    assert "\n" not in str(error.value)
