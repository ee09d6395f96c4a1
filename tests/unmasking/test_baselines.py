import numpy as np
import torch
from builders import drawn_table

from eumlib.embeddings import mated_vectors, unit_length
from eumlib.unmasking import LinearUnmaskingModel, NoOp, unmask
from eumlib.unmasking.baselines import RIDGE

MASKED, UNMASKED, _ = mated_vectors(drawn_table(), drawn_table(seed=3))


def test_doing_nothing_does_nothing():
    np.testing.assert_allclose(unmask(NoOp(16), MASKED), MASKED, atol=1e-6)


def ridge(x, y):
    """What the ridge solution answers to x, by the normal equations in float64."""
    x, y = x.astype(float), y.astype(float)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    gram = (x - x_mean).T @ (x - x_mean) + RIDGE * len(x) * np.eye(16)
    weights = np.linalg.solve(gram, (x - x_mean).T @ (y - y_mean))
    return (x - x_mean) @ weights + y_mean


def test_the_linear_map_is_the_ridge_solution():
    model = LinearUnmaskingModel.fitted(torch.from_numpy(MASKED), torch.from_numpy(UNMASKED))
    expected = unit_length(ridge(MASKED, UNMASKED))
    np.testing.assert_allclose(unmask(model, MASKED), expected, atol=1e-5)
