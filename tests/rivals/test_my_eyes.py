import pytest
import torch

from eumlib.rivals import TripletAndSquaredErrorLoss
from eumlib.unmasking import TripletDistances, TripletLoss


def test_the_loss_is_that_of_a_loop_over_triplets():
    distances = TripletDistances(*torch.rand(3, 50, generator=torch.Generator().manual_seed(0)) * 4)
    loss = TripletAndSquaredErrorLoss(weight=0.7, margin=1.5)(distances)
    one_by_one = [
        max(d1 - d2 + 1.5, 0) + 0.7 * d1
        for d1, d2, _ in zip(*(part.tolist() for part in distances), strict=True)
    ]
    assert loss.item() == pytest.approx(sum(one_by_one) / 50)


def test_it_pulls_where_the_triplet_loss_is_content():
    d1 = torch.tensor([0.5], requires_grad=True)
    distances = TripletDistances(d1, torch.tensor([3.0]), torch.tensor([2.0]))
    assert TripletLoss()(distances) == 0
    TripletAndSquaredErrorLoss(weight=2.0)(distances).backward()
    assert d1.grad.item() == 2.0
