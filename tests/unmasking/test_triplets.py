from collections import Counter

import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.unmasking import (
    Triplets,
    TripletSampler,
    drawn_negatives,
    hardest_negatives,
    semi_hard_negatives,
)


def owner_of(table):
    return {
        vector.tobytes(): (row.identity, row.image_id, row.view)
        for vector, row in zip(table.vectors, table.rows.itertuples(), strict=True)
    }


def test_an_epoch_has_every_masked_view_once_with_its_own_picture_and_a_stranger():
    table = drawn_table(people=7, pictures=3)
    owner, anchors = owner_of(table), Counter()
    for batch in TripletSampler(table).batches(6, np.random.default_rng(0)):
        parts = (batch.anchor.numpy(), batch.positive.numpy(), batch.negative.numpy())
        for anchor, positive, negative in zip(*parts, strict=True):
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


def drawn_slowly(people, batch_size, random):
    """The draws behind the weights in data/: the epoch's order, then each batch's strangers."""
    order = random.permutation(len(people))
    for rows in (order[i : i + batch_size] for i in range(0, len(order), batch_size)):
        strangers = [np.flatnonzero(people != people[row]) for row in rows]
        numbers = random.integers(0, [len(others) for others in strangers])
        yield rows, [others[i] for others, i in zip(strangers, numbers, strict=True)]


def test_the_draws_are_those_behind_the_weights_that_come_with_the_workbook():
    table = drawn_table(people=7, pictures=3)  # its rows stand sorted by person
    sampler, random, slow = TripletSampler(table), *map(np.random.default_rng, (3, 3))
    masked, unmasked = (table.vectors[rows] for rows in table.mated_views())
    for _epoch in range(2):
        draws = drawn_slowly(sampler.person.numpy(), 8, slow)
        for batch, (rows, negatives) in zip(sampler.batches(8, random), draws, strict=True):
            np.testing.assert_array_equal(batch.anchor, masked[rows])
            np.testing.assert_array_equal(batch.positive, unmasked[rows])
            np.testing.assert_array_equal(batch.negative, unmasked[negatives])


def test_a_last_batch_of_one_triplet_is_left_out():
    sampler = TripletSampler(drawn_table(people=3, pictures=3))
    sizes = [len(batch.anchor) for batch in sampler.batches(4, np.random.default_rng(0))]
    assert sizes == [4, 4]


def test_one_person_gives_no_triplets():
    with pytest.raises(TableError, match="all pictures are of drawn/p0"):
        TripletSampler(drawn_table(people=1))


def test_a_table_without_masked_views_gives_no_triplets():
    with pytest.raises(TableError, match="both a masked and an unmasked view"):
        TripletSampler(drawn_table().of_view("unmasked"))


def test_the_person_of_a_triplet_is_that_of_its_anchor():
    table = drawn_table(people=5, pictures=4)
    owner, numbers = owner_of(table), {}
    for batch in TripletSampler(table).batches(6, np.random.default_rng(0)):
        for anchor, person in zip(batch.anchor.numpy(), batch.person.tolist(), strict=True):
            numbers.setdefault(owner[anchor.tobytes()][0], set()).add(person)
    assert sorted(numbers.values(), key=min) == [{0}, {1}, {2}, {3}, {4}]


def renamed(table, face_set):
    rows = table.rows.assign(face_set=face_set)
    return EmbeddingTable(rows, table.vectors, table.failures)


def test_several_tables_give_the_triplets_of_all_and_mix_their_strangers():
    tables = [
        renamed(drawn_table(people=2, pictures=50, seed=seed), f"set{seed}") for seed in (1, 2)
    ]
    owners = [owner_of(table) for table in tables]
    sampler, mixed = TripletSampler(*tables), set()
    assert len(sampler) == 200
    for batch in sampler.batches(50, np.random.default_rng(0)):
        for anchor, negative in zip(batch.anchor.numpy(), batch.negative.numpy(), strict=True):
            sets = [
                next(i for i, owner in enumerate(owners) if vector.tobytes() in owner)
                for vector in (anchor, negative)
            ]
            mixed.add(tuple(sets))
    assert mixed == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_people_of_the_same_name_in_two_face_sets_are_two_people():
    table = drawn_table(people=1)
    assert len(TripletSampler(renamed(table, "here"), renamed(table, "there"))) == 8


def test_tables_of_two_recognisers_are_refused():
    other = drawn_table()
    rows = other.rows.assign(backbone="another")
    with pytest.raises(TableError, match=r"one recogniser, not \['another', 'drawn_recogniser'\]"):
        TripletSampler(drawn_table(), EmbeddingTable(rows, other.vectors, other.failures))


def test_embeddings_that_are_not_finite_are_refused_by_row():
    table = drawn_table()
    table.vectors[5, 2] = np.nan
    with pytest.raises(
        TableError, match="1 embeddings are not finite; the first is row 5, the masked view of p0/2"
    ):
        TripletSampler(table)


def test_the_fingerprint_changes_with_the_embeddings_and_not_with_the_object():
    table = drawn_table()
    before = TripletSampler(table).fingerprint
    assert TripletSampler(drawn_table()).fingerprint == before
    table.vectors[0, 0] += 0.01
    assert TripletSampler(table).fingerprint != before


def cosine(x, y):
    return float(np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y))


@pytest.fixture
def triplets():
    generator = torch.Generator().manual_seed(0)
    anchor, positive, negative = (torch.randn(30, 4, generator=generator) for _ in range(3))
    person = torch.arange(30) // 3
    return Triplets(anchor, positive, negative, person)


def slow_choice(output, triplets, allowed):
    """The nearest positive of another person among those allowed, or the drawn negative."""
    chosen = []
    for i, anchor in enumerate(output.numpy()):
        own = cosine(anchor, triplets.positive[i].numpy())
        best, best_cosine = triplets.negative[i], -2.0
        for j, other in enumerate(triplets.positive):
            score = cosine(anchor, other.numpy())
            stranger = triplets.person[i] != triplets.person[j]
            if stranger and allowed(score, own) and score > best_cosine:
                best, best_cosine = other, score
        chosen.append(best)
    return torch.stack(chosen)


def test_drawn_negatives_are_those_of_the_sampler(triplets):
    assert drawn_negatives(triplets.anchor, triplets) is triplets.negative


def test_hardest_negatives_agree_with_a_slow_loop(triplets):
    expected = slow_choice(triplets.anchor, triplets, lambda score, own: True)
    assert torch.equal(hardest_negatives(triplets.anchor, triplets), expected)


def test_semi_hard_negatives_agree_with_a_slow_loop(triplets):
    near = triplets._replace(anchor=triplets.positive + 0.8 * triplets.anchor)
    expected = slow_choice(near.anchor, near, lambda score, own: score < own)
    chosen = semi_hard_negatives(near.anchor, near)
    assert torch.equal(chosen, expected)
    assert not torch.equal(chosen, hardest_negatives(near.anchor, near))


@pytest.mark.parametrize("choose", [hardest_negatives, semi_hard_negatives])
def test_where_there_is_no_stranger_to_choose_the_drawn_negative_stays(triplets, choose):
    alone = triplets._replace(person=torch.zeros(30, dtype=torch.long))
    assert torch.equal(choose(alone.anchor, alone), alone.negative)


@pytest.mark.parametrize("choose", [hardest_negatives, semi_hard_negatives])
def test_a_choice_is_no_path_for_gradients(triplets, choose):
    output = triplets.anchor.clone().requires_grad_()
    assert not choose(output, triplets).requires_grad
