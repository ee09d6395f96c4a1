"""A recogniser for tests that need no real one, and what else worker processes import quickly."""

import os
import signal

import numpy as np

from eumlib.faces import align_chip


def align_small(picture, landmarks):
    return align_chip(picture, landmarks, size=60, padding=0.1)


class MeanPixels:
    """A recogniser whose embedding is a few mean pixels; it counts its calls."""

    name = "mean pixels"
    fingerprint = "mean pixels 1"
    dim = 6
    chip_size = 60
    align = staticmethod(align_small)

    def __init__(self):
        self.calls = 0

    def embed(self, chips):
        assert chips.shape[1:] == (60, 60, 3)
        self.calls += 1
        return chips.reshape(len(chips), self.dim, -1).mean(axis=2).astype(np.float32)


def kill_this_process():
    os.kill(os.getpid(), signal.SIGKILL)
