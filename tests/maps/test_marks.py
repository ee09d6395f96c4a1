import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness

from eumlib.maps import map_marks, marks

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.standard_normal((150, 6)).astype(np.float32)
PLACES = (VECTORS[:, :2] + 0.3 * RANDOM.standard_normal((150, 2))).astype(np.float32)


def slow_preservation(vectors, places, count):
    kept = 0
    for i in range(len(vectors)):
        cosine = [
            -vectors[i] @ other / np.linalg.norm(vectors[i]) / np.linalg.norm(other)
            for other in vectors
        ]
        near = [np.linalg.norm(places[i] - other) for other in places]
        others = [j for j in range(len(vectors)) if j != i]
        nearest = [set(sorted(others, key=values.__getitem__)[:count]) for values in (cosine, near)]
        kept += len(nearest[0] & nearest[1])
    return kept / count / len(vectors)


@pytest.mark.parametrize("block", [1, 1000, 2**22])
def test_the_marks_agree_with_scikit_learn_and_a_slow_loop(monkeypatch, block):
    monkeypatch.setattr(marks, "_DISTANCES_A_BLOCK", block)
    found = map_marks(VECTORS, PLACES, 7)
    expected = trustworthiness(VECTORS, PLACES, n_neighbors=7, metric="cosine")
    assert found.trustworthiness == pytest.approx(expected, abs=1e-9)
    assert found.preservation == pytest.approx(slow_preservation(VECTORS, PLACES, 7))
    assert 0.1 < found.preservation < found.trustworthiness < 0.95
    assert (found.neighbours, found.sample) == (7, None)


def test_points_on_a_circle_are_a_perfect_map_of_themselves():
    angles = np.random.default_rng(1).uniform(0, 3, 30)
    flat = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert map_marks(flat, flat, 5) == (1, 1, 5, None)


def test_few_points_have_fewer_neighbours():
    assert map_marks(VECTORS[:8], PLACES[:8], 15).neighbours == 3


def test_a_sample_is_judged_among_all_points():
    vectors = RANDOM.standard_normal((1500, 4)).astype(np.float32)
    places = vectors[:, :2] + 0.1 * RANDOM.standard_normal((1500, 2))
    everyone, found = map_marks(vectors, places, 7), map_marks(vectors, places, 7, most=500)
    assert (everyone.sample, found.sample) == (None, 500)
    assert found == map_marks(vectors, places, 7, most=500) != everyone
    assert found.trustworthiness == pytest.approx(everyone.trustworthiness, abs=0.02)
    assert found.preservation == pytest.approx(everyone.preservation, abs=0.02)
    alone = map_marks(vectors[:500], places[:500], 7)  # a map of 500 points is another thing
    assert alone.preservation > everyone.preservation + 0.04


def test_memory_is_that_of_a_block(monkeypatch):
    largest = []

    def measured(one, other):
        largest.append(len(one) * len(other))
        return cdist(one, other)

    monkeypatch.setattr(marks, "cdist", measured)
    monkeypatch.setattr(marks, "_DISTANCES_A_BLOCK", 1500)
    map_marks(VECTORS, PLACES, 7)
    assert max(largest) <= 1500
    assert sum(largest) == 150 * 150
