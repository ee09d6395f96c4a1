"""The rivals that are trained on tables of embeddings, by the names that commands take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from eumlib.embeddings import EmbeddingTable
from eumlib.rivals.ccl import Gate
from eumlib.rivals.hsst import train_hsst
from eumlib.rivals.maskinv import train_maskinv
from eumlib.rivals.my_eyes import train_my_eyes
from eumlib.unmasking import Recipe


class Trained(Protocol):
    """What training gives: an `eumlib.unmasking.Unmasker`, or a gate."""

    backbone: str

    def save(self, path: Path | str) -> None:
        """Write it to a file."""


Train = Callable[[Sequence[EmbeddingTable], Sequence[EmbeddingTable], Recipe, str], Trained]


def train_ccl(
    training: Sequence[EmbeddingTable],
    _validation: Sequence[EmbeddingTable],
    recipe: Recipe,
    _device: str,
) -> Gate:
    """`eumlib.rivals.Gate.trained_on`, with the recipe's seed; it chooses no epoch."""
    return Gate.trained_on(*training, seed=recipe.seed)


UNMASKERS: dict[str, Train] = {
    "my_eyes": train_my_eyes,
    "maskinv": train_maskinv,
    "hsst": train_hsst,
}
TRAINERS: dict[str, Train] = UNMASKERS | {"ccl": train_ccl}
