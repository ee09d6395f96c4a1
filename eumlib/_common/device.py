"""Where PyTorch computes: on the GPU where there is one, or where it is told to."""

from __future__ import annotations

import torch

from eumlib._common.errors import EumlibError, shortened


class DeviceError(EumlibError, RuntimeError):
    """A device on which PyTorch cannot compute here, or whose memory is full."""


def available_device() -> str:
    """``"cuda"`` where there is one, else ``"cpu"``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(name: str) -> None:
    """Try to compute on a device.

    Raises:
        DeviceError: PyTorch knows no such device, or there is none here.
    """
    try:
        int(torch.zeros(1, device=name).sum())
    except (RuntimeError, AssertionError) as error:  # the latter without any code for it
        raise DeviceError(
            f"PyTorch cannot compute on the device {name!r} here "
            f"({shortened(str(error).partition(chr(10))[0], 200)}): name one that is there (cuda "
            "takes a GPU and a PyTorch built for it), or none"
        ) from error
