"""One protocol for all systems that map embeddings: who trains them, how long, and who judges.

Every system is trained on people of nobody, drawn from the statistics of LFW's training people, in
all masks and both alignments, in the same number of steps; the epoch, and each default of a system,
is chosen on LFW's validation people. The test people are those
of `eumlib.study`: LFW's, ORL's, and those of MFR2, who wore their masks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eumlib.embeddings import EmbeddingTable, PeopleOfNobody
from eumlib.rivals.trainers import UNMASKERS
from eumlib.study import AS_WORN, CAMERAS_WAY, PAPERS_WAY, Condition, Judge, Material, Size
from eumlib.study.cases import FULL_SIZE, Drawn
from eumlib.study.judging import MeanRates
from eumlib.unmasking import (
    WORKBOOK,
    WORKBOOK_BY_TRIPLET_LOSS,
    Recipe,
    Unmasker,
    available_device,
    train_unmasker,
    unmask,
)

TESTS: dict[str, tuple[Condition, ...]] = {
    "lfw": (PAPERS_WAY, CAMERAS_WAY),
    "orl": (PAPERS_WAY, CAMERAS_WAY),
    "mfr2": (AS_WORN,),
}
NO_EUM = "no EUM"  # what tables call the recogniser as it is
Tables = Sequence[EmbeddingTable]
Test = tuple[str, str]  # names of a face set and a condition


@dataclass(frozen=True)
class System:
    """A way to unmask embeddings.

    Attributes:
        title: for tables.
        train: from tables to train on, tables to choose the epoch by, a recipe and a device.
        people: of nobody that it is trained on, where that is fewer than the others get: one that
            tells people apart has weights for each.
    """

    title: str
    train: Callable[[Tables, Tables, Recipe, str], Unmasker]
    people: int | None = None


def train_linear_map(
    training: Tables, _validation: Tables, _recipe: Recipe, _device: str
) -> Unmasker:
    """`eumlib.unmasking.Unmasker.linear_map_of`: the baseline, which chooses no epoch."""
    return Unmasker.linear_map_of(*training)


def train_eum(training: Tables, validation: Tables, recipe: Recipe, device: str) -> Unmasker:
    """The EUM by the recipe as it is: SRT."""
    return train_unmasker(training, validation, recipe, device).unmasker


def train_eum_by_triplet_loss(
    training: Tables, validation: Tables, recipe: Recipe, device: str
) -> Unmasker:
    """The EUM by the triplet loss."""
    recipe = replace(recipe, loss=WORKBOOK_BY_TRIPLET_LOSS.loss)
    return train_unmasker(training, validation, recipe, device).unmasker


YARDSTICK = "eum_srt"
SYSTEMS = {
    "linear": System("a linear map", train_linear_map),
    "eum_triplet": System("EUM, triplet loss", train_eum_by_triplet_loss),
    YARDSTICK: System("EUM, SRT", train_eum),
    "my_eyes": System("My Eyes Are Up Here: triplet loss and squared error", UNMASKERS["my_eyes"]),
    "maskinv": System("MaskInv's loss: distillation", UNMASKERS["maskinv"], people=12_000),
    "hsst": System("HSST: momentum network and queue", UNMASKERS["hsst"]),
}


class Protocol:
    """Trains and judges systems.

    Args:
        material: the tables.
        trainings: of each system, that differ in weights and batches.
        resamples: of people, behind each interval.
        size: of each training.
    """

    def __init__(
        self, material: Material, trainings: int, resamples: int, size: Size = FULL_SIZE
    ) -> None:
        self._validation = material.of_lfw("validation")
        self._nobody = PeopleOfNobody.of_tables(*material.of_lfw("train"))
        self._trainings, self._size = range(trainings), size
        tables = {"lfw": material.of_lfw("test"), "orl": material.orl, "mfr2": material.worn}
        self.tests = {
            (face_set, condition.name): condition.of(tables[face_set])
            for face_set, conditions in TESTS.items()
            if tables[face_set]
            for condition in conditions
        }
        self.judges = {test: Judge(table, resamples, 0) for test, table in self.tests.items()}

    def train(self, system: System) -> tuple[list[Unmasker], float]:
        """The system's trainings, and the minutes that one took, a mean."""
        count = min(self._size.people, system.people or self._size.people)
        training = Drawn(self._nobody, count)()
        start = time.perf_counter()
        trained = [
            system.train(
                training,
                self._validation,
                replace(self._size.of(WORKBOOK), seed=seed),
                available_device(),
            )
            for seed in self._trainings
        ]
        return trained, (time.perf_counter() - start) / 60 / len(trained)

    def judge(self, trained: Sequence[Unmasker]) -> dict[Test, MeanRates]:
        """The rates of each test, by face set and condition."""
        return {test: judge.measure(*trained) for test, judge in self.judges.items()}


def milliseconds_a_face(unmasker: Unmasker, faces: int = 4096) -> float:
    """How long one embedding takes to pass, in a batch of many; the fastest of five."""
    embeddings = np.random.default_rng(0).standard_normal((faces, unmasker.model.dim))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        unmask(unmasker.model, embeddings.astype(np.float32))
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / faces


def count_of_parameters(unmasker: Unmasker) -> int:
    """How many numbers were learnt."""
    return sum(weights.numel() for weights in unmasker.model.parameters())
