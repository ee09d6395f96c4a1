import numpy as np
from builders import drawn_table

from eumlib.baselines import RIDGE, DoingNothing, LinearUnmaskingModel
from eumlib.embeddings import unit_length
from eumlib.unmasking import unmask


def test_doing_nothing_does_nothing():
    vectors = drawn_table().vectors
    np.testing.assert_allclose(unmask(DoingNothing(16), vectors), vectors, atol=1e-6)


def test_the_linear_map_is_the_ridge_solution():
    tables = [drawn_table(), drawn_table(seed=3)]
    masked, unmasked = [], []
    for table in tables:
        rows, bare = table.mated_views()
        masked.append(table.vectors[rows])
        unmasked.append(table.vectors[bare])
    x, y = np.concatenate(masked).astype(float), np.concatenate(unmasked).astype(float)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    gram = (x - x_mean).T @ (x - x_mean) + RIDGE * len(x) * np.eye(16)
    weights = np.linalg.solve(gram, (x - x_mean).T @ (y - y_mean))
    expected = unit_length((x - x_mean) @ weights + y_mean)
    model = LinearUnmaskingModel.fitted(tables)
    np.testing.assert_allclose(unmask(model, x.astype(np.float32)), expected, atol=1e-5)
