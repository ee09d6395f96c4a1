"""One training by several processes, each on its own GPU, or on cores of its own.

They are started by ``torchrun --nproc-per-node 4 -m eumlib train …``. All draw the same batches;
of every four, each process takes one, and a step follows the mean of their four gradients. So a
step has four times the triplets, and an epoch a quarter of the steps. Each judges its own batch:
batch norm and the restraint look at one batch, as ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from eumlib._common.errors import EumlibError
from eumlib._common.settings import QUIET_VARIABLE
from eumlib.embeddings import EmbeddingTable, MappedTable
from eumlib.unmasking.mapped_triplets import sampler_of
from eumlib.unmasking.models import UnmaskingModel
from eumlib.unmasking.recipes import Recipe
from eumlib.unmasking.training import Descent, Fit, descend, train_unmasker
from eumlib.unmasking.validation import Validation

PATIENCE = timedelta(days=1)  # with the first process, which may have a large table to unpack


class TogetherError(EumlibError, ValueError):
    """Processes that cannot train together."""


@contextmanager
def together() -> Iterator[int]:
    """Join the processes that ``torchrun`` started; gives the number of this one, from 0.

    The others than the first show no progress. Alone, a process is the first.

    Raises:
        TogetherError: more processes than GPUs.
    """
    if not distributed.is_torchelastic_launched():
        yield 0
        return
    gpus, here = torch.cuda.device_count(), int(os.environ["LOCAL_WORLD_SIZE"])
    if 0 < gpus < here:
        raise TogetherError(
            f"{here} processes want a GPU each, and there are {gpus}: start {gpus} of them by "
            f"--nproc-per-node {gpus}"
        )
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if gpus else "gloo", timeout=PATIENCE)
    try:
        if distributed.get_rank():
            os.environ[QUIET_VARIABLE] = "1"
        yield distributed.get_rank()
    finally:
        distributed.destroy_process_group()


@contextmanager
def the_first_before_the_others() -> Iterator[None]:
    """The first process runs the block, and then the others, who find in the cache what it left."""
    several = distributed.is_initialized()
    if several and distributed.get_rank():
        distributed.barrier()
    yield
    if several and not distributed.get_rank():
        distributed.barrier()


class SharedDescent(Descent):
    """A `Descent` of which each process of the group takes a share; all keep the same weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.steps_an_epoch:
            raise TogetherError(
                f"{super().steps_an_epoch} batches of {self.recipe.batch_size} are too few for "
                f"{distributed.get_world_size()} processes: start fewer, or take smaller batches"
            )
        for value in self.model.state_dict().values():
            distributed.broadcast(value, 0)
        self.optimiser.register_step_pre_hook(lambda *_: self._average_gradients())

    @property
    def steps_an_epoch(self) -> int:
        """Batches an epoch for each process."""
        return super().steps_an_epoch // distributed.get_world_size()

    @property
    def mine(self) -> slice:
        """Every n-th batch, where there are n processes."""
        every = distributed.get_world_size()
        return slice(distributed.get_rank(), self.steps_an_epoch * every, every)

    def mean_over_triplets(self, steps: torch.Tensor) -> list[float]:
        """As `Descent.mean_over_triplets`, over the steps of all processes."""
        of_all = [torch.empty_like(steps) for _ in range(distributed.get_world_size())]
        distributed.all_gather(of_all, steps)
        return super().mean_over_triplets(torch.cat(of_all))

    def describe(self) -> str:
        """As `Descent.describe`, and how many processes."""
        return f"{super().describe()}; {distributed.get_world_size()} processes"

    def write(self, checkpoint: Path | str) -> None:
        """As `Descent.write`, by the first process."""
        if not distributed.get_rank():
            super().write(checkpoint)

    def _average_gradients(self) -> None:
        gradients = [parameter.grad for parameter in self.model.parameters()]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        _average(flat)
        means = flat.split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))


def train_together(
    training: Sequence[EmbeddingTable | MappedTable],
    validation: Sequence[EmbeddingTable | MappedTable],
    recipe: Recipe,
    device: str = "cpu",
    checkpoint: Path | str | None = None,
) -> Fit:
    """As `eumlib.unmasking.train_unmasker`, in every process of a group; all get the same `Fit`.

    The first process validates and writes the checkpoint. A process alone trains as ever.

    Raises:
        TogetherError: fewer batches than processes.
    """
    if not distributed.is_initialized():
        return train_unmasker(training, validation, recipe, device, checkpoint)
    validate = _by_the_first(recipe, validation, device)
    return descend(SharedDescent(sampler_of(*training), recipe, device), validate, checkpoint)


def _by_the_first(
    recipe: Recipe, validation: Sequence[EmbeddingTable | MappedTable], device: str
) -> Validation:
    judge = None if distributed.get_rank() else recipe.validation(*validation)

    def validate(model: UnmaskingModel) -> float:
        for statistics in model.buffers():  # of batch norm: each process has seen its own batches
            if statistics.is_floating_point():
                _average(statistics)
        figure = torch.tensor(judge(model) if judge else 0.0, dtype=torch.float64, device=device)
        distributed.broadcast(figure, 0)
        return float(figure)

    return validate


def _average(values: torch.Tensor) -> None:
    distributed.all_reduce(values)
    values /= distributed.get_world_size()
