import numpy as np
import pytest
from exploration import drawn_views

from eumlib.exploring import outcomes
from eumlib.view_cards import describe_view, neighbours_of, view_card

_, VIEWS = drawn_views()


def test_a_view_is_described_in_one_line():
    assert describe_view(VIEWS, 0) == "p0, picture p0/0, no mask, id 0"
    assert describe_view(VIEWS, 3) == "p1, picture p1/0, mask a, id 3"


@pytest.mark.parametrize("scores", [VIEWS.before, VIEWS.after])
def test_the_table_of_neighbours_says_who_they_are(scores):
    table = neighbours_of(VIEWS, scores, 3)
    assert table["id"].tolist() == scores.neighbours.ids[3].tolist()
    np.testing.assert_array_equal(table["score"], scores.neighbours.scores[3])
    for _, row in table.iterrows():
        assert VIEWS.rows["identity"][row["id"]] == row["identity"]
        assert row["person"] == ("✓ same" if row["identity"] == "p1" else "✗ other")


def test_the_card_holds_scores_outcome_and_neighbours():
    card = view_card(VIEWS, 3, 0.5)
    for side in (VIEWS.before, VIEWS.after):
        assert f"{side.own[3]:.3f}" in card
        assert outcomes(side, 0.5)[3] in card
        assert VIEWS.rows["image_id"][side.neighbours.ids[3, 0]] in card
    assert "at 0.500" in card
