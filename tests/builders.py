"""Small tables of embeddings that the tests draw."""

import numpy as np
import pandas as pd

from eumlib.embeddings import COLUMNS, FAILURE_COLUMNS, EmbeddingTable, unit_length


def drawn_table(people=12, pictures=4, dim=16, noise=0.25, mask=0.6, seed=0):
    """People around random centres; a mask moves all pictures by one vector and some noise."""
    random = np.random.default_rng(seed)
    rows, vectors = [], []
    shift = random.standard_normal(dim)
    shift *= mask / np.linalg.norm(shift)
    for person in range(people):
        centre = random.standard_normal(dim)
        centre /= np.linalg.norm(centre)
        for picture in range(pictures):
            bare = centre + noise / np.sqrt(dim) * random.standard_normal(dim)
            masked = bare + shift + noise / np.sqrt(dim) * random.standard_normal(dim)
            common = (f"p{person}/{picture}", f"p{person}", "drawn")
            rows.append((*common, "unmasked", None, None, "drawn_recogniser"))
            rows.append((*common, "masked", "a", "#ff0000", "drawn_recogniser"))
            vectors += [bare, masked]
    return EmbeddingTable(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        unit_length(np.array(vectors, dtype=np.float32)),
        pd.DataFrame(columns=list(FAILURE_COLUMNS)),
    )
