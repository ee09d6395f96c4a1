from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from builders import drawn_table

from eumlib.embeddings import TableError, map_table, read_table, write_table
from eumlib.unmasking import (
    FAITHFUL,
    MappedTripletSampler,
    Recipe,
    TripletSampler,
    decidability,
    fit,
    semi_hard_negatives,
    split_for_validation,
    train_unmasker,
)

TABLE = drawn_table(people=70, pictures=3)
BLOCKS = (1, 4000, 2**28)  # bytes: a batch, some batches, an epoch


@pytest.fixture
def path(tmp_path, own_home):
    mixed = np.random.default_rng(0).permutation(len(TABLE))
    path = tmp_path / "t.parquet"
    table = replace(
        TABLE, rows=TABLE.rows.iloc[mixed].reset_index(drop=True), vectors=TABLE.vectors[mixed]
    )
    write_table(table, path, "float16")
    return path


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("block", BLOCKS)
def test_triplets_from_disk_are_those_from_memory_whatever_the_block(path, block):
    table = read_table(path)
    memory, disk = TripletSampler(table), MappedTripletSampler(map_table(path), block=block)
    assert (len(disk), disk.dim, disk.backbone) == (len(memory), memory.dim, memory.backbone)
    for draw in (lambda s, r: s.batches(20, r), lambda s, r: s.steps(25, 20, r)):
        randoms = [np.random.default_rng(3) for _ in range(2)]
        for _epoch in range(2):
            batches = zip(draw(memory, randoms[0]), draw(disk, randoms[1]), strict=True)
            assert all(same(one, other) for one, other in batches)
        assert randoms[0].random() == randoms[1].random()  # nothing is drawn ahead


@pytest.mark.parametrize(
    "recipe",
    [
        replace(FAITHFUL, epochs=2, batch_size=20),
        Recipe(
            reach=0.9, choose_negatives=semi_hard_negatives, validation=decidability, epochs=3,
            steps_an_epoch=7, batch_size=20,
        ),
    ],
)  # fmt: skip
def test_the_block_does_not_change_the_weights(path, recipe):
    in_memory = [[part] for part in split_for_validation(read_table(path))]
    training, validation = split_for_validation(map_table(path))
    expected = train_unmasker(*in_memory, recipe)
    for block in BLOCKS:
        sampler = MappedTripletSampler(training, block=block)
        found = fit(sampler, recipe, recipe.validation(validation))
        pd.testing.assert_frame_equal(found.history, expected.history, check_exact=True)
        weights = expected.unmasker.model.state_dict()
        assert same(found.unmasker.model.state_dict().values(), weights.values())


def test_tables_on_disk_and_in_memory_are_trained_on_together(path):
    other = drawn_table(people=5, seed=1)
    other.rows["face_set"] = "another"
    memory, disk = (
        TripletSampler(read_table(path), other),
        MappedTripletSampler(map_table(path), other),
    )
    batches = (sampler.batches(50, np.random.default_rng(0)) for sampler in (memory, disk))
    assert all(same(one, two) for one, two in zip(*batches, strict=True))
    torch.testing.assert_close(memory.positives, disk.positives, rtol=0, atol=0)


def test_some_positives_are_every_nth(path):
    memory, disk = TripletSampler(read_table(path)), MappedTripletSampler(map_table(path))
    for at_most in (1000, 100):
        few = disk.some_positives(at_most)
        assert torch.equal(few, memory.some_positives(at_most))
        assert len(few) <= at_most
    assert torch.equal(memory.some_positives(1000), memory.positives)


def test_the_fingerprint_tells_tables_and_parts_of_them_apart(path):
    table = map_table(path)
    parts = (table, map_table(path), *split_for_validation(table))
    prints = [MappedTripletSampler(part).fingerprint for part in parts]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_one_person_on_disk_gives_no_triplets(tmp_path, own_home):
    write_table(drawn_table(people=1), tmp_path / "t.parquet")
    with pytest.raises(TableError, match="all pictures are of drawn/p0"):
        MappedTripletSampler(map_table(tmp_path / "t.parquet"))
