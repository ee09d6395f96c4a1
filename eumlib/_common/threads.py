"""How many threads PyTorch works with, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch use `count` threads while the block runs, in this thread and in
    those that first use PyTorch meanwhile.

    More threads than a small network can feed, or than there are free cores, make it slower: they
    wait for each other.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
