import numpy as np
import pytest
from builders import drawn_table, views_of

from eumlib.embeddings import MASKED, UNMASKED, unit_length
from eumlib.faces import Pair
from eumlib.verification import Comparison, FaceViews, ScoreError
from eumlib.verification.steps import STEP


@pytest.mark.parametrize("symmetric", [True, False])
def test_pairs_and_scores_agree_with_a_slow_loop(symmetric):
    table = drawn_table(people=4, pictures=3)
    bare, masked = table.of_view(UNMASKED), table.of_view(MASKED)
    references = views_of(bare)
    probes = references if symmetric else views_of(masked)
    comparison = Comparison(references, probes)
    scores = comparison.scores()
    names = references.identities
    mated, non_mated = [], []
    for i in range(len(names)):
        for j in range(len(names)):
            if i == j or (symmetric and j < i):
                continue
            score = float(np.dot(references.vectors[i], probes.vectors[j]))
            (mated if names[i] == names[j] else non_mated).append(score)
    np.testing.assert_allclose(sorted(scores.mated), sorted(mated), atol=1e-6)
    np.testing.assert_allclose(sorted(scores.non_mated), sorted(non_mated), atol=1e-6)
    assert comparison.people == 4
    assert set(scores.mated_person) == {0, 1, 2, 3}
    assert (scores.non_mated_people[:, 0] != scores.non_mated_people[:, 1]).all()


def shuffled_views(seed, views):
    """Views of nine pictures of three people; some pictures are missing, some there twice."""
    random = np.random.default_rng(seed)
    pictures = random.integers(0, 9, views)
    vectors = unit_length(random.standard_normal((views, 4)))
    return FaceViews(vectors, pictures // 3, np.array([f"picture {p}" for p in pictures]))


@pytest.mark.parametrize("seed", range(3))
def test_several_views_of_a_picture_are_compared_with_other_pictures_only(seed):
    references, probes = shuffled_views(seed, 8), shuffled_views(seed + 10, 11)
    scores = Comparison(references, probes).scores()
    expected = {True: [], False: []}
    for i in range(8):
        for j in range(11):
            if references.pictures[i] != probes.pictures[j]:
                mated = references.identities[i] == probes.identities[j]
                expected[mated].append(float(references.vectors[i] @ probes.vectors[j]))
    np.testing.assert_allclose(scores.mated, expected[True], atol=1e-6)
    np.testing.assert_allclose(scores.non_mated, expected[False], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_listed_pairs_agree_with_a_slow_search(seed):
    references, probes = shuffled_views(seed, 12), shuffled_views(seed + 10, 12)
    random = np.random.default_rng(seed)
    drawn = [random.choice(9, 2, replace=False) for _ in range(40)]
    pairs = [Pair(f"picture {a}", f"picture {b}", mated=a // 3 == b // 3) for a, b in drawn]
    scores = Comparison(references, probes, tuple(pairs)).scores()
    expected = {True: [], False: []}
    for pair in pairs:
        for i in np.flatnonzero(references.pictures == pair.reference):
            for j in np.flatnonzero(probes.pictures == pair.probe):
                expected[pair.mated].append(float(references.vectors[i] @ probes.vectors[j]))
    np.testing.assert_allclose(sorted(scores.mated), sorted(expected[True]), atol=1e-6)
    np.testing.assert_allclose(sorted(scores.non_mated), sorted(expected[False]), atol=1e-6)


def test_scores_are_rounded_to_steps_and_stay_between_minus_one_and_one():
    table = drawn_table(people=6, pictures=3)
    views = views_of(table.of_view(UNMASKED))
    scores = np.concatenate(Comparison(views, views).scores()[:2])
    np.testing.assert_array_equal(scores, np.round(scores / STEP) * STEP)
    vectors = np.ones((4, 3), np.float32) / np.sqrt(np.float32(3)) * np.float32(1.000001)
    vectors[2:] *= -1
    views = FaceViews(vectors, np.array(["a", "a", "b", "b"]), np.arange(4))
    mated, non_mated, *_ = Comparison(views, views).scores()
    assert (mated == 1).all()
    assert (non_mated == -1).all()


def test_views_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match=r"lengths \(2, 3, 2\)"):
        FaceViews(np.ones((2, 4)), np.arange(3), np.arange(2))
    four, five = (FaceViews(np.ones((2, d)), np.arange(2), np.arange(2)) for d in (4, 5))
    with pytest.raises(ScoreError, match="dimension 4 and probes of 5"):
        Comparison(four, five)


def test_embeddings_that_are_not_finite_are_refused_by_the_picture():
    vectors = np.ones((3, 2), np.float32)
    vectors[1] = np.nan
    with pytest.raises(ScoreError, match="1 embeddings are not finite, the first is of b"):
        FaceViews(vectors, np.arange(3), np.array(["a", "b", "c"]))
