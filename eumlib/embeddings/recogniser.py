"""What every recogniser is: a frozen function from aligned face chips to embeddings.

MobileFaceNet, dlib's and one of your own are interchangeable because they keep this contract, and
because the chips that go in and the embeddings that come out are checked in one place, here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from eumlib._common.errors import EumlibError


class BackboneError(EumlibError, ValueError):
    """A recogniser that cannot be had, or does not do what a recogniser does."""


class Backbone(Protocol):
    """A frozen recogniser.

    Attributes:
        name: kept in the tables of embeddings.
        dim: length of an embedding.
        chip_size: side of the square chips it reads, in pixels.
        fingerprint: changes when the embeddings would.
    """

    name: str
    dim: int
    chip_size: int
    fingerprint: str

    def align(self, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """A picture and its 68 landmarks to a chip ``(size, size, 3)`` RGB uint8.

        Worker processes call it: it is a function that pickle can name, or a partial of one.
        """

    def embed(self, chips: np.ndarray) -> np.ndarray:
        """Chips ``(n, size, size, 3)`` RGB uint8 to embeddings ``(n, dim)`` float32."""


def embed_in_batches(
    backbone: Backbone,
    chips: np.ndarray,
    batch_size: int,
    embed_batch: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """The embeddings of all chips, `batch_size` at a time, each batch checked.

    How chips are grouped can change the last digits of an embedding, since libraries choose their
    way of computing by the size of a batch. Equal batches give equal bits: chips 0 to 63, 64 to
    127 and so on are embedded together in one call as in two calls of 64.

    Args:
        backbone: whose name, size of chips and length of embeddings hold.
        chips: ``(n, size, size, 3)`` RGB uint8; n may be 0.
        batch_size: the most chips in a batch.
        embed_batch: chips ``(b, size, size, 3)`` of one batch, in one block of memory, to
            embeddings ``(b, dim)``.

    Returns:
        ``(n, dim)`` float32.

    Raises:
        ValueError: chips of another shape or type.
        BackboneError: embeddings of another shape, or with values that are not finite.
    """
    size = backbone.chip_size
    chips = np.asarray(chips)
    if chips.ndim != 4 or chips.shape[1:] != (size, size, 3):
        raise ValueError(f"chips must be (n, {size}, {size}, 3), not {chips.shape}")
    if chips.dtype != np.uint8:
        raise ValueError(f"chips must be uint8, 0 to 255, not {chips.dtype}")
    embeddings = np.empty((len(chips), backbone.dim), dtype=np.float32)
    for start in range(0, len(chips), batch_size):
        batch = np.ascontiguousarray(chips[start : start + batch_size])
        result = embed_batch(batch)
        if result.shape != (len(batch), backbone.dim):
            raise BackboneError(
                f"{backbone.name} gave {result.shape} for {len(batch)} chips, "
                f"not ({len(batch)}, {backbone.dim})"
            )
        bad = np.flatnonzero(~np.isfinite(result).all(axis=1))
        if len(bad):
            raise BackboneError(
                f"{backbone.name} gave NaN or infinite values for {len(bad)} of {len(batch)} "
                f"chips; the first is chip {start + bad[0]}. Check its weights, and the mean and "
                f"scale of its input"
            )
        embeddings[start : start + batch_size] = result
    return embeddings
