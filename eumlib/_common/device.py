"""Where PyTorch computes: on the GPU where there is one."""

from __future__ import annotations

import torch


def available_device() -> str:
    """``"cuda"`` where there is one, else ``"cpu"``."""
    return "cuda" if torch.cuda.is_available() else "cpu"
