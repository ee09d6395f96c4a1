from collections import Counter

import numpy as np
import pytest
from builders import drawn_table

from eumlib.embeddings import TableError
from eumlib.triplets import TripletSampler


def owner_of(table):
    return {
        vector.tobytes(): (row.identity, row.image_id, row.view)
        for vector, row in zip(table.vectors, table.rows.itertuples(), strict=True)
    }


def test_an_epoch_has_every_masked_view_once_with_its_own_picture_and_a_stranger():
    table = drawn_table(people=7, pictures=3)
    owner, anchors = owner_of(table), Counter()
    for batch in TripletSampler(table).batches(6, np.random.default_rng(0)):
        for anchor, positive, negative in zip(*(part.numpy() for part in batch), strict=True):
            masked, own, other = (owner[v.tobytes()] for v in (anchor, positive, negative))
            assert (masked[2], own[2], other[2]) == ("masked", "unmasked", "unmasked")
            assert masked[:2] == own[:2]
            assert other[0] != own[0]
            anchors[masked] += 1
    assert len(anchors) == 21
    assert set(anchors.values()) == {1}


def test_negatives_are_uniform_over_all_pictures_of_others():
    table = drawn_table(people=4, pictures=3).where(np.arange(24) != 1)  # one person has 2 masked
    sampler = TripletSampler(table)
    random = np.random.default_rng(1)
    rows = np.zeros(9000, dtype=int)  # always the same anchor
    drawn = Counter(sampler.draw_negatives(rows, random).tolist())
    assert len(drawn) == len(sampler) - 2
    expected = 9000 / len(drawn)
    assert sum((count - expected) ** 2 / expected for count in drawn.values()) < 25  # χ², 8 d.o.f.


def test_the_same_seed_gives_the_same_triplets_and_another_seed_others():
    sampler = TripletSampler(drawn_table())
    first, again, other = (
        next(sampler.batches(16, np.random.default_rng(seed))) for seed in (5, 5, 6)
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not (first.anchor == other.anchor).all()


def test_a_last_batch_of_one_triplet_is_left_out():
    sampler = TripletSampler(drawn_table(people=3, pictures=3))
    sizes = [len(batch.anchor) for batch in sampler.batches(4, np.random.default_rng(0))]
    assert sizes == [4, 4]


def test_one_person_gives_no_triplets():
    with pytest.raises(TableError, match="all pictures are of p0"):
        TripletSampler(drawn_table(people=1))


def test_a_table_without_masked_views_gives_no_triplets():
    with pytest.raises(TableError, match="both a masked and an unmasked view"):
        TripletSampler(drawn_table().of_view("unmasked"))
