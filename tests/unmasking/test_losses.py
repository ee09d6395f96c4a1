import math

import pytest
import torch

from eumlib.unmasking import (
    SelfRestrainedTripletLoss,
    TripletDistances,
    TripletLoss,
    restraint_holds,
    triplet_distances,
)

ANCHOR = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
FAR = (ANCHOR, [[0.8, 0.6], [0.6, 0.8]], [[-0.6, 0.8], [0.8, -0.6]])
NEAR = (ANCHOR, [[0.6, 0.8], [0.8, 0.6]], [[0.8, -0.6], [-0.6, 0.8]])


def distances(triplet):
    return triplet_distances(*(torch.as_tensor(part) for part in triplet))


def slow_distances(anchor, positive, negative):
    def squared(x, y):
        x = [value / math.sqrt(sum(v * v for v in x)) for value in x]
        y = [value / math.sqrt(sum(v * v for v in y)) for value in y]
        return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))

    rows = list(zip(anchor.tolist(), positive.tolist(), negative.tolist(), strict=True))
    return (
        [squared(a, p) for a, p, _ in rows],
        [squared(a, n) for a, _, n in rows],
        [squared(p, n) for _, p, n in rows],
    )


def slow_srt(d1, d2, d3, margin):
    count = len(d1)
    mean2, mean3 = sum(d2) / count, sum(d3) / count
    if mean2 >= mean3:
        return sum(max(one + margin - mean3, 0) for one in d1) / count
    return sum(max(one + margin - two, 0) for one, two in zip(d1, d2, strict=True)) / count


@pytest.fixture
def random_batch():
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(40, 16, generator=generator) * 5 for _ in range(3)]


def test_the_three_distances_agree_with_a_slow_loop(random_batch):
    both = zip(triplet_distances(*random_batch), slow_distances(*random_batch), strict=True)
    for fast, slow in both:
        assert fast.tolist() == pytest.approx(slow, abs=1e-5)


def test_d3_is_measured_to_the_positives_own_negative_where_there_is_one(random_batch):
    anchor, positive, negative = random_batch
    own = torch.randn(40, 16, generator=torch.Generator().manual_seed(4))
    given = triplet_distances(anchor, positive, negative, own)
    assert given.d1.tolist() == triplet_distances(*random_batch).d1.tolist()
    assert given.d2.tolist() == triplet_distances(*random_batch).d2.tolist()
    assert given.d3.tolist() == pytest.approx(slow_distances(anchor, positive, own)[2], abs=1e-5)
    with pytest.raises(ValueError, match=r"\(N, d\)"):
        triplet_distances(anchor, positive, negative, own[:3])


@pytest.mark.parametrize("degrees", [0, 20, 40, 90, 180])
def test_a_distance_is_that_of_the_angle(degrees):
    angle = math.radians(degrees)
    x, y = torch.tensor([[3.0, 0.0]]), torch.tensor([[math.cos(angle), math.sin(angle)]])
    d1 = triplet_distances(x, y, y).d1.item()
    assert d1 == pytest.approx(2 * (1 - math.cos(angle)), abs=1e-6)


def test_the_two_batches_checked_by_hand():
    far, near = distances(FAR), distances(NEAR)
    assert far.d1.tolist() == pytest.approx([0.4, 0.4])
    assert far.d2.tolist() == pytest.approx([3.2, 3.2])
    assert far.d3.tolist() == pytest.approx([2, 2])
    assert SelfRestrainedTripletLoss()(far).item() == pytest.approx(0.4)
    assert TripletLoss()(far).item() == 0
    assert near.d1.tolist() == pytest.approx([0.8, 0.8])
    assert near.d2.tolist() == pytest.approx([0.4, 0.4])
    assert SelfRestrainedTripletLoss()(near).item() == pytest.approx(2.4)
    assert TripletLoss()(near).item() == pytest.approx(1.4)


@pytest.mark.parametrize("margin", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.5])
def test_both_losses_agree_with_a_slow_loop_on_either_side_of_the_restraint(
    random_batch, margin, shift
):
    d1, d2, d3 = triplet_distances(*random_batch)
    given = TripletDistances(d1, d2, d3 + d2.mean() - d3.mean() + shift)
    lists = [part.tolist() for part in given]
    assert bool(restraint_holds(given)) == (shift < 0) or shift == 0
    if shift:
        srt = SelfRestrainedTripletLoss(margin)(given).item()
        assert srt == pytest.approx(slow_srt(*lists, margin), rel=1e-5)
    slow = sum(max(one - two + margin, 0) for one, two in zip(*lists[:2], strict=True))
    assert TripletLoss(margin)(given).item() == pytest.approx(slow / len(d1), rel=1e-5)


def test_equality_counts_as_restrained():
    level = TripletDistances(*torch.tensor([[0.5, 0.5], [1.0, 3.0], [2.0, 2.0]]))
    assert restraint_holds(level)
    assert SelfRestrainedTripletLoss()(level).item() == pytest.approx(0.5)


def test_restrained_batches_pull_but_do_not_push():
    leaf = [part.clone().requires_grad_() for part in distances(FAR)]
    SelfRestrainedTripletLoss()(TripletDistances(*leaf)).backward()
    assert leaf[0].grad.tolist() == pytest.approx([0.5, 0.5])
    assert leaf[1].grad is None


def test_gradients_agree_with_finite_differences():
    generator = torch.Generator().manual_seed(0)
    parts = [
        torch.randn(6, 5, dtype=torch.float64, generator=generator, requires_grad=True)
        for _ in range(3)
    ]
    for loss in (TripletLoss(), SelfRestrainedTripletLoss()):
        assert torch.autograd.gradcheck(lambda *x, loss=loss: loss(triplet_distances(*x)), parts)


@pytest.mark.parametrize(
    "shapes", [((2, 3), (2, 3), (1, 3)), ((2, 3), (2, 4), (2, 3)), ((3,), (3,), (3,))]
)
def test_other_shapes_are_refused_and_named(shapes):
    with pytest.raises(ValueError, match=r"\(N, d\)") as caught:
        triplet_distances(*(torch.ones(shape) for shape in shapes))
    assert str(shapes[-1]) in str(caught.value)
