"""From photographs to the table of embeddings, through worker processes, shard by shard.

Worker processes acquire faces, a few at a time; threads of this process embed their chips in
batches. A shard is a fixed range of the face set, so its rows and its batches are the same whoever
computes it, this machine or a cluster (`eumlib.embeddings.cluster`), and however often the work was
interrupted. Finished shards wait in the cache folder; the same command goes on behind them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from eumlib._common.errors import EumlibError
from eumlib._common.files import home, key_of
from eumlib._common.progress import progress_bar
from eumlib._common.settings import HOME_VARIABLE
from eumlib._common.threads import most_threads, torch_threads
from eumlib.embeddings.acquisition import (
    Acquire,
    AcquiredView,
    AcquisitionJob,
    AttemptedView,
    acquire_with_unmasked_landmarks,
    start_worker,
)
from eumlib.embeddings.recogniser import Backbone
from eumlib.embeddings.table import EmbeddingTable, TableError, unit_length
from eumlib.embeddings.table_files import join_tables, read_table, write_table
from eumlib.faces import Face, FaceSet
from eumlib.faces.landmarks import finder_source
from eumlib.masks import Mask, MaskPlan

FACES_A_SHARD = 128  # some seconds' work: what a kill costs
FACES_A_TASK = 8
CHIPS_A_BATCH = 64
FACES_WORTH_WORKERS = 400  # for fewer, starting worker processes takes longer than they save
TASKS_AHEAD = 3  # a worker: enough that none waits, few enough that memory stays small
VERSION = "6"  # part of every cache key; raise it when extraction changes its results

Task = list[tuple[Face, tuple[Mask, ...]]]


class ExtractionError(EumlibError, RuntimeError):
    """An extraction that could not go on; the message says what to do."""


class Shard(NamedTuple):
    """A fixed range of a face set.

    Attributes:
        number: its place among all shards, from 0.
        faces: the faces.
    """

    number: int
    faces: tuple[Face, ...]


class Step(NamedTuple):
    """What has come of a shard since its last step.

    Attributes:
        shard: its number.
        faces: how many more are done; fewer than none where their work was lost.
        table: its rows, at its last step; None before.
    """

    shard: int
    faces: int
    table: EmbeddingTable | None = None


class Distribute(Protocol):
    """A way to have shards computed: `Extraction.steps`, or a cluster's."""

    def __call__(self, extraction: Extraction, shards: Sequence[Shard]) -> Iterator[Step]:
        """The steps of all shards, in whatever order they are done."""


