"""A small table of drawn faces, explored, that several test files look at."""

import numpy as np
import pandas as pd
import torch
from builders import drawn_table
from torch import nn

from eumlib.embeddings import EmbeddingTable
from eumlib.maps import JointMap, explore, sprite_sheet
from eumlib.maps.page import explorer_page
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


def drawn_pictures(count):
    """A flat shade for every view."""
    return [np.full((20, 20, 3), (37 * i) % 256, np.uint8) for i in range(count)]


def drawn_map(views, dimensions=2, seed=0):
    """Points at random, the masked ones moved: a map that costs no fit."""
    random = np.random.default_rng(seed)
    before = random.standard_normal((len(views), dimensions)).astype(np.float32)
    moved = before + 0.5 * views.masked[:, None].astype(np.float32)
    return JointMap(before, moved, 0.5, 0.01, 15, None, "Points at random, seed 0")


def drawn_page(views, dimensions=(2, 3), threshold=0.5):
    """The explorer's page over drawn faces."""
    maps = {f"random, {d}-D": drawn_map(views, d) for d in dimensions}
    sprites = sprite_sheet(drawn_pictures(len(views)), size=16)
    return explorer_page(views, maps, sprites, threshold)
