"""Train a rival that reaches into the network: pairs of maps, and a loop that fits on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from eumlib._common.progress import progress_bar
from eumlib.embeddings import FeatureMaps, MobileFaceNet, TableError, mated_rows
from eumlib.masks import STYLES, style_of
from eumlib.rivals.networks import NetworkRival, Unchanged, embed_maps

STEPS = 500
CLIP = 5.0  # the longest gradient
WARM_UP = 0.2  # of the steps, in which the learning rate rises


@dataclass(frozen=True)
class PairBatch:
    """Some masked views, each with the bare view of its picture.

    Attributes:
        masked: ``(b, 128, 14, 14)`` float32, early maps.
        bare: likewise.
        home: ``(b, 192)`` float32 of unit length, the recogniser's embeddings of the bare views.
        away: likewise, of the masked views.
        person: ``(b,)`` integers from 0.
        style: ``(b,)`` integers, places in `eumlib.masks.STYLES`.
        masked_chip: ``(b, 64, 64, 3)`` RGB uint8.
        bare_chip: likewise.
    """

    masked: torch.Tensor
    bare: torch.Tensor
    home: torch.Tensor
    away: torch.Tensor
    person: torch.Tensor
    style: torch.Tensor
    masked_chip: torch.Tensor
    bare_chip: torch.Tensor


class MapPairs:
    """The masked views of feature maps, each with the bare view of its picture.

    Args:
        recogniser: whose maps these are; its embeddings are where the pairs' homes are.
        maps: of one face set or of several, with whose people a rival is trained.
        people: names of the identities to keep; all without it.

    Raises:
        TableError: no picture in both views.
        BackboneError: maps of another recogniser.
    """

    def __init__(
        self,
        recogniser: MobileFaceNet,
        maps: Sequence[FeatureMaps],
        people: Sequence[str] | None = None,
    ) -> None:
        self._maps = list(maps)
        self._pairs = []  # of each table: numbers of masked rows and of their bare ones
        teacher = Unchanged.of(recogniser)
        homes, aways, persons, styles = [], [], [], []
        for table in self._maps:
            masked, bare = mated_rows(table.rows)
            identity = table.rows["identity"].to_numpy()[masked]
            kept = np.isin(identity, list(people)) if people is not None else slice(None)
            masked, bare, identity = masked[kept], bare[kept], identity[kept]
            self._pairs.append(np.column_stack([masked, bare]))
            unique, inverse = np.unique(bare, return_inverse=True)
            homes.append(embed_maps(teacher, table, unique)[inverse])
            aways.append(embed_maps(teacher, table, masked))
            persons.append(table.rows["face_set"].to_numpy()[masked] + "/" + identity)
            shapes = table.rows["mask_shape"].to_numpy()[masked]
            styles.append([STYLES.index(style_of(shape)) for shape in shapes])
        names, person = np.unique(np.concatenate(persons).astype(str), return_inverse=True)
        if not len(names):
            raise TableError("none of these people has a picture in both views")
        self.people = len(names)
        self.home = torch.from_numpy(np.concatenate(homes))
        self.away = torch.from_numpy(np.concatenate(aways))
        self.person = torch.from_numpy(person)
        self.style = torch.from_numpy(np.concatenate(styles))
        self._ends = np.cumsum([len(pairs) for pairs in self._pairs])

    def __len__(self) -> int:
        return len(self.person)

    def batch(self, numbers: np.ndarray) -> PairBatch:
        """The pairs of these numbers, ``(b,)`` integers."""
        order = np.argsort(numbers, kind="stable")  # rows are read table by table
        asked, numbers = np.argsort(order), np.asarray(numbers)[order]
        parts = []
        for table, pairs, end in zip(self._maps, self._pairs, self._ends, strict=True):
            start = end - len(pairs)
            here = pairs[numbers[(numbers >= start) & (numbers < end)] - start]
            parts.append([rows[column] for rows in (table.maps, table.chips) for column in here.T])
            table.let_go()
        masked, bare, masked_chip, bare_chip = (
            torch.from_numpy(np.concatenate(part)[asked]) for part in zip(*parts, strict=True)
        )
        numbers = numbers[asked]
        known = (each[numbers] for each in (self.home, self.away, self.person, self.style))
        return PairBatch(masked.float(), bare.float(), *known, masked_chip, bare_chip)

    def steps(self, count: int, size: int, random: np.random.Generator) -> Iterator[PairBatch]:
        """So many batches; in each round through the pairs, every pair once."""
        size = min(size, len(self))
        order = np.empty(0, int)
        for _ in range(count):
            if len(order) < size:
                order = np.concatenate([order, random.permutation(len(self))])
            numbers, order = order[:size], order[size:]
            yield self.batch(numbers)


class Lesson(nn.Module):
    """What a rival is trained for: the rival, what is needed to train it alone, and its loss.

    Attributes:
        rival: the network to be used.
        learning_rate: the highest.
    """

    learning_rate = 1e-3

    def __init__(self, rival: NetworkRival) -> None:
        super().__init__()
        self.rival = rival

    def loss_of(self, batch: PairBatch) -> torch.Tensor:
        """The loss of a batch, a tensor without shape."""
        raise NotImplementedError


def train_network(
    lesson: Lesson, pairs: MapPairs, steps: int = STEPS, batch_size: int = 64, seed: int = 0
) -> NetworkRival:
    """Train a rival by AdamW, with a learning rate that rises and falls once.

    The same lesson, pairs and seed give the same weights again on the same machine.

    Args:
        lesson: the rival and its loss; what of it can be trained, is.
        pairs: of training people.
        steps: of descent, 3 or more.
        batch_size: pairs a step.
        seed: of the batches.

    Returns:
        The lesson's rival, frozen, in evaluation mode.

    Raises:
        ValueError: the loss became infinite or not a number.

    Taught in notebook 15.
    """
    learnt = [weights for weights in lesson.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lesson.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, lesson.learning_rate, total_steps=steps, pct_start=max(WARM_UP, 2 / steps)
    )
    lesson.train()
    random = np.random.default_rng(seed)
    name = lesson.rival.architecture
    with (
        progress_bar(steps, f"training {name}", "step") as progress,
        torch.random.fork_rng(devices=[]),
    ):
        torch.manual_seed(seed)  # for layers that drop out
        for step, batch in enumerate(pairs.steps(steps, batch_size, random)):
            loss = lesson.loss_of(batch)
            if not torch.isfinite(loss):
                raise ValueError(
                    f"{name}: the loss is no longer finite in step {step}: lower the learning rate"
                )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learnt, CLIP)
            optimiser.step()
            schedule.step()
            progress.update()
    return lesson.rival.eval().requires_grad_(False)


def count_of_learnt(lesson: Lesson) -> int:
    """How many numbers of the rival itself are learnt."""
    return sum(weights.numel() for weights in lesson.rival.parameters() if weights.requires_grad)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """Rows scaled to length 1."""
    return functional.normalize(vectors, dim=1)