@dataclass(frozen=True)
class Extraction:
    """Every face of a set, embedded as it is and with each mask that a plan gives it.

    Attributes:
        face_set: the faces. A face that wears a mask is embedded as it is, once.
        plan: which masks to paint.
        backbone: the recogniser.
        acquire: the paper's way to align masked views, or the camera's.
        workers: processes that acquire faces; 1 does all in this process. In a script, more than 1
            needs ``if __name__ == "__main__":``.
        shard_size: faces in a shard.

    Taught in notebook 03.
    """

    face_set: FaceSet
    plan: MaskPlan
    backbone: Backbone
    acquire: Acquire = acquire_with_unmasked_landmarks
    workers: int = 1
    shard_size: int = FACES_A_SHARD

    def run(self) -> EmbeddingTable:
        """The table, in memory.

        Returns:
            One row per view, in the order of the set, embeddings scaled to unit length; views that
            could not be acquired are in its ``failures``.

        Raises:
            ExtractionError: a worker process died, or the set is empty.
        """
        parts = [table for _, table in self._tables(self._shards(), Extraction.steps)]
        return EmbeddingTable(
            pd.concat([part.rows for part in parts], ignore_index=True),
            np.concatenate([part.vectors for part in parts]),
            pd.concat([part.failures for part in parts], ignore_index=True),
        )

    def steps(self, shards: Sequence[Shard]) -> Iterator[Step]:
        """The shards, one after the other, computed by this machine: one step per face.

        Raises:
            ExtractionError: a worker process died.
        """
        tasks = (task for shard in shards for task in self._tasks(shard.faces))
        with self._acquired(tasks) as acquired, self._embedders() as embedders:
            for shard in shards:
                yield from self._embed(shard, acquired, embedders)

    def write_to(
        self, path: Path | str, precision: str = "float32", distribute: Distribute = steps
    ) -> None:
        """The table, written to a file; memory does not grow with the number of faces.

        Killed at any moment, the same call goes on where it stopped, and the file is the same, row
        for row. A second process with the same work waits for the first.

        Args:
            path: the table to write.
            precision: of the vectors, ``"float32"`` or ``"float16"``.
            distribute: computes the shards; `eumlib.embeddings.RayCluster` does it on many
                machines.

        Raises:
            ExtractionError: a worker process died, the disk is full, or the set is empty.
        """
        folder = home() / "extractions" / key_of(self.key, precision, str(self.shard_size))
        with _alone(folder):
            folder.mkdir(exist_ok=True)
            parts = {number: folder / f"shard-{number:06d}.parquet" for number in self._shards()}
            missing = [n for n, part in parts.items() if not _whole(part, self._faces_of(n))]
            with closing(self._tables(missing, distribute)) as tables:
                for number, table in tables:
                    with _kept_where_it_fails(parts[number]):
                        write_table(table, parts[number], precision)
            with _kept_where_it_fails(Path(path)):
                join_tables(list(parts.values()), path)
            shutil.rmtree(folder)

    @property
    def key(self) -> str:
        """Sixteen digits that change when the table would."""
        return key_of(
            VERSION, self.face_set.name, self.face_set.fingerprint, str(self.face_set.one_face),
            self.plan.describe(), self.backbone.fingerprint, self.acquire.__name__,
        )  # fmt: skip

    def attempts(self) -> Iterator[tuple[Face, list[AttemptedView]]]:
        """Every face with what came of each of its views, in the order of the set, not embedded.

        Raises:
            ExtractionError: as in `run`.
        """
        faces = self.face_set.faces[: self._shards().stop * self.shard_size]
        progress = progress_bar(len(faces), f"looking at {self.face_set.name}", "face")
        with progress, self._acquired(self._tasks(faces)) as acquired:
            for face in faces:
                yield face, next(acquired)
                progress.update()

    def row_of(self, face: Face, acquired: AcquiredView) -> tuple[str | None, ...]:
        """What a table says of a view, in the order of its columns."""
        view = acquired.view
        return (
            face.image_id, face.identity, self.face_set.name, view.view, view.mask_shape,
            view.mask_colour, view.worn_mask, acquired.detector, acquired.landmarks_from,
            self.backbone.name,
        )  # fmt: skip

    def _faces_of(self, shard: int) -> tuple[Face, ...]:
        return self.face_set.faces[shard * self.shard_size : (shard + 1) * self.shard_size]

    def _shards(self) -> range:
        if not len(self.face_set):
            raise ExtractionError(f"the face set {self.face_set.name} has no faces to embed")
        return range(-(-len(self.face_set) // self.shard_size))

    def _tables(
        self, numbers: Sequence[int], distribute: Distribute
    ) -> Iterator[tuple[int, EmbeddingTable]]:
        """The shards of these numbers as they are finished, each with its number."""
        shards = [Shard(number, self._faces_of(number)) for number in numbers]
        wanted = sum(len(shard.faces) for shard in shards)
        progress = progress_bar(
            len(self.face_set), f"embedding {self.face_set.name}", "face",
            done=len(self.face_set) - wanted,
        )  # fmt: skip
        with progress:
            for step in distribute(self, shards):
                progress.update(step.faces)
                if step.table is not None:
                    yield step.shard, step.table

    def _tasks(self, faces: tuple[Face, ...]) -> Iterator[Task]:
        for start in range(0, len(faces), FACES_A_TASK):
            yield [(face, self.plan.masks_for(face)) for face in faces[start:][:FACES_A_TASK]]

    @contextmanager
    def _acquired(self, tasks: Iterator[Task]) -> Iterator[Iterator[list[AttemptedView]]]:
        """The outcomes of each face, in order."""
        job = AcquisitionJob(self.acquire, self.backbone.align, finder_source(self.face_set))
        if self.workers == 1:
            yield (outcomes for task in tasks for outcomes in job(task))
            return
        pool = ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=start_worker)
        try:
            yield _through(pool, job, tasks, ahead=TASKS_AHEAD * self.workers)
        except BrokenProcessPool as error:
            raise ExtractionError(
                "a worker process died, perhaps for want of memory. What is finished is kept: give "
                "the same command again, with fewer workers if it repeats"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)

    @contextmanager
    def _embedders(self) -> Iterator[ThreadPoolExecutor]:
        """A thread a core, for each of which PyTorch uses no other.

        How many threads share a batch can change the last digits of its embeddings, and batches
        side by side keep the cores as busy.
        """
        with torch_threads(1), ThreadPoolExecutor(most_threads()) as embedders:
            yield embedders

    def _embed(
        self,
        shard: Shard,
        acquired: Iterator[list[AttemptedView]],
        embedders: ThreadPoolExecutor,
    ) -> Iterator[Step]:
        rows, failures, chips, batches = [], [], [], []

        def embed_batch() -> None:
            batches.append(embedders.submit(self.backbone.embed, np.stack(chips)))
            chips.clear()

        for face in shard.faces:
            for outcome in next(acquired):
                if isinstance(outcome, AcquiredView):
                    rows.append(self.row_of(face, outcome))
                    chips.append(outcome.chip)
                    if len(chips) == CHIPS_A_BATCH:
                        embed_batch()
                else:
                    view = outcome.view
                    tried = (face.image_id, face.identity, self.face_set.name, view.view)
                    failures.append((*tried, view.mask_shape, outcome.reason, outcome.detail))
            yield Step(shard.number, 1)
        if chips:
            embed_batch()
        none = np.empty((0, self.backbone.dim), np.float32)
        vectors = np.concatenate([none, *(unit_length(batch.result()) for batch in batches)])
        yield Step(shard.number, 0, EmbeddingTable.of_rows(rows, vectors, failures))


def workers_for(face_set: FaceSet) -> int:
    """How many processes pay off: one for a few faces, else as many as there are cores."""
    return 1 if len(face_set) < FACES_WORTH_WORKERS else os.cpu_count() or 1


def extract_cached(
    face_set: FaceSet,
    plan: MaskPlan,
    backbone: Backbone,
    acquire: Acquire = acquire_with_unmasked_landmarks,
    workers: int = 1,
    precision: str = "float32",
) -> EmbeddingTable:
    """The table of an `Extraction`, kept in the cache folder: the second call reads the file.

    Args:
        face_set, plan, backbone, acquire, workers: as in `Extraction`.
        precision: as in `Extraction.write_to`.
    """
    extraction = Extraction(face_set, plan, backbone, acquire, workers)
    path = home() / "tables" / f"{extraction.key}_{precision}.parquet"
    if os.path.exists(path):
        try:
            return read_table(path)
        except TableError as error:
            _discard(path, error)
    with _alone(path):
        if not os.path.exists(path):  # else another process has made it meanwhile
            extraction.write_to(path, precision)
    return read_table(path)


def _whole(part: Path, faces: tuple[Face, ...]) -> bool:
    """Whether a finished shard of these faces is there; a damaged or a foreign one is discarded."""
    if not part.exists():
        return False
    try:
        table = read_table(part)
        if set(table.attempted_views["image_id"]) != {face.image_id for face in faces}:
            raise TableError(f"{part} is of other faces")
    except TableError as error:
        _discard(part, error)
        return False
    return True


def _discard(path: Path, error: TableError) -> None:
    print(f"{error}. It is deleted and made again.", file=sys.stderr)
    path.unlink()


def _through(
    pool: ProcessPoolExecutor, job: AcquisitionJob, tasks: Iterator[Task], ahead: int
) -> Iterator[list[AttemptedView]]:
    """The outcomes in the order of the tasks, of which at most `ahead` are under way."""
    running = deque()
    for task in tasks:
        running.append(pool.submit(job, task))
        if len(running) >= ahead:
            yield from running.popleft().result()
    while running:
        yield from running.popleft().result()


@contextmanager
def _kept_where_it_fails(path: Path) -> Iterator[None]:
    """A file that cannot be written is named, with what to do."""
    try:
        yield
    except OSError as error:
        raise ExtractionError(
            f"{path} cannot be written: {error}. What is finished is kept: make room, and give the "
            f"same command again"
        ) from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the path for this process; another that wants it waits."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        print("Another process has the same work in hand; waiting for it.", file=sys.stderr)
        lock.acquire()
    except OSError as error:  # such as another user's folder
        raise ExtractionError(
            f"the cache folder {path.parent} cannot be used ({error.strerror}): make it writable, "
            f"or name another one in {HOME_VARIABLE}"
        ) from error
    try:
        yield
    finally:
        lock.release()
