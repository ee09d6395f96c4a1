import numpy as np
import pytest
from exploration import drawn_views

from eumlib.colouring import (
    COLOURINGS,
    OUTCOME_COLOURS,
    SCORE_COLOURS,
    by_identity,
    by_mask_colour,
    by_mask_shape,
    by_outcome,
    by_own_score,
    by_view,
    score_range,
)
from eumlib.exploring import outcomes
from eumlib.figures import GREY, SERIES

_, VIEWS = drawn_views()


@pytest.mark.parametrize("name", COLOURINGS)
def test_every_view_has_a_colour(name):
    colours = COLOURINGS[name](VIEWS, VIEWS.before, 0.5)
    assert len(colours) == len(VIEWS)
    assert all(colour[0] == "#" and len(colour) == 7 for colour in colours)


def test_outcomes_follow_the_threshold():
    for threshold in (0.3, 0.6):
        words = outcomes(VIEWS.after, threshold)
        assert by_outcome(VIEWS, VIEWS.after, threshold) == [OUTCOME_COLOURS[w] for w in words]


def test_the_scale_of_own_scores_runs_over_both_sides():
    low, high = score_range(VIEWS)
    everything = [
        x for s in (VIEWS.before, VIEWS.after) for x in (*s.own, *s.stranger) if not np.isnan(x)
    ]
    assert (low, high) == (min(everything), max(everything))
    ends = np.float32([low, (low + high) / 2, high, np.nan])
    colours = by_own_score(VIEWS, VIEWS.before._replace(own=ends), 0)
    assert [c.upper() for c in colours] == [c.upper() for c in (*SCORE_COLOURS, GREY)]


def test_a_person_a_view_and_a_mask_have_colours_of_their_own():
    rows = VIEWS.rows
    people = by_identity(VIEWS, VIEWS.before, 0)
    assert dict(zip(rows["identity"], people, strict=True)) == {
        f"p{k}": SERIES[k] for k in range(6)
    }
    assert {*zip(rows["view"], by_view(VIEWS, VIEWS.before, 0), strict=True)} == {
        ("unmasked", SERIES[0]),
        ("masked", SERIES[1]),
    }
    shapes = rows["mask_shape"].fillna("none")
    assert {*zip(shapes, by_mask_shape(VIEWS, VIEWS.before, 0), strict=True)} == {
        ("none", GREY),
        ("a", SERIES[0]),
        ("surgical", SERIES[1]),
    }
    assert {*zip(shapes, by_mask_colour(VIEWS, VIEWS.before, 0), strict=True)} == {
        ("none", GREY),
        ("a", "#ff0000"),
        ("surgical", "#add8e6"),
    }
