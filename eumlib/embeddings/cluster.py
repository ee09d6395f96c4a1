"""Extraction on a Ray cluster: the same shards, computed by the cores of many machines.

One actor a core holds the recogniser and computes whole shards, from pictures to rows; cores of a
node with GPUs share them. A finished shard comes back to the process that asked, which alone
writes: of a killed actor or node nothing is lost but the shards that they had in hand, which others
compute again.

Every node needs this package in the same version, and sees the pictures under the same path.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from eumlib._common.clusters import joined
from eumlib._common.errors import EumlibError, shortened
from eumlib.embeddings.extraction import Extraction, ExtractionError, Shard, Step
from eumlib.embeddings.node import Order, versions

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

START_SECONDS = 120  # that the first core may take to become free and to load the packages
LOOK_SECONDS = 1.0  # between two looks at the nodes
MOST_DEATHS = 3  # of workers at one shard


@dataclass(frozen=True)
class RayCluster:
    """Has shards computed by a Ray cluster; give it to `Extraction.write_to` as ``distribute``.

    Args:
        address: ``HOST:PORT`` of the head of a cluster of which this machine is a node, or
            ``"local"`` for one of this machine's cores, which ends with the work.

    Raises:
        ClusterError: when it is called: there is no Ray, or nothing listens at the address.
        ExtractionError: a node has other versions or does not see the pictures, its disk is full,
            or a shard ends the workers that compute it; the message names the node and says what to
            do.
    """

    address: str

    def __call__(self, extraction: Extraction, shards: Sequence[Shard]) -> Iterator[Step]:
        """The steps of all shards, in whatever order they are done."""
        if shards:
            with joined(self.address) as ray:
                yield from _Crew(ray, self.address, extraction, shards).steps()


class _Worker:
    """A core of a node. It travels by value, so that a node without this package can say so."""

    def __init__(self) -> None:
        self._order = None

    def versions(self) -> dict[str, str]:
        """Of this package and what it needs, on this node; why not, where it is missing."""
        try:
            from eumlib.embeddings.node import versions
        except ImportError as error:
            return {"eumlib": f"none that can be imported ({error})"}
        return versions()

    def steps(self, packed: list[ObjectRef], shard: Shard) -> Iterator[Step]:
        """Compute a shard; the order, packed once for all, is unpacked at the first."""
        if self._order is None:
            import ray

            order = ray.get(packed[0])
            order.begin()
            self._order = order
        yield from self._order.steps(shard)


@dataclass
class _Hired:
    """A worker as the crew sees it; without a shard, it is starting."""

    actor: ActorHandle
    node: dict
    shard: Shard | None = None
    faces: int = 0  # of the shard, that are done

    @property
    def place(self) -> str:
        return f"node {self.node['NodeManagerAddress']} ({self.node['NodeManagerHostname']})"


class _Crew:
    """The workers of one extraction, and the shards that wait for them."""

    def __init__(
        self, ray: ModuleType, address: str, extraction: Extraction, shards: Sequence[Shard]
    ) -> None:
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        self._ray, self._address = ray, address
        self._worker = ray.remote(_Worker)
        self._waiting = deque(shards)
        self._deaths: Counter[int] = Counter()
        self._hired: dict[ObjectRef, _Hired] = {}  # by what is awaited of each
        self._next_look = 0.0
        # In a list, it is not unpacked before the versions are known to be the same.
        self._packed = [ray.put(Order.of(extraction, shards[0].faces))]
        exceptions = ray.exceptions
        self._lost = (
            exceptions.RayActorError, exceptions.ActorUnschedulableError,
            exceptions.ObjectLostError, exceptions.OutOfMemoryError,
            exceptions.WorkerCrashedError, exceptions.NodeDiedError,
        )  # fmt: skip

    def steps(self) -> Iterator[Step]:
        """The steps of all shards; what is lost is taken back, and done again."""
        moved = time.monotonic()
        while self._waiting or any(hired.shard for hired in self._hired.values()):
            self._hire()
            for awaited in self._ready():
                hired = self._hired.pop(awaited)
                try:
                    yield from self._heard(hired, awaited)
                except self._lost as error:
                    yield from self._take_back(hired, error)
            if any(hired.shard for hired in self._hired.values()):
                moved = time.monotonic()
            elif time.monotonic() - moved > START_SECONDS:
                raise ExtractionError(
                    f"no core of the Ray cluster at {self._address} has begun to work within "
                    f"{START_SECONDS} s: see with `ray status` whether it has nodes with free "
                    f"CPUs, and give the same command again"
                )

    def _ready(self) -> list[ObjectRef]:
        """Those of whom something has come, after waiting a little."""
        if not self._hired:
            time.sleep(LOOK_SECONDS)
            return []
        return self._ray.wait(list(self._hired), num_returns=1, timeout=LOOK_SECONDS)[0]

    def _hire(self) -> None:
        """Start a worker on each core that has none, as long as shards wait for one."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        starting = sum(hired.shard is None for hired in self._hired.values())
        taken = Counter(hired.node["NodeID"] for hired in self._hired.values())
        free = [
            (place, number, node)
            for number, node in enumerate(self._ray.nodes())
            if node["Alive"]
            for place in range(taken[node["NodeID"]], int(node["Resources"].get("CPU", 0)))
        ]
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        for _, _, node in sorted(free)[: max(0, len(self._waiting) - starting)]:
            share = node["Resources"].get("GPU", 0) / node["Resources"]["CPU"]
            actor = self._worker.options(
                num_cpus=1,
                num_gpus=math.floor(share * 10_000) / 10_000,  # Ray counts them so
                scheduling_strategy=strategy(node["NodeID"], soft=False),
            ).remote()
            self._hired[actor.versions.remote()] = _Hired(actor, node)

    def _heard(self, hired: _Hired, awaited: ObjectRef) -> Iterator[Step]:
        """What a worker has said; it goes on, or gets its next shard."""
        try:
            if hired.shard is None:
                self._compare(hired, self._ray.get(awaited))
                self._assign(hired)
                return
            step = self._ray.get(next(awaited))
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, EumlibError | OSError):
                raise ExtractionError(
                    f"{hired.place}: {error.cause}. What is finished is kept: mend it, and give "
                    f"the same command again"
                ) from error
            raise
        hired.faces += step.faces
        yield step
        if step.table is None:
            self._hired[awaited] = hired
        else:
            self._assign(hired)

    def _compare(self, hired: _Hired, theirs: dict[str, str]) -> None:
        for name, ours in versions().items():
            if theirs.get(name) != ours:
                raise ExtractionError(
                    f"{hired.place} has {name} {theirs.get(name)}, and this machine {ours}: "
                    f"install the same versions on every node"
                )

    def _assign(self, hired: _Hired) -> None:
        if self._waiting:  # else it is let go, and ends
            hired.shard, hired.faces = self._waiting.popleft(), 0
            steps = hired.actor.steps.options(num_returns="streaming")
            self._hired[steps.remote(self._packed, hired.shard)] = hired

    def _take_back(self, hired: _Hired, error: Exception) -> Iterator[Step]:
        """A worker is lost: others do its shard."""
        self._ray.kill(hired.actor)
        if hired.shard is None:
            return
        number, faces = hired.shard
        self._deaths[number] += 1
        if self._deaths[number] == MOST_DEATHS:
            raise ExtractionError(
                f"{MOST_DEATHS} workers died at the pictures {faces[0].image_id} to "
                f"{faces[-1].image_id}, the last on {hired.place}, perhaps for want of memory: "
                f"{shortened(str(error), 300)}. What is finished is kept"
            ) from error
        self._waiting.appendleft(hired.shard)
        yield Step(number, -hired.faces)
