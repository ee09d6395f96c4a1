"""Small tables of embeddings that the tests draw."""

import numpy as np
import pandas as pd

from eumlib.embeddings import EmbeddingTable, unit_length
from eumlib.study import Material
from eumlib.verification import FaceViews


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
        landmarks_from=table.rows["view"],
    )
    return EmbeddingTable(rows, table.vectors, table.failures)


def masked_table(shapes, landmarks_from="unmasked", **options):
    """Every picture unmasked and once in each shape."""
    table = drawn_table(**options)
    bare, masked = table.of_view("unmasked"), table.of_view("masked")
    rows, vectors = [bare.rows], [bare.vectors]
    for shape in shapes:
        rows.append(masked.rows.assign(mask_shape=shape, landmarks_from=landmarks_from))
        vectors.append(masked.vectors)
    return EmbeddingTable(
        pd.concat(rows, ignore_index=True), np.concatenate(vectors), table.failures
    )


def views_of(table):
    return FaceViews(
        table.vectors, table.rows["identity"].to_numpy(), table.rows["image_id"].to_numpy()
    )


def both_ways(face_set, **options):
    """A table a way to align, of pictures that each wear every style of mask."""
    shapes = ["a", "surgical", "respirator", "cloth plain"]
    tables = [
        masked_table(shapes, landmarks_from=way, noise=1.2, mask=1.0, **options)
        for way in ("unmasked", "masked")
    ]
    return tuple(type(t)(t.rows.assign(face_set=face_set), t.vectors, t.failures) for t in tables)


def study_material():
    """What the study takes, drawn: two collections in painted masks, and worn ones."""
    return Material(
        lfw=both_ways("lfw", people=120, pictures=2),
        orl=both_ways("orl", people=12, pictures=3, seed=1),
        worn=(worn_table(people=12, pictures=4),),
        logged=None,
    )


def coarse_views(seed, count):
    """Views of 9 people in 30 pictures, whose scores are equal now and then."""
    random = np.random.default_rng(seed)
    picture = random.integers(0, 30, count)
    vectors = random.integers(-2, 3, (count, 6)).astype(np.float32) / 4
    return FaceViews(vectors, picture % 9, picture)
