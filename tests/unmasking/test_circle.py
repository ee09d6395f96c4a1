import math

import numpy as np
import pytest

from eumlib.unmasking import SelfRestrainedTripletLoss, TripletLoss, place_triplet, triplet_circle
from eumlib.unmasking.circle import angle_of

LOSSES = {"triplet": TripletLoss(), "SRT": SelfRestrainedTripletLoss()}


def slow_losses(anchor, positive, negative):
    def d(x, y):
        return 2 * (1 - math.cos(math.radians(x - y)))

    d1, d2, d3 = d(anchor, positive), d(anchor, negative), d(positive, negative)
    push = d3 if d2 >= d3 else d2
    return {"triplet": max(d1 - d2 + 1, 0), "SRT": max(d1 + 2 - push, 0)}


@pytest.mark.parametrize("degrees", [(100, 0, 60), (310, 0, 60), (5, 350, 120), (20, 0, 200)])
def test_losses_and_gradients_agree_with_a_slow_loop_and_finite_differences(degrees):
    placed = place_triplet(*degrees, LOSSES)
    anchor, *others = degrees
    step = 1e-4
    for name, tug in placed.tugs.items():
        assert tug.loss == pytest.approx(slow_losses(*degrees)[name], abs=1e-9)
        above, below = (slow_losses(anchor + s, *others)[name] for s in (step, -step))
        slope = (above - below) / (2 * math.radians(step))
        assert tug.turn == pytest.approx(-slope, abs=1e-4)


def test_beyond_the_positive_the_restraint_holds_and_the_losses_part():
    losses = {"triplet": TripletLoss(margin=2.0), "SRT": SelfRestrainedTripletLoss()}
    before, beyond = (place_triplet(angle, 0, -60, losses) for angle in (-30, 30))
    assert not before.restrained
    assert beyond.restrained
    assert beyond.tugs["SRT"].turn < 0  # back to the positive
    assert beyond.tugs["triplet"].turn > 0  # away from the negative


def test_the_figure_shows_the_points_where_they_are_and_the_way_they_turn():
    placed = place_triplet(90, 0, 180, LOSSES)
    figure = triplet_circle(placed)
    _circle, anchor, positive, negative, triplet, _srt = figure.data
    assert (anchor.x[0], anchor.y[0]) == pytest.approx((1, 0))  # clockwise from the top
    assert (positive.y[0], negative.y[0]) == pytest.approx((1, -1))
    assert triplet.y[0] == pytest.approx(0)
    assert triplet.y[1] > 0.1  # towards the positive
    text = figure.layout.annotations[0].text
    assert "d1 2.00" in text
    assert "triplet: loss 1.00" in text
    assert "anchor at 90°" in figure.layout.meta["alt"]
    assert len({trace.marker.symbol for trace in (anchor, positive, negative)}) == 3


@pytest.mark.parametrize("degrees", [0, 45, 135, -135, -45])
def test_the_angle_of_a_point(degrees):
    radius = 2 + degrees / 100
    x, y = radius * np.sin(np.radians(degrees)), radius * np.cos(np.radians(degrees))
    assert angle_of(x, y) == pytest.approx(degrees)


def test_a_loss_that_is_satisfied_has_no_arrow():
    figure = triplet_circle(place_triplet(330, 0, 60, LOSSES))
    triplet, srt = figure.data[-2:]
    assert set(triplet.x) == {None}
    assert None not in srt.x
    assert "triplet: loss 0.00, turn +0.00" in figure.layout.annotations[0].text
