"""Comparison: every reference face against every probe.

A *mated* pair shows one person, a *non-mated* pair two (ISO/IEC 2382-37). A score is the cosine of
two embeddings, rounded to `STEP`: a product in float32 is no more exact than that, and rounded
scores can be counted instead of kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from eumlib._common.errors import EumlibError
from eumlib.faces import Pair
from eumlib.verification.counters import ON_ALL_CORES, PairCounter
from eumlib.verification.sides import Side, Sides
from eumlib.verification.steps import STEP, in_steps

FEW = 2**22  # pairs, which NumPy has sorted before compiled loops are loaded


class ScoreError(EumlibError, ValueError):
    """Scores from which error rates cannot be computed."""


@dataclass(frozen=True)
class FaceViews:
    """Embeddings of one side of a comparison, all references or all probes.

    Attributes:
        vectors: ``(n, d)`` float32 of unit length.
        identities: ``(n,)``, who it is.
        pictures: ``(n,)``, the id of the picture that view i is of.

    Raises:
        ValueError: lengths that differ.
        ScoreError: embeddings that are not finite; the message names the first picture.
    """

    vectors: np.ndarray
    identities: np.ndarray
    pictures: np.ndarray

    def __post_init__(self) -> None:
        lengths = len(self.vectors), len(self.identities), len(self.pictures)
        if len(set(lengths)) > 1:
            raise ValueError(f"vectors, identities and pictures have lengths {lengths}, not one")
        finite = np.isfinite(self.vectors).all(axis=1)
        if not finite.all():
            first = self.pictures[np.flatnonzero(~finite)[0]]
            raise ScoreError(
                f"{(~finite).sum()} embeddings are not finite, the first is of {first}: embed "
                "these pictures again"
            )

    def __len__(self) -> int:
        return len(self.vectors)


class Block(NamedTuple):
    """Some of the pairs; all parts have one shape, or can be spread to one.

    Attributes:
        steps: int32, the scores in units of `STEP`, from −`STEPS` to `STEPS`.
        mated: whether the pair shows one person.
        compared: whether the pair counts; a picture is not compared with itself.
        reference: rows of the references.
        probe: rows of the probes.
    """

    steps: np.ndarray
    mated: np.ndarray
    compared: np.ndarray
    reference: np.ndarray
    probe: np.ndarray


class PairScores(NamedTuple):
    """The scores of a small comparison, one by one.

    Attributes:
        mated: ``(m,)`` float64, in [−1, 1].
        non_mated: ``(k,)`` float64, in [−1, 1].
        mated_person: ``(m,)``, the number of the person in the pair.
        non_mated_people: ``(k, 2)``, the numbers of the two people.
    """

    mated: np.ndarray
    non_mated: np.ndarray
    mated_person: np.ndarray
    non_mated_people: np.ndarray


@dataclass(frozen=True, eq=False)
class Comparison:
    """References against probes: all of other pictures, or the listed pairs alone.

    Where references and probes are one and the same object, each pair counts once.

    Args:
        references: views that were enrolled.
        probes: views that are put to the test.
        pairs: the pairs to compare, by picture; None compares everyone with everyone. A picture
            with several views gives a score for each.
        counter: counts pairs where they are many; on this machine's cores by default.

    Raises:
        ScoreError: embeddings of different dimension.

    Taught in notebooks 03 and 08.
    """

    references: FaceViews
    probes: FaceViews
    pairs: tuple[Pair, ...] | None = None
    counter: PairCounter = ON_ALL_CORES

    def __post_init__(self) -> None:
        dims = self.references.vectors.shape[1], self.probes.vectors.shape[1]
        if len(set(dims)) > 1:
            raise ScoreError(
                f"references have embeddings of dimension {dims[0]} and probes of {dims[1]}: they "
                "are of different recognisers"
            )

    @property
    def symmetric(self) -> bool:
        """Whether both sides are one and the same."""
        return self.references is self.probes

    @cached_property
    def person_of(self) -> tuple[np.ndarray, np.ndarray]:
        """The number of the person of each reference and each probe, by the order of the names."""
        return self._numbered("identities")

    @cached_property
    def picture_of(self) -> tuple[np.ndarray, np.ndarray]:
        """The number of the picture of each reference and each probe."""
        return self._numbered("pictures")

    def _numbered(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        sides = [np.asarray(getattr(side, name)) for side in (self.references, self.probes)]
        _, number = np.unique(np.concatenate(sides), return_inverse=True)
        left, right = np.split(number.astype(np.int32), [len(sides[0])])
        return left, right

    @property
    def people(self) -> int:
        """How many people there are on both sides together."""
        return 1 + max(int(side.max(initial=-1)) for side in self.person_of)

    @property
    def size(self) -> int:
        """How many pairs there are at most."""
        if self.pairs is not None:
            return len(self.listed)
        return len(self.references) * len(self.probes)

    @property
    def few(self) -> bool:
        """Whether all pairs may be in memory together; more are left to the counter."""
        return self.pairs is not None or self.size < FEW

    def sides(self, team_of: np.ndarray | None = None) -> Sides:
        """Both sides in the order in which a counter wants them; of everyone with everyone.

        Args:
            team_of: ``(people,)``, the team of each person; without it, all are one team.
        """
        if team_of is None:
            team_of = np.zeros(self.people, np.int32)
        place = np.empty(len(team_of), np.int32)  # of each person, those of a team in a row
        place[np.argsort(team_of, kind="stable")] = np.arange(len(team_of))
        left, right = (
            Side.ordered(views.vectors, place[person], picture, team_of[person])
            for views, person, picture in zip(
                (self.references, self.probes), self.person_of, self.picture_of, strict=True
            )
        )
        return Sides(left, left if self.symmetric else right)

    def all_pairs(self) -> Block:
        """All pairs at once, each as often as it counts: of small comparisons."""
        if self.pairs is not None:
            columns = ("steps", "mated", "reference", "probe")
            steps, mated, reference, probe = (self.listed[name].to_numpy() for name in columns)
            return Block(steps, mated, np.ones_like(mated), reference, probe)
        block = self.block(np.arange(len(self.references)), np.arange(len(self.probes)))
        if self.symmetric:
            once = block.reference < block.probe
            block = block._replace(compared=block.compared & once)
        return block

    def block(self, reference: np.ndarray, probe: np.ndarray) -> Block:
        """Some references against some probes, by row: parts of shape ``(r, p)``."""
        steps = in_steps(self.references.vectors[reference] @ self.probes.vectors[probe].T)
        (left, right), (picture, other) = self.person_of, self.picture_of
        return Block(
            steps,
            left[reference, None] == right[None, probe],
            picture[reference, None] != other[None, probe],
            reference[:, None],
            probe[None, :],
        )

    @cached_property
    def listed(self) -> pd.DataFrame:
        """The listed pairs of which there are both views, one row per pair of views.

        Columns: ``pair`` (its place in the list), ``reference`` and ``probe`` (rows of views),
        ``steps`` (the score in units of `STEP`), ``mated``.
        """
        listed = pd.DataFrame(
            [(place, pair.reference, pair.probe) for place, pair in enumerate(self.pairs)],
            columns=["pair", "reference_picture", "probe_picture"],
        )
        for name, side in (("reference", self.references), ("probe", self.probes)):
            rows = pd.DataFrame({f"{name}_picture": side.pictures, name: np.arange(len(side))})
            listed = listed.merge(rows, on=f"{name}_picture")
        reference, probe = (listed[name].to_numpy(np.intp) for name in ("reference", "probe"))
        cosines = np.einsum(
            "ij,ij->i", self.references.vectors[reference], self.probes.vectors[probe]
        )
        left, right = self.person_of
        mated = left[reference] == right[probe]
        return listed.assign(steps=in_steps(cosines), mated=mated)

    def scores(self) -> PairScores:
        """Every score: of small comparisons, since all of them are in memory together."""
        block = self.all_pairs()
        shape = block.steps.shape
        reference = np.broadcast_to(block.reference, shape)[block.compared]
        probe = np.broadcast_to(block.probe, shape)[block.compared]
        score = block.steps[block.compared] * STEP
        people = np.stack([self.person_of[0][reference], self.person_of[1][probe]], axis=1)
        mated = people[:, 0] == people[:, 1]
        return PairScores(score[mated], score[~mated], people[mated, 0], people[~mated])
