"""Tensors in safetensors files: they hold numbers and text, and nothing that could be executed.

A file carries the SHA-256 of its contents, so that a damaged one is not mistaken for weights. The
same tensors and note give the same bytes: the format writes several keys of metadata in random
order, so all of the note is kept under one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from eumlib._common.errors import EumlibError, shortened
from eumlib._common.files import atomic_path

_NOTE, _DIGEST = "note", "sha256"


class TensorFileError(EumlibError, ValueError):
    """A file of tensors that is not there, or is something else."""


def write_tensors(
    path: Path | str, tensors: Mapping[str, torch.Tensor], note: Mapping[str, str]
) -> None:
    """Write named tensors and a note of texts by name, atomically."""
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    whole = {**note, _DIGEST: _digest(stored, note)}
    with atomic_path(path) as temporary:
        try:
            save_file(stored, temporary, metadata={_NOTE: json.dumps(whole)})
        except SafetensorError as error:  # it has the system's error as text alone
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else errno.EIO, str(error)) from error


def read_tensors(path: Path | str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors by name, and the note.

    Raises:
        TensorFileError: no such file, not a safetensors file of this project, or a damaged one.
    """
    if not Path(path).exists():
        raise TensorFileError(f"there is no file {path}")
    if not Path(path).is_file():  # a pipe would be waited for
        raise TensorFileError(f"{path} is not a file of weights, but a folder, a pipe or a device")
    try:
        with safe_open(path, framework="pt") as stored:
            note = json.loads((stored.metadata() or {}).get(_NOTE, "{}"))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        texts = isinstance(note, dict) and all(isinstance(text, str) for text in note.values())
        if not texts or _DIGEST not in note:
            raise ValueError("it is not of this project, which notes texts and a SHA-256 in it")
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise TensorFileError(
            f"{path} is not a file of weights: {shortened(str(error), 200)}"
        ) from error
    if note.pop(_DIGEST) != _digest(tensors, note):
        raise TensorFileError(f"{path} is damaged: its SHA-256 is not the one noted in it")
    return tensors, note


def _digest(tensors: Mapping[str, torch.Tensor], note: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(note), sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
