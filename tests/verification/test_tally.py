import numpy as np

from eumlib.verification import Comparison, FaceViews
from eumlib.verification.tally import NO_MATE, NO_RANK, Tally


def views(people):
    random = np.random.default_rng(0)
    pictures = np.arange(len(people))
    return FaceViews(random.normal(size=(len(people), 4)).astype(np.float32), people, pictures)


def test_where_both_sides_are_one_each_pair_counts_from_both_ends():
    one = views(np.array([0, 0, 1]))
    sides = Comparison(one, one).sides(np.array([0, 1]))
    mated = np.array([[1, 0], [0, 0]])
    non_mated = np.array([[[0, 0], [1, 1]], [[0, 0], [0, 0]]])  # from team 0 to team 1 alone
    found = Tally.of(sides, mated, non_mated, np.full(3, NO_MATE), np.zeros(3, int))
    assert found.mated.tolist() == [[2, 0], [0, 0]]
    assert found.non_mated[0, 1].tolist() == found.non_mated[1, 0].tolist() == [1, 1]


def test_ranks_are_in_the_order_of_the_comparison_and_none_without_a_mate():
    people = np.array([2, 0, 1])  # sides put them in another order
    sides = Comparison(views(people), views(people)).sides()
    best, ahead = np.array([5, NO_MATE, 7]), np.array([0, 9, 3])  # of persons 0, 1 and 2
    nothing = np.zeros((1, 1), int), np.zeros((1, 1, 1), int)
    found = Tally.of(sides, *nothing, best, ahead)
    assert found.ranks.tolist() == [4, 1, NO_RANK]
