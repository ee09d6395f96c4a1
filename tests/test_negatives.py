import numpy as np
import pytest
import torch

from eumlib.negatives import drawn_negatives, hardest_negatives, semi_hard_negatives
from eumlib.triplets import Triplets


def cosine(x, y):
    return float(np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y))


@pytest.fixture
def triplets():
    generator = torch.Generator().manual_seed(0)
    anchor, positive, negative = (torch.randn(30, 4, generator=generator) for _ in range(3))
    person = torch.arange(30) // 3
    return Triplets(anchor, positive, negative, person)


def slow_choice(output, triplets, allowed):
    """The nearest positive of another person among those allowed, or the drawn negative."""
    chosen = []
    for i, anchor in enumerate(output.numpy()):
        own = cosine(anchor, triplets.positive[i].numpy())
        best, best_cosine = triplets.negative[i], -2.0
        for j, other in enumerate(triplets.positive):
            score = cosine(anchor, other.numpy())
            stranger = triplets.person[i] != triplets.person[j]
            if stranger and allowed(score, own) and score > best_cosine:
                best, best_cosine = other, score
        chosen.append(best)
    return torch.stack(chosen)


def test_drawn_negatives_are_those_of_the_sampler(triplets):
    assert drawn_negatives(triplets.anchor, triplets) is triplets.negative


def test_hardest_negatives_agree_with_a_slow_loop(triplets):
    expected = slow_choice(triplets.anchor, triplets, lambda score, own: True)
    assert torch.equal(hardest_negatives(triplets.anchor, triplets), expected)


def test_semi_hard_negatives_agree_with_a_slow_loop(triplets):
    near = triplets._replace(anchor=triplets.positive + 0.8 * triplets.anchor)
    expected = slow_choice(near.anchor, near, lambda score, own: score < own)
    chosen = semi_hard_negatives(near.anchor, near)
    assert torch.equal(chosen, expected)
    assert not torch.equal(chosen, hardest_negatives(near.anchor, near))


@pytest.mark.parametrize("choose", [hardest_negatives, semi_hard_negatives])
def test_where_there_is_no_stranger_to_choose_the_drawn_negative_stays(triplets, choose):
    alone = triplets._replace(person=torch.zeros(30, dtype=torch.long))
    assert torch.equal(choose(alone.anchor, alone), alone.negative)


@pytest.mark.parametrize("choose", [hardest_negatives, semi_hard_negatives])
def test_a_choice_is_no_path_for_gradients(triplets, choose):
    output = triplets.anchor.clone().requires_grad_()
    assert not choose(output, triplets).requires_grad
