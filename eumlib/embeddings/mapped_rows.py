"""Rows of numbers that stay on disk, and are read when they are asked for."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROWS_IN_PASSING = 8192  # the memory that their pages may take is given back behind them


def mapped_file(path: Path | str) -> mmap.mmap:
    """A file mapped into memory, to be read."""
    with Path(path).open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


class MappedRows:
    """Rows of one shape, in some blocks; a row on disk is read when it is asked for.

    Args:
        blocks: ``(n_i, …)`` arrays, one at least.
        files: that lie behind the blocks.
    """

    def __init__(self, blocks: Sequence[np.ndarray], *files: mmap.mmap) -> None:
        self._blocks, self._files = list(blocks), files
        self._ends = np.cumsum([len(block) for block in self._blocks])
        self.row_shape = self._blocks[0].shape[1:]
        self.dtype = np.result_type(*self._blocks)

    @classmethod
    def joined(cls, *parts: MappedRows) -> MappedRows:
        """The rows of all parts, one part after the other."""
        blocks = [block for part in parts for block in part._blocks]
        return cls(blocks, *(file for part in parts for file in part._files))

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """The rows of these numbers, ``(m,)`` integers, in their order, as a new array."""
        numbers = np.asarray(numbers)
        if len(self._blocks) == 1:  # twice as fast
            return self._blocks[0].take(numbers, axis=0)
        taken = np.empty((len(numbers), *self.row_shape), self.dtype)
        of_block = np.searchsorted(self._ends, numbers, side="right")
        for place in np.unique(of_block):
            here = of_block == place
            block = self._blocks[place]
            taken[here] = block.take(numbers[here] - (self._ends[place] - len(block)), axis=0)
        return taken

    def read_in_passing(self, numbers: np.ndarray) -> np.ndarray:
        """As ``[numbers]``, for many: read in the order in which they lie, and let go of behind.

        So the disk is read in one direction, and what is resident beside the answer stays small.
        """
        taken = np.empty((len(numbers), *self.row_shape), self.dtype)
        in_order = np.argsort(numbers)
        for start in range(0, len(in_order), ROWS_IN_PASSING):
            few = in_order[start : start + ROWS_IN_PASSING]
            taken[few] = self[numbers[few]]
            self.let_go()
        return taken

    def let_go(self) -> None:
        """Give back the memory of the rows that were read; they are read again when asked for."""
        for file in self._files:
            if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
                file.madvise(mmap.MADV_DONTNEED)
