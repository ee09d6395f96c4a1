"""The file from which a stopped training goes on; nothing is unpickled from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from eumlib._common.tensors import read_tensors, write_tensors
from eumlib.unmasking.models import ModelError

if TYPE_CHECKING:
    from eumlib.unmasking.training import Descent


def write_checkpoint(descent: Descent, path: Path | str) -> None:
    """Write the whole state of a training between two epochs, atomically."""
    momenta = descent.optimiser.state_dict()["state"]
    weights = (
        {f"model.{name}": value for name, value in descent.model.state_dict().items()}
        | {f"best.{name}": value for name, value in descent.best_weights.items()}
        | {f"momentum.{i}": state["momentum_buffer"] for i, state in momenta.items()}
    )
    note = {
        "training": descent.describe(),
        "history": descent.history,
        "best_epoch": descent.best_epoch,
        "random": descent.random.bit_generator.state,
    }
    write_tensors(path, weights, {"checkpoint": json.dumps(note)})


def read_checkpoint(descent: Descent, path: Path | str) -> None:
    """Put a training that has not begun into the state that was written.

    Raises:
        ModelError: it is of another training, or no checkpoint.
    """
    weights, stored = read_tensors(path)
    note = json.loads(stored.get("checkpoint", "{}"))
    if note.get("training") != descent.describe():
        raise ModelError(
            f"{path} is a checkpoint of another training: delete it, or name another file.\n"
            f"it: {note.get('training')}\nthis: {descent.describe()}"
        )
    descent.history, descent.best_epoch = note["history"], note["best_epoch"]
    descent.random.bit_generator.state = note["random"]
    descent.best_weights = _under("best.", weights)
    descent.model.load_state_dict(_under("model.", weights))
    state = descent.optimiser.state_dict()
    state["state"] = {
        int(i): {"momentum_buffer": value} for i, value in _under("momentum.", weights).items()
    }
    descent.optimiser.load_state_dict(state)


def _under(prefix: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }
