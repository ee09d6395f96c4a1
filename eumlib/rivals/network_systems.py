"""The rivals that reach into the network, by the names that commands take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eumlib._common.tensors import TensorFileError, read_tensors
from eumlib.embeddings import BackboneError, MobileFaceNet
from eumlib.rivals.ffr_net import RectificationLesson, RectifiedNet
from eumlib.rivals.from_masks import GatedMaps, GateLesson
from eumlib.rivals.lessons import Lesson, MapPairs
from eumlib.rivals.maskinv import Student, StudentsLesson
from eumlib.rivals.meer import DecoupledNet, DecouplingLesson
from eumlib.rivals.networks import NetworkRival


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
    """Read a recogniser that `NetworkRival.save` wrote, in evaluation mode.

    Raises:
        BackboneError: no such file, or it holds something else, such as a model that unmasks.
    """
    try:
        weights, note = read_tensors(path)
        rival = NETWORK_SYSTEMS[note["architecture"]].rival()
        rival.load_state_dict(weights)
    except TensorFileError as error:
        raise BackboneError(
            f"{error}; make a recogniser with: python -m eumlib train --rival … --out {path}"
        ) from error
    except KeyError:
        held = note.get("architecture", "unknown")
        raise BackboneError(
            f"{path} holds no recogniser: its architecture is {held}, and recognisers are "
            f"{', '.join(NETWORK_SYSTEMS)}; models that unmask go to: evaluate --model, gates to "
            f"--gate"
        ) from None
    except RuntimeError as error:
        raise BackboneError(f"{path} does not hold these weights: {error}") from error
    return rival.eval()
