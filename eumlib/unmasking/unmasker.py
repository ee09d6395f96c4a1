"""A trained model put to use: to pass embeddings through it, to keep it in a file, to load it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from eumlib._common.tensors import TensorFileError, read_tensors, write_tensors
from eumlib.embeddings import EmbeddingTable, mated_vectors, unit_length
from eumlib.unmasking.baselines import LinearUnmaskingModel
from eumlib.unmasking.models import (
    CentredUnmaskingModel,
    EmbeddingUnmaskingModel,
    ModelError,
    ResidualUnmaskingModel,
    UnmaskingModel,
)


def unmask(model: UnmaskingModel, embeddings: np.ndarray) -> np.ndarray:
    """Pass masked embeddings through the EUM, in evaluation mode, and scale them to unit length.

    Args:
        model: the EUM; it is left in evaluation mode.
        embeddings: ``(n, d)`` float32.

    Returns:
        ``(n, d)`` float32 of unit length.

    Raises:
        ModelError: embeddings of another dimension than the model's.
    """
    if embeddings.shape[1] != model.dim:
        raise ModelError(
            f"the model unmasks embeddings of dimension {model.dim}, and these have "
            f"{embeddings.shape[1]}: it was trained for another recogniser"
        )
    device = next(model.parameters(), torch.empty(0)).device
    with torch.inference_mode():
        unmasked = model.eval()(torch.from_numpy(embeddings).to(device))
    return unit_length(unmasked.cpu().numpy())


ARCHITECTURES = {
    model.architecture: model
    for model in (EmbeddingUnmaskingModel, ResidualUnmaskingModel, LinearUnmaskingModel)
}


@dataclass(frozen=True)
class Unmasker:
    """A trained EUM and the recogniser whose embeddings it is for.

    Attributes:
        model: the EUM.
        backbone: name of the recogniser.
    """

    model: UnmaskingModel
    backbone: str

    @classmethod
    def linear_map_of(cls, *tables: EmbeddingTable) -> Unmasker:
        """The baseline: one linear map, fitted to the masked and unmasked views of tables.

        Raises:
            TableError: a table without pictures in both views.
        """
        masked, unmasked = map(torch.from_numpy, mated_vectors(*tables)[:2])
        model = LinearUnmaskingModel.fitted(masked, unmasked)
        return cls(model, tables[0].rows["backbone"].iloc[0])

    def unmask(self, embeddings: np.ndarray, backbone: str) -> np.ndarray:
        """As `unmask`, for masked embeddings of a named recogniser.

        Raises:
            ModelError: embeddings of another recogniser than the model was trained for.
        """
        if backbone != self.backbone:
            raise ModelError(
                f"the model unmasks embeddings of {self.backbone}, and these are of {backbone}: "
                f"train one for that recogniser, or embed the faces with {self.backbone}"
            )
        return unmask(self.model, embeddings)

    def save(self, path: Path | str) -> None:
        """Write the weights, and what they are for, as safetensors, atomically."""
        inner = getattr(self.model, "inner", self.model)
        note = {
            "architecture": inner.architecture,
            "dim": str(inner.dim),
            "backbone": self.backbone,
        }
        write_tensors(path, self.model.state_dict(), note)

    @classmethod
    def load(cls, path: Path | str) -> Unmasker:
        """Read an unmasker that `save` wrote, its model in evaluation mode.

        Raises:
            ModelError: no such file, or it does not hold an unmasker.
        """
        try:
            weights, note = read_tensors(path)
            model = ARCHITECTURES[note["architecture"]](int(note["dim"]))
            if "mean" in weights:
                model = CentredUnmaskingModel(model, weights["mean"], float(weights["distance"]))
            model.load_state_dict(weights)
        except TensorFileError as error:
            raise ModelError(
                f"{error}; make a model with: python -m eumlib train --out {path}"
            ) from error
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{path} does not hold an unmasking model: {error}; a recogniser goes to: embed "
                f"--backbone, a gate to: evaluate --gate"
            ) from error
        return cls(model.eval(), note["backbone"])
