"""Both sides of a comparison in order, and their tiles."""

import numpy as np
import pytest
from builders import coarse_views

from eumlib.verification import Comparison


def test_sides_are_in_order_of_teams_and_people_and_know_whose_each_row_is():
    comparison = Comparison(coarse_views(1, 50), coarse_views(2, 40))
    team_of = np.random.default_rng(0).permutation(9) % 4
    sides = comparison.sides(team_of)
    assert sides.teams == 4
    given = comparison.references, comparison.probes
    for k, (side, its) in enumerate(zip((sides.left, sides.right), given, strict=True)):
        assert sorted(side.rows) == list(range(len(its)))
        assert (np.diff(side.team) >= 0).all()
        assert (np.diff(side.person) >= 0).all()
        np.testing.assert_array_equal(side.vectors, its.vectors[side.rows])
        np.testing.assert_array_equal(side.team, team_of[comparison.person_of[k][side.rows]])
        np.testing.assert_array_equal(side.picture, comparison.picture_of[k][side.rows])


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (64, 64)], ids=str)
def test_tiles_hold_every_pair_and_those_without_mates_none(symmetric, shape):
    one = coarse_views(1, 50)
    sides = Comparison(one, one if symmetric else coarse_views(2, 40)).sides()
    met = np.zeros((len(sides.left.person), len(sides.right.person)), int)
    mates = sides.left.person[:, None] == sides.right.person
    for rows, columns in sides.tiles(range(len(met)), *shape):
        part = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        met[part] += 1
        assert sides.may_have_mates(rows, columns) or not mates[part].any()
    assert met.max() == 1
    assert (np.triu(met, k=1) == np.triu(np.ones_like(met), k=1)).all()
    assert symmetric or met.all()
