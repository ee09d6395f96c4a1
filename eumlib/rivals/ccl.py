"""CCL: who wears a mask? Trained on pairs that differ in the mask and in nothing else.

Liu et al., "Contrastive Context-Aware Learning for 3D High-Fidelity Mask Face Presentation Attack
Detection", IEEE TIFS 17 (2022), arXiv 2104.06148, tell a face from a mask of that face, with pairs
of one subject, one material, one light. Their masks, of plaster and resin, are not to be had; cloth
over mouth and nose stands in for them, and what is built of the idea is a gate: which embeddings
are of masked faces, and have to go through the EUM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.reducers import MeanReducer
from torch import nn
from torch.nn import functional

from eumlib._common.progress import progress_bar
from eumlib._common.tensors import TensorFileError, read_tensors, write_tensors
from eumlib._common.threads import torch_threads
from eumlib.embeddings import MASKED, UNMASKED, EmbeddingTable, TableError
from eumlib.masks import style_of
from eumlib.unmasking import ModelError, Unmasker
from eumlib.verification import ComparedViews

ARCHITECTURE = "mask gate"
FEATURES = 16


class MaskGate(nn.Module):
    """Whether an embedding is of a masked face: ``(n, d)`` float to logits ``(n,)``, above 0 if so.

    A layer of 64, LeakyReLU, a layer of 16 features, and a plane through them. Taught in notebook
    13.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.features = nn.Sequential(
            nn.Linear(dim, 64), nn.LeakyReLU(0.2), nn.Linear(64, FEATURES)
        )
        self.plane = nn.Linear(FEATURES, 1)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Logits ``(n,)``; ValueError for embeddings of another width."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dim:
            raise ValueError(
                f"this gate takes embeddings (n, {self.dim}), not {tuple(embeddings.shape)}"
            )
        return self.plane(self.features(embeddings))[:, 0]


