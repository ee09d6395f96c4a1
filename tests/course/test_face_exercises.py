"""Answers that students write, right and wrong."""

import cv2
import numpy as np
import pytest

from eumlib.course.answers import NO_RETURN
from eumlib.course.face_exercises import (
    check_cosine,
    check_nearest,
    check_outline_e,
    check_share_not_acquired,
    check_still_visible,
    check_sunglasses,
    drawn_face,
)

norm = np.linalg.norm


def cosine(x, y):
    return x @ y / (norm(x) * norm(y))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: np.dot(x, y), "longer"),
        (lambda x, y: (x / norm(x)) @ y, "One of the two"),
        (lambda x, y: x @ (y / norm(y)), "One of the two"),
        (lambda x, y: 1 - cosine(x, y), "distance"),
        (lambda x, y: np.arccos(cosine(x, y)), "angle"),
        (lambda x, y: norm(x - y), "by hand"),
        (lambda x, y: None, NO_RETURN),
    ],
)
def test_the_score_of_two_lists(answer, hint):
    assert check_cosine(cosine) is None
    assert hint in check_cosine(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda p, r: np.argmin([cosine(p, x) for x in r]), "points elsewhere"),
        (lambda p, r: max(cosine(p, x) for x in r), "whose it is"),
        (lambda p, r: r[np.argmax([cosine(p, x) for x in r])], "where it stands"),
        (lambda p, r: np.argmax(r @ p), "long reference"),
        (lambda p, r: np.argmin(norm(r - p, axis=1)), "short reference"),
        (lambda p, r: 0, "every row"),
    ],
)
def test_the_nearest_reference(answer, hint):
    assert check_nearest(lambda p, r: np.argmax(r @ p / norm(r, axis=1))) is None
    assert check_nearest(lambda p, r: max(range(len(r)), key=lambda i: cosine(p, r[i]))) is None
    assert hint in check_nearest(answer)


def failures(outcomes):
    return sum(n for text, n in outcomes.items() if not text.startswith("found"))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda o: failures(o) / (o.total() - failures(o)), "all who were tried"),
        (lambda o: 1 - failures(o) / o.total(), "counts the others"),
        (failures, "What share"),
        (lambda o: failures(o) / o.total() * 100, "percent"),
        (lambda o: sum("found by" not in text for text in o) / len(o), "How often"),
        (lambda o: o["no face found"] / o.total(), "more than one way"),
        (lambda o: sum(n for t, n in o.items() if "found" not in t) / o.total(), "found in it"),
        (lambda o: 0.0, "Two sums"),
    ],
)
def test_the_share_not_acquired(answer, hint):
    assert check_share_not_acquired(lambda o: failures(o) / sum(o.values())) is None
    assert hint in check_share_not_acquired(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: x[:, 1] >= x[29, 1], "from the top"),
        (lambda x: x[:, 1] > x[29][1], "from the top"),
        (lambda x: x[:, 0] <= x[29, 0], "left and right"),
        (lambda x: x[:, 1] < x[29, 1], "not below itself"),
        (lambda x: np.arange(68) < 30, "round the face"),
        (lambda x: np.where(x[:, 1] <= x[29, 1])[0], "as numbers"),
        (lambda x: np.sum(x[:, 1] <= x[29, 1]), "which"),
        (lambda x: np.zeros(68, dtype=bool), "one column"),
    ],
)
def test_what_a_mask_leaves_visible(answer, hint):
    assert check_still_visible(lambda x: ~(x[:, 1] > x[29, 1])) is None
    assert check_still_visible(lambda x: [y <= x[29, 1] for _, y in x]) is None
    assert hint in check_still_visible(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: np.vstack([x[1:15], x[35:30:-1]]), "too early"),
        (lambda x: np.vstack([x[1:16], x[31:36]]), "crosses itself"),
        (lambda x: np.vstack([x[1:16], x[34:30:-1]]), "is missing"),
        (lambda x: np.vstack([x[1:16], x[35:31:-1]]), "is missing"),
        (lambda x: x[1:16], "straight"),
        (lambda x: np.vstack([x[:17], x[35:30:-1]]), "too high"),
        (lambda x: np.vstack([x[1:16], x[29]]), "shape c"),
        (lambda x: x[48:60], "Go along"),
        (lambda x: x[29], "three corners"),
        (lambda x: None, NO_RETURN),
    ],
)
def test_the_outline_of_shape_e(answer, hint):
    assert check_outline_e(lambda x: np.vstack([x[1:16], x[35:30:-1]])) is None
    assert check_outline_e(lambda x: x[[*range(31, 36), *range(15, 0, -1)]]) is None
    assert hint in check_outline_e(answer)


def box(points):
    (left, top), (right, bottom) = points.min(axis=0) - 3, points.max(axis=0) + 3
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: x[36:47], "Landmark 47 is not covered"),
        (lambda x: x[36:42], "Landmark 42 is not covered"),
        (lambda x: x[36:48], "round one eye"),
        (lambda x: box(x[27:48]), "belongs to the nose"),
        (lambda x: box(x), "belongs to the nose"),
        (lambda x: 36, "three corners"),
        (lambda x: None, NO_RETURN),
    ],
)
def test_a_pair_of_sunglasses(answer, hint):
    def hull(x):
        return cv2.convexHull(x[36:48])[:, 0]

    assert check_sunglasses(hull) is None
    assert check_sunglasses(lambda x: box(x[36:48])) is None
    assert hint in check_sunglasses(answer)


def test_the_drawn_face_has_its_parts_in_their_places():
    face = drawn_face(np.random.default_rng(0))
    assert face.shape == (68, 2)
    assert 0 < face.min() < face.max() < 400
    brows, eyes, mouth = (face[a:b, 1].mean() for a, b in ((17, 27), (36, 48), (48, 68)))
    assert brows < eyes < face[30, 1] < face[33, 1] < mouth < face[8, 1]
    assert face[0, 0] < face[36, 0] < face[39, 0] < face[42, 0] < face[45, 0] < face[16, 0]
