"""How many threads there may be, and how many PyTorch works with, for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def most_threads() -> int:
    """How many threads this process may keep busy: ``OMP_NUM_THREADS``, or one a core."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) else os.cpu_count() or 1


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
