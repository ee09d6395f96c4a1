import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exploration import drawn_views

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.maps import NOBODY, explore, outcomes, people_to_compare, selection_csv, views
from eumlib.maps.views import (
    CORRECT,
    CSV_COLUMNS,
    FALSE_MATCH,
    FALSE_NON_MATCH,
    NO_REFERENCE,
    check_ids,
)
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, Unmasker

TABLE, VIEWS = drawn_views()
SIDES = [(VIEWS.before, VIEWS.vectors_before), (VIEWS.after, VIEWS.vectors_after)]


def slow_references(probe):
    """The ids of the unmasked views of other pictures."""
    row = VIEWS.rows.iloc[probe]
    return [
        other
        for other in range(len(VIEWS))
        if VIEWS.rows["view"][other] == "unmasked"
        and VIEWS.rows["image_id"][other] != row["image_id"]
    ]


def test_only_masked_views_pass_through_the_eum():
    same = (VIEWS.vectors_before == VIEWS.vectors_after).all(axis=1)
    assert same.tolist() == (~VIEWS.masked).tolist()
    np.testing.assert_array_equal(VIEWS.vectors_before, TABLE.vectors)


@pytest.mark.parametrize(("scores", "vectors"), SIDES)
def test_own_and_other_scores_agree_with_a_slow_loop(scores, vectors):
    people = VIEWS.rows["identity"]
    for probe in range(len(VIEWS)):
        own, other = [], []
        for reference in slow_references(probe):
            cosine = float(vectors[probe].astype(float) @ VIEWS.vectors_before[reference])
            (own if people[reference] == people[probe] else other).append(cosine)
        expected = max(own) if own else np.nan
        assert scores.mated[probe] == pytest.approx(expected, abs=1e-6, nan_ok=True)
        assert scores.non_mated[probe] == pytest.approx(max(other), abs=1e-6)
    assert np.isnan(scores.mated).sum() == 3  # the three views of the person with one picture


@pytest.mark.parametrize(("scores", "vectors"), SIDES)
def test_neighbours_agree_with_a_slow_sort(scores, vectors):
    ids, cosines = scores.neighbours
    assert ids.shape == cosines.shape == (len(VIEWS), 4)
    for probe in range(len(VIEWS)):
        cosine = {r: vectors[probe] @ VIEWS.vectors_before[r] for r in slow_references(probe)}
        nearest = sorted(cosine, key=cosine.get, reverse=True)[:4]
        assert ids[probe].tolist() == nearest
        np.testing.assert_allclose(cosines[probe], [cosine[r] for r in nearest], atol=1e-6)


