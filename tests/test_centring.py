import numpy as np
import pytest
from builders import drawn_table

from eumlib.centring import Centring
from eumlib.embeddings import TableError


def test_the_mean_is_that_of_the_unmasked_training_faces_alone():
    table = drawn_table()
    slow = np.zeros(table.dim)
    unmasked = [
        v for v, view in zip(table.vectors, table.rows["view"], strict=True) if view == "unmasked"
    ]
    for vector in unmasked:
        slow += vector / len(unmasked)
    np.testing.assert_allclose(Centring.learn(table).mean, slow, atol=1e-6)


def test_several_tables_count_by_their_faces():
    few, many = drawn_table(people=2), drawn_table(people=6, seed=1)
    together = np.concatenate([t.of_view("unmasked").vectors for t in (few, many)]).mean(axis=0)
    np.testing.assert_allclose(Centring.learn(few, many).mean, together, atol=1e-6)


def test_centred_embeddings_have_unit_length_and_another_recognisers_name():
    training, test = drawn_table(), drawn_table(seed=1)
    centring = Centring.learn(training)
    centred = centring.apply(test)
    by_hand = test.vectors[3] - centring.mean
    np.testing.assert_allclose(centred.vectors[3], by_hand / np.linalg.norm(by_hand), atol=1e-6)
    assert set(centred.rows["backbone"]) == {"drawn_recogniser centred"}
    assert set(test.rows["backbone"]) == {"drawn_recogniser"}


def test_bad_input_is_refused():
    with pytest.raises(TableError, match="and there are none"):
        Centring.learn(drawn_table().of_view("masked"))
    with pytest.raises(TableError, match="dimension 8, and these have 16"):
        Centring.learn(drawn_table(dim=8)).apply(drawn_table())
