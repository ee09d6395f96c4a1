import numpy as np
import torch
from pytorch_metric_learning.losses import CosFaceLoss

from eumlib.rivals.classes import begin_near_people


def test_directions_begin_near_the_means_of_people_and_not_at_them():
    random = np.random.default_rng(0)
    person = np.array([2, 0, 1, 2, 0, 1, 1])
    vectors = random.standard_normal((7, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    loss = CosFaceLoss(3, 64)
    given = torch.from_numpy(vectors), torch.from_numpy(person)
    begin_near_people(loss, *given, torch.Generator().manual_seed(0))
    for number in range(3):
        mean = vectors[person == number].sum(axis=0)
        mean /= np.linalg.norm(mean)
        away = np.linalg.norm(loss.W.detach().numpy()[:, number] - mean)
        assert 0.5 < away < 0.9
    again = CosFaceLoss(3, 64)
    begin_near_people(again, *given, torch.Generator().manual_seed(0))
    assert torch.equal(loss.W, again.W)
