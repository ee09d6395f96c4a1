"""Small tables of embeddings that the tests draw."""

import numpy as np

from eumlib.embeddings import EmbeddingTable, unit_length


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
            seen = ("hog", "unmasked", "drawn_recogniser")
            rows.append((*common, "unmasked", None, None, None, *seen))
            rows.append((*common, "masked", "a", "#ff0000", None, *seen))
            vectors += [bare, masked]
    return EmbeddingTable.of_rows(rows, unit_length(np.array(vectors, dtype=np.float32)), [])


def worn_table(**options):
    """The same people, but every picture in one view: of each person every other wears a mask."""
    table = drawn_table(**options)
    shot = table.rows["image_id"].str.rpartition("/")[2].astype(int)
    table = table.where((shot % 2 == 0) == (table.rows["view"] == "unmasked"))
    masked = table.rows["view"] == "masked"
    rows = table.rows.assign(
        mask_shape=table.rows["mask_shape"].mask(masked, "worn"),
        mask_colour=table.rows["mask_colour"].mask(masked),
        mask_label=table.rows["mask_label"].mask(masked, "cloth_red"),
    )
    return EmbeddingTable(rows, table.vectors, table.failures)
