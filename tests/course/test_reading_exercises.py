"""Answers that students write, right and wrong."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from eumlib.course.reading_exercises import (
    check_change_in_percent,
    check_largest_step,
    check_preservation,
    check_same_person_next_door,
)
from eumlib.maps import map_marks


def preservation(space, shown):
    return np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(space, shown, strict=True)])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda s, m: np.mean(s == m), "place by place"),
        (lambda s, m: np.mean(list(map(len, map(np.intersect1d, s, m)))), "how many are kept"),
        (lambda s, m: [len({*a} & {*b}) / len(a) for a, b in zip(s, m, strict=True)], "their mean"),
        (
            lambda s, m: np.mean(
                [len({*a} & {*b}) / len({*a, *b}) for a, b in zip(s, m, strict=True)]
            ),
            "both lists",
        ),
        (lambda s, m: np.isin(s, m).mean(), "row by row"),
        (lambda s, m: np.mean([np.isin(a, b).any() for a, b in zip(s, m, strict=True)]), "keeps"),
        (lambda s, m: 0.5, "For each row"),
    ],
)
def test_neighbours_that_a_map_keeps(answer, hint):
    assert check_preservation(preservation) is None
    assert hint in check_preservation(answer)


def test_preservation_is_that_of_the_library():
    random = np.random.default_rng(0)
    vectors, points = random.normal(size=(60, 5)), random.normal(size=(60, 2))
    nearness = [cdist(vectors, vectors, "cosine"), cdist(points, points)]
    space, shown = (np.argsort(table, axis=1)[:, 1:8] for table in nearness)
    assert preservation(space, shown) == pytest.approx(map_marks(vectors, points, 7).preservation)


def others(points):
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    return distances


def same_person_next_door(points, identity):
    return np.mean(identity[others(points).argmin(axis=1)] == identity)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda p, i: np.mean(i[cdist(p, p).argmin(axis=1)] == i), "the point itself"),
        (lambda p, i: np.mean(i[cdist(p, p).argmax(axis=1)] == i), "farthest"),
        (lambda p, i: same_person_next_door(p[:, :1], i), "one of the two coordinates"),
        (
            lambda p, i: same_person_next_door(p / np.linalg.norm(p, axis=1, keepdims=True), i),
            "direction",
        ),
        (lambda p, i: np.sum(i[others(p).argmin(axis=1)] == i), "how many"),
        (lambda p, i: i[others(p).argmin(axis=1)] == i, "for each point"),
        (lambda p, i: 0.0, "whose it is"),
    ],
)
def test_who_lives_next_door(answer, hint):
    assert check_same_person_next_door(same_person_next_door) is None
    assert hint in check_same_person_next_door(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda before, after: 100 * after - 100 * before, "percentage points"),
        (lambda before, after: 100 * (before - after) / before, "sign"),
        (lambda before, after: 100 * (after - before) / after, "new rate"),
        (lambda before, after: 100 * (before / after - 1), "new rate"),
        (lambda before, after: 100 * after / before, "how much is left"),
        (lambda before, after: (after - before) / before, "as a share"),
        (lambda before, after: after - before, "by a quarter"),
        (lambda before, after: 0, "by hand"),
    ],
)
def test_a_change_in_percent(answer, hint):
    assert check_change_in_percent(lambda before, after: 100 * (after - before) / before) is None
    assert hint in check_change_in_percent(answer)


def by_condition(place):
    def answer(table):
        found = {}
        for condition, part in table.groupby("condition"):
            found[condition] = part["trained"].loc[place(part["eer"])]
        return found

    return answer


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (by_condition(lambda eer: eer.idxmin()), "lowest EER"),
        (by_condition(lambda eer: eer.diff().shift(-1).idxmin()), "too early"),
        (by_condition(lambda eer: eer.diff().idxmax()), "raises"),
        (by_condition(lambda eer: eer.diff().abs().idxmax()), "upwards"),
        (by_condition(lambda eer: eer.pct_change().idxmin()), "in percent of the line"),
        (
            lambda t: dict.fromkeys(t["condition"], t["trained"].loc[t["eer"].diff().idxmin()]),
            "alternate",
        ),
        (lambda t: t["eer"].min(), "dict"),
    ],
)
def test_the_step_that_matters_most(answer, hint):
    assert check_largest_step(by_condition(lambda eer: eer.diff().idxmin())) is None
    assert hint in check_largest_step(answer)
