"""The protocol's part for rivals that reach into the network: whom they are judged on, and how.

The test people and their masks are those of the other systems; what a rival gives of a view, it
gives of the view's feature maps. References are enrolled twice: by the recogniser as it is, which
asks whether a door can switch over without enrolling everyone again, and by the rival itself, which
asks, too, whether a network that learns masks forgets faces.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from eumlib.embeddings import (
    MASKED,
    UNMASKED,
    EmbeddingTable,
    FeatureMaps,
    TableError,
    default_backbone,
    read_feature_maps,
)
from eumlib.rivals.lessons import STEPS, MapPairs, count_of_learnt, train_network
from eumlib.rivals.network_systems import NetworkSystem
from eumlib.rivals.networks import NetworkRival, Unchanged, embed_maps
from eumlib.rivals.protocol import Test
from eumlib.study import CAMERAS_WAY, PAPERS_WAY, Judge
from eumlib.study.judging import MeanRates

_VIEW = ["face_set", "image_id", "view", "mask_shape", "mask_colour", "landmarks_from"]
_FILES = {PAPERS_WAY.name: "{}_paper.arrow", CAMERAS_WAY.name: "{}_camera.arrow"}


def numbers_in(maps: FeatureMaps, rows: pd.DataFrame) -> np.ndarray:
    """Which row of feature maps is of which view: ``(n,)`` integers, one for each of `rows`.

    Raises:
        TableError: a view has none; the message names the first.
    """
    keys = [frame[_VIEW].fillna("") for frame in (maps.rows, rows)]
    numbered = keys[0].assign(number=np.arange(len(maps)))
    if keys[0].duplicated().any():
        raise TableError("these feature maps hold a view twice: make them anew")
    numbers = keys[1].merge(numbered, on=_VIEW, how="left")["number"]
    if numbers.isna().any():
        lost = rows.iloc[int(np.flatnonzero(numbers.isna())[0])]
        raise TableError(
            f"{int(numbers.isna().sum())} views have no feature maps; the first is the "
            f"{lost['view']} view of {lost['image_id']}: make both files of the same faces, masks "
            f"and seed"
        )
    return numbers.to_numpy(int)


def seen_by(
    rival: NetworkRival, table: EmbeddingTable, maps: FeatureMaps, views: Sequence[str]
) -> EmbeddingTable:
    """The table, with the rival's embeddings of some views in place of the recogniser's.

    Args:
        rival: the changed recogniser.
        table: of faces of which there are feature maps.
        maps: these.
        views: ``"unmasked"``, ``"masked"`` or both; embeddings of the others stay as they are.

    Raises:
        TableError, BackboneError: feature maps of other views, or of another recogniser.
    """
    changed = table.rows["view"].isin(views).to_numpy()
    vectors = table.vectors.copy()
    vectors[changed] = embed_maps(rival, maps, numbers_in(maps, table.rows[changed]))
    return replace(table, vectors=vectors)


@dataclass(frozen=True)
class TrainedNetwork:
    """A rival and what it took.

    Attributes:
        rival: frozen.
        minutes: of training.
        parameters: that were learnt.
    """

    rival: NetworkRival
    minutes: float
    parameters: int


@dataclass(frozen=True)
class JudgedNetwork:
    """Rates of a rival on one test.

    Attributes:
        probes: masked probes by the rival, references by the recogniser as it is.
        anew: both by the rival.
        bare: as `anew`, of bare probes: what the rival remembers of faces.
    """

    probes: MeanRates
    anew: MeanRates
    bare: MeanRates


class NetworkProtocol:
    """Trains and judges rivals that reach into the network.

    Args:
        training: feature maps.
        people: identities in them to train on.
        tests: tables to judge on, by face set and condition, each with feature maps of its views.
        resamples: of people, behind each interval.
        steps: of each training.

    Taught in notebook 21.
    """

    def __init__(
        self,
        training: Sequence[FeatureMaps],
        people: Sequence[str],
        tests: Mapping[Test, tuple[EmbeddingTable, FeatureMaps]],
        resamples: int,
        steps: int = STEPS,
    ) -> None:
        self._training, self._people, self.tests = training, people, tests
        self._resamples, self._steps = resamples, steps
        self._recogniser = default_backbone().module
        self._pairs: MapPairs | None = None

    @classmethod
    def read(
        cls,
        folder: Path,
        people: Sequence[str],
        tests: Mapping[Test, EmbeddingTable],
        resamples: int,
        steps: int = STEPS,
    ) -> NetworkProtocol:
        """The protocol on the feature maps in a folder, as ``make rivals`` writes them.

        They are ``lfw_paper.arrow``, ``lfw_camera.arrow``, likewise of ORL, and ``mfr2.arrow``.

        Raises:
            TableError: some are not there.
        """
        training = [_file_of("lfw", way.name) for way in (PAPERS_WAY, CAMERAS_WAY)]
        of_tests = {
            test: (table, read_feature_maps(folder / _file_of(*test)))
            for test, table in tests.items()
        }
        maps = [read_feature_maps(folder / name) for name in training]
        return cls(maps, people, of_tests, resamples, steps)

    def train(self, system: NetworkSystem) -> TrainedNetwork:
        """One training."""
        if self._pairs is None:  # made once, and not where all rivals are kept from before
            self._pairs = MapPairs(self._recogniser, self._training, self._people)
        lesson = system.begin(self._recogniser, self._pairs)
        parameters, start = count_of_learnt(lesson), time.perf_counter()
        rival = train_network(lesson, self._pairs, self._steps)
        return TrainedNetwork(rival, (time.perf_counter() - start) / 60, parameters)

    def judge(self, rival: NetworkRival) -> dict[Test, JudgedNetwork]:
        """The rates of each test."""
        judged = {}
        for test, (table, maps) in self.tests.items():
            probes = Judge(seen_by(rival, table, maps, [MASKED]), self._resamples, seed=0)
            anew = Judge(seen_by(rival, table, maps, [UNMASKED, MASKED]), self._resamples, seed=0)
            judged[test] = JudgedNetwork(probes.plain, anew.plain, anew.of_bare_faces)
        return judged

    def milliseconds_beyond(self, rival: NetworkRival, faces: int = 256) -> float:
        """How much longer a face takes than by the recogniser as it is; of the fastest of three."""
        (_, maps), *_ = self.tests.values()
        numbers = np.arange(min(faces, len(maps)))
        times = []
        for network in (rival, Unchanged.of(self._recogniser)):
            each = []
            for _ in range(3):
                start = time.perf_counter()
                embed_maps(network, maps, numbers)
                each.append(time.perf_counter() - start)
            times.append(min(each))
        return 1000 * max(0.0, times[0] - times[1]) / len(numbers)


def _file_of(face_set: str, condition: str) -> str:
    return _FILES.get(condition, "{}.arrow").format(face_set)