def test_of_equal_neighbours_the_first_rows_come_first():
    tied = replace(TABLE, vectors=TABLE.vectors[np.arange(len(TABLE)) // 5 * 5])
    unmasker = Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")
    ids, cosines = explore(tied, unmasker, neighbours=6).before.neighbours
    for probe in range(len(tied)):
        cosine = {r: tied.vectors[probe] @ tied.vectors[r] for r in slow_references(probe)}
        assert ids[probe].tolist() == sorted(cosine, key=lambda r: (-cosine[r].round(5), r))[:6]
    assert (cosines[:, 1:] == cosines[:, :-1]).mean() > 0.5


def test_memory_is_that_of_a_block_of_scores(monkeypatch):
    largest = []

    def measured(products, count):
        largest.append(products.size)
        return highest(products, count)

    highest = views._highest
    monkeypatch.setattr(views, "_highest", measured)
    monkeypatch.setattr(views, "_SCORES_A_BLOCK", 40)
    unmasker = Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")
    found = explore(TABLE, unmasker, neighbours=4)
    assert max(largest) <= 40
    assert sum(largest) == 2 * len(TABLE) * (~VIEWS.masked).sum()
    np.testing.assert_array_equal(found.before.neighbours.ids, VIEWS.before.neighbours.ids)
    np.testing.assert_allclose(found.before.mated, VIEWS.before.mated, atol=1e-6)


def test_every_masked_view_is_mated_to_its_own_picture():
    for view, mate in enumerate(VIEWS.mates):
        assert VIEWS.rows["image_id"][mate] == VIEWS.rows["image_id"][view]
        assert VIEWS.rows["view"][mate] == "unmasked"
        cosine = VIEWS.vectors_after[view] @ VIEWS.vectors_before[mate]
        assert VIEWS.after.mate[view] == pytest.approx(cosine, abs=1e-6)


def test_where_there_are_few_references_nobody_fills_the_rest():
    table = TABLE.where(TABLE.rows["image_id"].isin(["p1/0", "p2/0"]).to_numpy())
    few = explore(table, Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser"), neighbours=3)
    assert few.before.neighbours.ids.tolist() == [[2, NOBODY]] * 2 + [[0, NOBODY]] * 2
    assert np.isnan(few.before.neighbours.scores[:, 1:]).all()


def test_a_masked_view_without_its_picture_has_no_mate():
    odd = TABLE.where(np.arange(len(TABLE)) != 0)  # the unmasked view of p0/0
    views = explore(odd, Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser"))
    assert views.mates[0] == NOBODY
    assert np.isnan(views.before.mate[0])
    assert not np.isnan(views.before.mate[1])


def slow_outcome(scores, probe, threshold):
    nearest = scores.neighbours.ids[probe][0]
    if np.isnan(scores.mated[probe]):
        return NO_REFERENCE
    if scores.neighbours.scores[probe][0] < threshold:
        return FALSE_NON_MATCH
    same = VIEWS.rows["identity"][nearest] == VIEWS.rows["identity"][probe]
    return CORRECT if same else FALSE_MATCH


@pytest.mark.parametrize("threshold", [-1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.01])
def test_the_nearest_reference_decides_the_outcome(threshold):
    for scores, _ in SIDES:
        expected = [slow_outcome(scores, probe, threshold) for probe in range(len(VIEWS))]
        assert outcomes(scores, threshold).tolist() == expected


def test_all_outcomes_occur_and_a_tie_is_a_false_match():
    seen = {word for t in (0.3, 0.6) for word in outcomes(VIEWS.before, t)}
    assert seen == {CORRECT, FALSE_MATCH, FALSE_NON_MATCH, NO_REFERENCE}
    tied = VIEWS.before._replace(non_mated=VIEWS.before.mated)
    assert set(outcomes(tied, -1)) == {FALSE_MATCH, NO_REFERENCE}
    at = float(VIEWS.before.mated[3])
    assert outcomes(VIEWS.before, at)[3] != FALSE_NON_MATCH  # a score at the threshold reaches it
    with pytest.raises(ValueError, match="not NaN"):
        outcomes(VIEWS.before, float("nan"))


def test_an_empty_selection_is_a_csv_without_rows():
    assert selection_csv(VIEWS, []).strip() == ",".join(CSV_COLUMNS)


def test_the_csv_gives_the_selection_back():
    read = pd.read_csv(io.StringIO(selection_csv(VIEWS, [7, 2, 2])))
    assert read["id"].tolist() == [2, 7]
    assert read["image_id"].tolist() == VIEWS.rows["image_id"].iloc[[2, 7]].tolist()


def test_unknown_ids_are_named():
    with pytest.raises(ValueError, match=f"no view has id {len(VIEWS)}; ids go from 0 to"):
        check_ids(VIEWS, [0, len(VIEWS)])


def test_tables_that_cannot_be_explored_say_why():
    unmasker = Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")
    with pytest.raises(TableError, match="there are none"):
        explore(TABLE.of_view("masked"), unmasker)
    mixed = TABLE.rows.assign(face_set=["a", *["b"] * (len(TABLE) - 1)])
    with pytest.raises(TableError, match="one face set, and this table has 2"):
        explore(EmbeddingTable(mixed, TABLE.vectors, TABLE.failures), unmasker)
    with pytest.raises(ModelError, match="another"):
        explore(TABLE, replace(unmasker, backbone="another"))


def test_only_people_with_two_pictures_are_taken_as_far_as_they_fit():
    table, _ = drawn_views(people=5, pictures=2)  # the first person has one picture
    names = table.rows["identity"].unique()
    assert people_to_compare(table, 100).rows["identity"].unique().tolist() == names[1:].tolist()
    few = people_to_compare(table, 9)
    assert few.rows["identity"].unique().tolist() == names[1:3].tolist()
    assert len(few) == 8
    with pytest.raises(TableError, match="in 3 views at most"):
        people_to_compare(table, 3)
