"""Two processes on the loopback of this machine, started as a user starts them."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib._common.tensors import read_tensors
from eumlib.embeddings import read_table, write_table
from eumlib.unmasking import (
    EmbeddingUnmaskingModel,
    Recipe,
    SelfRestrainedTripletLoss,
    TripletSampler,
    split_for_validation,
    together,
    train_together,
    train_unmasker,
    triplet_distances,
)

RECIPE = Recipe(epochs=2, batch_size=20)
SCRIPT = """
import sys
from eumlib._common.tensors import write_tensors
from eumlib.embeddings import map_table
from eumlib.unmasking import *

with together() as process:
    with the_first_before_the_others():
        parts = split_for_validation(map_table(sys.argv[1]))
    recipe = Recipe(epochs=2, batch_size=20)
    trained = train_together(*([part] for part in parts), recipe, "cpu", sys.argv[2] + "/c")
    note = {"history": trained.history.to_json()}
    write_tensors(f"{sys.argv[2]}/{process}", trained.unmasker.model.state_dict(), note)
"""


def launched(home, *command):
    """Run a command as two processes; what they printed."""
    ours = {"EUMLIB_HOME": str(home), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
            "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1",
            *map(str, command),
        ],
        env={**os.environ, **ours}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def slow_training(sampler):
    """Two batches a step, one after the other, each with a network of its own; weights alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RECIPE.seed)
        model = EmbeddingUnmaskingModel(sampler.dim).train()
    optimiser = torch.optim.SGD(model.parameters(), 0.1, 0.9, nesterov=True)
    random = np.random.default_rng(RECIPE.seed)
    for _epoch in range(RECIPE.epochs):
        batches = list(sampler.batches(RECIPE.batch_size, random))
        for pair in zip(batches[::2], batches[1::2], strict=False):
            optimiser.zero_grad()
            for batch in pair:
                parts = model(batch.anchor), batch.positive, batch.negative
                (SelfRestrainedTripletLoss()(triplet_distances(*parts)) / 2).backward()
            optimiser.step()
    return model


@pytest.fixture(scope="module")
def of_both(tmp_path_factory):
    """The table they were trained on, and what each process had at the end."""
    folder = tmp_path_factory.mktemp("together")
    write_table(drawn_table(people=70, pictures=3), folder / "t.parquet")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "out").mkdir()
    done = launched(folder / "home", folder / "script.py", folder / "t.parquet", folder / "out")
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "home" / "vectors").iterdir())) == 1
    assert (folder / "out" / "c").exists()
    return read_table(folder / "t.parquet"), *(read_tensors(folder / "out" / n) for n in "01")


def test_both_processes_end_with_the_same_weights_and_history(of_both):
    _, (first, note), (second, other_note) = of_both
    assert note == other_note
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_a_step_follows_the_mean_of_the_gradients_of_both(of_both):
    table, (weights, _), _ = of_both
    training, _ = split_for_validation(table)
    slow = slow_training(TripletSampler(training))
    for name, value in slow.named_parameters():
        torch.testing.assert_close(weights[name], value.detach(), rtol=1e-4, atol=1e-5)


def test_alone_a_process_trains_as_ever():
    parts = [[part] for part in split_for_validation(drawn_table(people=60))]
    with together() as process:
        found = train_together(*parts, RECIPE)
    assert process == 0
    expected = train_unmasker(*parts, RECIPE)
    for name, value in expected.unmasker.model.state_dict().items():
        assert torch.equal(found.unmasker.model.state_dict()[name], value)


def test_train_writes_one_model_and_says_so_once(tmp_path, own_home):
    write_table(drawn_table(people=300), tmp_path / "t.parquet")
    out = tmp_path / "m.safetensors"
    options = ("--epochs", 1, "--out", out)
    done = launched(own_home, "-m", "eumlib", "train", "--table", tmp_path / "t.parquet", *options)
    assert done.returncode == 0, done.stderr
    assert out.exists()
    assert done.stdout.count("the best by validation") == 1
    (tmp_path / "m.safetensors").unlink()
    write_table(drawn_table(people=60), tmp_path / "t.parquet")
    done = launched(own_home, "-m", "eumlib", "train", "--table", tmp_path / "t.parquet", *options)
    assert done.returncode != 0
    assert re.search(
        r"error: 1 batches of 512 are too few for 2 processes: start fewer", done.stderr
    )
    assert not out.exists()
