"""The compiled loops against NumPy and against loops over pairs; tiles of all shapes."""

import numpy as np
import pytest
from builders import drawn_table
from oracles import slow_ranks

from eumlib.verification import ComparedViews, Comparison, FaceViews, ScoreCounts, counting, measure
from eumlib.verification import comparison as module
from eumlib.verification.steps import STEPS


def views(seed, count, people=7, pictures=20):
    """Views of pictures of few people, some pictures several times, in no order.

    Their products are exact, so that it does not matter in which order a tile's are summed.
    """
    random = np.random.default_rng(seed)
    picture = random.integers(0, pictures, count)
    vectors = random.integers(-2, 3, (count, 6)).astype(np.float32) / 4
    return FaceViews(vectors, picture % people, picture)


def compared(name):
    one, other = views(1, 90), views(2, 70)
    return Comparison(one, one) if name == "symmetric" else Comparison(one, other)


@pytest.fixture(params=[(1, 1), (3, 7), (256, 2048)], ids=str)
def tiles(request, monkeypatch):
    monkeypatch.setattr(counting, "TILE_ROWS", request.param[0])
    monkeypatch.setattr(counting, "TILE_COLUMNS", request.param[1])


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("name", ["symmetric", "two sides"])
def test_scores_are_counted_to_the_last_pair(name):
    comparison = compared(name)
    counts = comparison.counter.count_scores(comparison.sides())
    scores = comparison.scores()
    for kind, listed in zip(counts, (scores.mated, scores.non_mated), strict=True):
        expected = np.bincount(np.rint(listed * STEPS).astype(int) + STEPS, minlength=len(kind))
        np.testing.assert_array_equal(kind, expected)


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("name", ["symmetric", "two sides"])
def test_teams_and_ranks_are_counted_to_the_last_pair(name):
    comparison = compared(name)
    team_of = np.random.default_rng(0).permutation(comparison.people) % 3
    edges = np.sort(np.random.default_rng(1).integers(-STEPS, STEPS, 20))
    edges[-1] = STEPS  # the highest score there can be
    mated, non_mated = np.zeros((3, 21), int), np.zeros((3, 3, 21), int)
    (left, right), ways = comparison.person_of, 2 if comparison.symmetric else 1
    for i in range(len(left)):
        for j in range(i + 1 if comparison.symmetric else 0, len(right)):
            block = comparison.block(np.array([i]), np.array([j]))
            if not block.compared[0, 0]:
                continue
            passed = int((edges <= block.steps[0, 0]).sum())
            one, other = team_of[left[i]], team_of[right[j]]
            if left[i] == right[j]:
                mated[one, passed] += ways
            else:
                non_mated[one, other, passed] += 1
                if comparison.symmetric:
                    non_mated[other, one, passed] += 1
    found = comparison.counter.tally(comparison.sides(team_of), edges)
    np.testing.assert_array_equal(found.mated, mated)
    np.testing.assert_array_equal(found.non_mated, non_mated)
    np.testing.assert_array_equal(found.ranks, slow_ranks(comparison))


@pytest.mark.parametrize("setting", ["UMR-UMP", "UMR-MP", "MR-MP"])
def test_every_figure_and_interval_is_the_one_that_numpy_gives(setting, monkeypatch):
    table = drawn_table(people=300, pictures=3, noise=1.5)
    comparison = ComparedViews.of_table(table).compare(setting)
    numpy = measure(comparison, None, resamples=10, seed=3)
    monkeypatch.setattr(module, "FEW", 0)
    numba = measure(comparison, None, resamples=10, seed=3)
    assert numba.values == numpy.values
    assert numba.draws.equals(numpy.draws)


def test_stripes_hold_every_row_once_and_enough_for_all_cores():
    one = views(1, 20_000)
    stripes = counting.stripes(Comparison(one, one).sides())
    assert [row for stripe in stripes for row in stripe] == list(range(20_000))
    assert len(stripes) >= counting.STRIPES / 2
    assert all(stripe.start % counting.TILE_ROWS == 0 for stripe in stripes)


def test_scores_beyond_one_are_one_and_a_bin_may_hold_many_pairs(monkeypatch):
    monkeypatch.setattr(module, "FEW", 0)
    same = np.ones((600, 3), np.float32) / np.sqrt(np.float32(3)) * np.float32(1.000001)
    one = FaceViews(same, np.arange(600) // 2, np.arange(600))
    counts = ScoreCounts.of_comparison(Comparison(one, one))
    assert counts.scores.tolist() == [1.0]
    assert (counts.mated[0], counts.non_mated[0]) == (300, 600 * 599 // 2 - 300)
