"""Tensors in safetensors files: they hold numbers and text, and nothing that could be executed.

The same tensors and note give the same bytes: the format writes several keys of metadata in random
order, so the note is kept under one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from eumlib._common.errors import EumlibError
from eumlib._common.files import atomic_path

_NOTE = "note"


class TensorFileError(EumlibError, ValueError):
    """A file of tensors that is not there, or is something else."""


def write_tensors(
    path: Path | str, tensors: Mapping[str, torch.Tensor], note: Mapping[str, str]
) -> None:
    """Write named tensors and a note of texts by name, atomically."""
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(stored, temporary, metadata={_NOTE: json.dumps(dict(note))})


def read_tensors(path: Path | str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors by name, and the note.

    Raises:
        TensorFileError: no such file, or not a safetensors file.
    """
    if not Path(path).exists():
        raise TensorFileError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt") as stored:
            names = list(stored.keys())
            note = json.loads((stored.metadata() or {}).get(_NOTE, "{}"))
            if not isinstance(note, dict):
                raise ValueError("its note is not texts by name")
            return {name: stored.get_tensor(name) for name in names}, note
    except (SafetensorError, OSError, ValueError) as error:
        raise TensorFileError(f"{path} is not a file of weights: {error}") from error
