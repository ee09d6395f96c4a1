"""Triplets: a masked anchor, the unmasked positive of the same picture, an unmasked negative."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from eumlib.embeddings import EmbeddingTable, MappedTable, TableError, mated_vectors

EVERY = slice(None)
DrawnRows = tuple[np.ndarray, np.ndarray]  # of the anchors and of the negatives of a batch


class Triplets(NamedTuple):
    """A batch of N triplets, row i of each tensor one triplet.

    Attributes:
        anchor: ``(N, d)`` float32, masked views.
        positive: ``(N, d)`` float32, the unmasked views of the same pictures.
        negative: ``(N, d)`` float32, unmasked views of other people.
        person: ``(N,)`` int64, the number of the person of anchor and positive.
    """

    anchor: torch.Tensor
    positive: torch.Tensor
    negative: torch.Tensor
    person: torch.Tensor

    def to(self, device: str) -> Triplets:
        """The same triplets on a device."""
        return Triplets(*(part.to(device) for part in self))


class TripletSampler:
    """Draws triplets from tables of embeddings.

    Every masked view is an anchor once an epoch. Its positive is the unmasked view of the *same
    picture*; its negative is drawn uniformly from the positives of all other people.

    >>> from eumlib.embeddings import PeopleOfNobody
    >>> sampler = TripletSampler(PeopleOfNobody.load().draw(600, seed=0))
    >>> batch = next(sampler.batches(512, np.random.default_rng(0)))
    >>> tuple(batch.anchor.shape)
    (512, 192)

    Args:
        tables: one or more; people of different face sets are different people.

    Attributes:
        backbone: name of the recogniser whose embeddings they are.
        positives: ``(m, d)`` float32, the unmasked view of each anchor, sorted by person.
        person: ``(m,)`` int64, the number of the person of each, from 0.
        dim: length of an embedding.

    Raises:
        TableError: no picture in both views, fewer than two identities, tables of different
            recognisers, or embeddings that are not finite; the message names the first.

    Taught in notebook 05.
    """

    def __init__(self, *tables: EmbeddingTable) -> None:
        self._recognise(tables)
        anchors, positives, people = mated_vectors(*tables)
        by_person = self._number(people)
        self._anchors = torch.from_numpy(anchors[by_person])
        self.positives = torch.from_numpy(positives[by_person])
        self.dim = self._anchors.shape[1]

    def _recognise(self, tables: Sequence[EmbeddingTable | MappedTable]) -> None:
        backbones = sorted({name for table in tables for name in table.rows["backbone"].unique()})
        if len(backbones) > 1:
            raise TableError(f"triplets take embeddings of one recogniser, not {backbones}")
        self.backbone = backbones[0]

    def _number(self, people: np.ndarray, name_of: Callable[[object], str] = str) -> np.ndarray:
        """Number the people of ``(m,)`` pictures; gives the order that sorts the pictures so."""
        known, numbers, self._count = np.unique(people, return_inverse=True, return_counts=True)
        if len(known) < 2:
            raise TableError(
                "triplets need a negative of another identity, and all pictures are of "
                f"{name_of(known[0])}"
            )
        by_person = np.argsort(numbers, kind="stable")
        self.person = torch.from_numpy(numbers[by_person])
        self._first = np.cumsum(self._count) - self._count
        return by_person

    def __len__(self) -> int:
        return len(self.person)

    @property
    def fingerprint(self) -> str:
        """Sixteen digits that change when the triplets would."""
        digest = hashlib.sha256(self.person.numpy().tobytes())
        for part in (self._anchors, self.positives):
            digest.update(part.numpy().tobytes())
        return digest.hexdigest()[:16]

    def some_positives(self, at_most: int) -> torch.Tensor:
        """All positives, or of more than `at_most` every n-th: ``(k, d)`` float32."""
        return self.positives[:: -(-len(self) // at_most)]

    def draw_negatives(self, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """For each row a row of another identity, all of them equally likely."""
        # Rows stand sorted by identity: draw among the rows that are left when one's own block is
        # taken out, then step over that block.
        person = self.person.numpy()[rows]
        drawn = random.integers(0, len(self) - self._count[person])
        return drawn + np.where(drawn >= self._first[person], self._count[person], 0)

    def batches(
        self, batch_size: int, random: np.random.Generator, mine: slice = EVERY
    ) -> Iterator[Triplets]:
        """One epoch in random order; a last batch of a single triplet is left out (batch norm).

        Where several processes train together, all draw the same batches, and each takes those that
        its slice `mine` has.
        """
        return self._taken(_those_of(self._drawn(batch_size, random), mine))

    def steps(
        self, count: int, batch_size: int, random: np.random.Generator, mine: slice = EVERY
    ) -> Iterator[Triplets]:
        """So many batches, going through the anchors in random order again and again."""
        again = (drawn for _ in itertools.count() for drawn in self._drawn(batch_size, random))
        return self._taken(_those_of(itertools.islice(again, count), mine))

    def _drawn(self, batch_size: int, random: np.random.Generator) -> Iterator[DrawnRows]:
        order = random.permutation(len(self))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            if len(rows) < 2:
                return
            yield rows, self.draw_negatives(rows, random)

    def _taken(self, drawn: Iterator[DrawnRows]) -> Iterator[Triplets]:
        for rows, negatives in drawn:
            rows, negatives = torch.from_numpy(rows), torch.from_numpy(negatives)
            yield Triplets(
                self._anchors.index_select(0, rows),
                self.positives.index_select(0, rows),
                self.positives.index_select(0, negatives),
                self.person[rows],
            )


def _those_of(drawn: Iterator[DrawnRows], mine: slice) -> Iterator[DrawnRows]:
    return itertools.islice(drawn, mine.start, mine.stop, mine.step)


# Gives ``(N, d)`` negatives for the EUM's output ``(N, d)`` and the triplets that went into it.
ChooseNegatives = Callable[[torch.Tensor, Triplets], torch.Tensor]


def drawn_negatives(_output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """The negatives as the sampler drew them, uniformly from all other people: the paper's way."""
    return triplets.negative


@torch.no_grad()
def hardest_negatives(output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """For each anchor the nearest positive of another person in the batch.

    Where the batch shows one person alone, the drawn negative is kept. Taught in notebook 10.
    """
    return _nearest(_cosines(output, triplets), _same_person(triplets), triplets)


@torch.no_grad()
def semi_hard_negatives(output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """For each anchor the nearest other person in the batch who is farther away than its positive.

    The negatives are the positives of other people in the batch. Where none is farther than the
    positive, the drawn negative is kept.

    Source: Schroff et al., FaceNet (arXiv 1503.03832), section 3.2. Taught in notebook 10.
    """
    to_positive = functional.cosine_similarity(output, triplets.positive)
    cosines = _cosines(output, triplets)
    nearer = cosines >= to_positive[:, None]
    return _nearest(cosines, nearer.logical_or_(_same_person(triplets)), triplets)


def _cosines(output: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """``(N, N)``: each anchor with each positive of the batch."""
    return functional.normalize(output, dim=1) @ functional.normalize(triplets.positive, dim=1).T


def _same_person(triplets: Triplets) -> torch.Tensor:
    return triplets.person[:, None] == triplets.person[None, :]


def _nearest(cosines: torch.Tensor, excluded: torch.Tensor, triplets: Triplets) -> torch.Tensor:
    """The positive with the highest cosine that is not excluded; the cosines are written over."""
    best, place = cosines.masked_fill_(excluded, -torch.inf).max(dim=1)
    found = best[:, None] > -torch.inf
    return torch.where(found, triplets.positive.index_select(0, place), triplets.negative)