class ContextPairs:
    """Masked faces, each with the bare face of the same picture and another in the same mask.

    Args:
        tables: of one recogniser, with pictures in both views.

    Raises:
        TableError: no picture in both views.
    """

    def __init__(self, *tables: EmbeddingTable) -> None:
        parts = [(table, *table.mated_views()) for table in tables]
        self._masked, self._bare = (
            torch.from_numpy(np.concatenate([part[0].vectors[part[1 + side]] for part in parts]))
            for side in (0, 1)
        )
        kinds = np.concatenate(
            [
                table.rows["mask_shape"].map(style_of).to_numpy()[masked]
                for table, masked, _ in parts
            ]
        )
        order = np.argsort(kinds, kind="stable")
        self._masked, self._bare = self._masked[order], self._bare[order]
        _, self._first, self._kind, self._count = np.unique(
            kinds[order], return_index=True, return_inverse=True, return_counts=True
        )

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self._masked.shape[1]

    def steps(
        self, count: int, batch_size: int, random: np.random.Generator
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """So many batches: masked faces, the same ones bare, and others in the same kind of mask.

        Each is ``(batch_size, d)``.
        """
        for _ in range(count):
            rows = random.integers(len(self._masked), size=batch_size)
            kind = self._kind[rows]
            others = self._first[kind] + random.integers(self._count[kind])
            yield self._masked[rows], self._bare[rows], self._masked[others]


def context_aware_loss(
    gate: MaskGate, masked: torch.Tensor, bare: torch.Tensor, same_mask: torch.Tensor
) -> torch.Tensor:
    """L = cross-entropy + contrast of the features of pairs.

    Like pairs, two people in one kind of mask and two bare people, are drawn together by ‖z − z′‖;
    unlike ones, one picture with its mask and without, are pushed apart by max(1 − ‖z − z′‖, 0),
    with z scaled to length 1.

    Args:
        gate: gives features z and logits.
        masked: ``(N, d)``.
        bare: ``(N, d)``, row i the same picture as masked row i.
        same_mask: ``(N, d)``, row i somebody in the same kind of mask.
    """
    features = gate.features(torch.cat([masked, bare, same_mask]))
    count = len(masked)
    worn = features.new_ones(3 * count)
    worn[count : 2 * count] = 0
    decided = functional.binary_cross_entropy_with_logits(gate.plane(features)[:, 0], worn)
    i = torch.arange(count, device=features.device)
    like = torch.cat([i, count + i]), torch.cat([2 * count + i, count + i.roll(1)])
    contrast = ContrastiveLoss(pos_margin=0, neg_margin=1, reducer=MeanReducer())
    labels = torch.arange(len(features), device=features.device)  # the pairs are given
    return decided + contrast(features, labels, (*like, i, count + i))


def train_gate(
    training: Sequence[EmbeddingTable],
    steps: int = 2000,
    batch_size: int = 256,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> MaskGate:
    """A gate, trained by Adam, whose rate falls to 0 on a line; in evaluation mode.

    Args:
        training: tables of one recogniser with faces in both views, people of nobody too.
        steps: of `batch_size` pictures each.
        learning_rate: of the first step.
        seed: of weights and batches.

    Raises:
        TableError: no picture in both views.
    """
    pairs, random = ContextPairs(*training), np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gate = MaskGate(pairs.dim)
    optimiser = torch.optim.Adam(gate.parameters(), learning_rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, steps)
    with torch_threads(1), progress_bar(steps, "training the gate", "step") as progress:
        for batch in pairs.steps(steps, batch_size, random):
            loss = context_aware_loss(gate, *batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            falling.step()
            progress.update()
    return gate.eval()


@dataclass(frozen=True)
class Gate:
    """A trained gate and the recogniser whose embeddings it is for.

    Attributes:
        network: tells who wears a mask.
        backbone: name of the recogniser.
    """

    network: MaskGate
    backbone: str

    @classmethod
    def trained_on(cls, *tables: EmbeddingTable, steps: int = 2000, seed: int = 0) -> Gate:
        """As `train_gate`; TableError for tables of several recognisers."""
        names = {name for table in tables for name in table.rows["backbone"].unique()}
        if len(names) != 1:
            raise TableError(f"a gate is for one recogniser, not for {sorted(names)}")
        return cls(train_gate(tables, steps, seed=seed), names.pop())

    def wears_mask(self, embeddings: np.ndarray, backbone: str) -> np.ndarray:
        """Which of the embeddings ``(n, d)`` of a named recogniser are of masked faces, ``(n,)``.

        Raises:
            ModelError: they are of another recogniser.
        """
        if backbone != self.backbone:
            raise ModelError(
                f"the gate is for embeddings of {self.backbone}, and these are of {backbone}"
            )
        with torch.inference_mode():
            return (self.network(torch.from_numpy(embeddings)) > 0).numpy()

    def errors(self, table: EmbeddingTable) -> tuple[float, float]:
        """The shares of masked faces taken for bare, and of bare faces taken for masked.

        NaN for views that the table has not. ModelError for embeddings of another recogniser.
        """
        worn = self.wears_mask(table.vectors, table.rows["backbone"].iloc[0])
        taken = pd.Series(worn).groupby(table.rows["view"].to_numpy()).mean()
        return 1 - taken.get(MASKED, np.nan), taken.get(UNMASKED, np.nan)

    def save(self, path: Path | str) -> None:
        """Write the weights, and what they are for, as safetensors, atomically."""
        note = {
            "architecture": ARCHITECTURE,
            "dim": str(self.network.dim),
            "backbone": self.backbone,
        }
        write_tensors(path, self.network.state_dict(), note)

    @classmethod
    def load(cls, path: Path | str) -> Gate:
        """Read a gate that `save` wrote.

        Raises:
            ModelError: no such file, or it holds something else.
        """
        try:
            weights, note = read_tensors(path)
            if note.get("architecture") != ARCHITECTURE:
                raise ValueError(f"it holds {note.get('architecture', 'something else')!r}")
            network = MaskGate(int(note["dim"]))
            network.load_state_dict(weights)
        except (TensorFileError, KeyError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{path} does not hold a gate ({error}); EUMs go to: evaluate --model; "
                f"a gate is made by: python -m eumlib train --rival ccl --nobody 12000 --out …"
            ) from error
        return cls(network.eval(), note["backbone"])


@dataclass(frozen=True)
class GatedUnmasker:
    """An unmasker behind a gate: bare faces pass as they are. It stands in for an `Unmasker`.

    Attributes:
        gate: decides who passes through the unmasker.
        unmasker: of the same recogniser.
    """

    gate: Gate
    unmasker: Unmasker

    @property
    def backbone(self) -> str:
        """Name of the recogniser."""
        return self.unmasker.backbone

    def unmask(self, embeddings: np.ndarray, backbone: str) -> np.ndarray:
        """As `Unmasker.unmask`, of bare and masked faces ``(n, d)``.

        Raises:
            ModelError: embeddings of another recogniser than gate or unmasker are for.
        """
        worn = self.gate.wears_mask(embeddings, backbone)
        answers = embeddings.copy()
        if worn.any():
            answers[worn] = self.unmasker.unmask(embeddings[worn], backbone)
        return answers


def streams_through(
    views: ComparedViews, gate: Gate, unmaskers: Mapping[str, Unmasker]
) -> dict[str | None, ComparedViews]:
    """A stream of bare and masked probes, and how each unmasker may deal with it.

    Returns:
        By name, as `eumlib.verification.evaluate_views` takes them: under None the stream as it is;
        for each unmasker the stream behind the gate, with all of it unmasked, and with what is
        masked unmasked by somebody who knows.

    Raises:
        ModelError: the gate or an unmasker is for another recogniser.
    """
    streams = {None: views.as_stream()}
    for name, unmasker in unmaskers.items():
        streams |= {
            f"{name}, by the gate": views.as_stream().through(GatedUnmasker(gate, unmasker)),
            f"{name}, everyone": views.as_stream().through(unmasker),
            f"{name}, truth known": views.through(unmasker).as_stream(),
        }
    return streams
