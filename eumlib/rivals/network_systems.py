"""The rivals that reach into the network, by the names that commands take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eumlib.embeddings import MobileFaceNet
from eumlib.rivals.ffr_net import RectificationLesson, RectifiedNet
from eumlib.rivals.from_masks import GatedMaps, GateLesson
from eumlib.rivals.lessons import Lesson, MapPairs
from eumlib.rivals.maskinv import Student, StudentsLesson
from eumlib.rivals.meer import DecoupledNet, DecouplingLesson
from eumlib.rivals.networks import NetworkRival, load_network


@dataclass(frozen=True)
class NetworkSystem:
    """A way to change the recogniser.

    Attributes:
        title: for tables.
        rival: what is changed.
        lesson: how it is trained.
    """

    title: str
    rival: type[NetworkRival]
    lesson: Callable[..., Lesson]

    def begin(self, recogniser: MobileFaceNet, pairs: MapPairs, seed: int = 0) -> Lesson:
        """The rival before its training, with its loss."""
        return self.lesson(self.rival.of(recogniser, seed), pairs, seed=seed)


NETWORK_SYSTEMS = {
    system.rival.architecture: system
    for system in (
        NetworkSystem("MaskInv: a student network", Student, StudentsLesson),
        NetworkSystem("FFR-Net: rectified maps", RectifiedNet, RectificationLesson),
        NetworkSystem("FROM: a gate on maps", GatedMaps, GateLesson),
        NetworkSystem("MEER: mask and identity parted", DecoupledNet, DecouplingLesson),
    )
}


def read_network(path: Path | str) -> NetworkRival:
    """Read a recogniser that `NetworkRival.save` wrote.

    Raises:
        BackboneError: as in `eumlib.rivals.networks.load_network`.
    """
    rivals = {name: system.rival for name, system in NETWORK_SYSTEMS.items()}
    return load_network(path, rivals)
