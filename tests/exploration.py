"""A small table of drawn faces, explored, that several test files look at."""

import numpy as np
import pandas as pd
import torch
from builders import drawn_table
from torch import nn

from eumlib.embeddings import EmbeddingTable
from eumlib.exploring import explore
from eumlib.unmasking import Unmasker, UnmaskingModel


class Shift(UnmaskingModel):
    """Moves every embedding by one vector: half a repair for masks that do the same."""

    def __init__(self, shift):
        super().__init__(len(shift))
        self.shift = nn.Parameter(torch.as_tensor(shift, dtype=torch.float32))

    def _transform(self, embeddings):
        return embeddings + self.shift


def drawn_views(people=6, pictures=3, lonely=True, neighbours=4):
    """Explored views; the first person has one picture alone, which has two masks."""
    table = drawn_table(people=people, pictures=pictures, noise=1.3, mask=0.9)
    if lonely:
        first = table.rows["identity"] == "p0"
        alone = table.rows["image_id"] == "p0/0"
        table = table.where((~first | alone).to_numpy())
        again = table.rows.iloc[[1]].assign(mask_shape="surgical", mask_colour="#add8e6")
        turned = np.roll(table.vectors[[1]], 1, axis=1)
        table = EmbeddingTable(
            pd.concat([table.rows, again], ignore_index=True),
            np.concatenate([table.vectors, turned]),
            table.failures,
        )
    masked, unmasked = table.mated_views()
    shift = (table.vectors[unmasked] - table.vectors[masked]).mean(axis=0)
    return table, explore(table, Unmasker(Shift(shift), "drawn_recogniser"), neighbours)
