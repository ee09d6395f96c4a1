"""Conditions to train or test under: styles of masks, and whose landmarks align the masked view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eumlib.embeddings import MASKED, UNMASKED, WORN, EmbeddingTable
from eumlib.faces import few_of_each
from eumlib.masks import LIFELIKE, STYLES, style_of

ALIGNMENTS = (UNMASKED, MASKED)  # whose landmarks: the paper's way, the camera's way


@dataclass(frozen=True)
class Condition:
    """Masked views to test on: some styles, aligned in some way.

    Attributes:
        name: for the tables.
        styles: some of `STYLES`, or worn.
        alignment: one of `ALIGNMENTS`.
    """

    name: str
    styles: tuple[str, ...]
    alignment: str

    def of(self, tables: Sequence[EmbeddingTable]) -> EmbeddingTable:
        """The one of the tables that has such views, with these alone and the unmasked ones."""
        (table,) = with_masks(tables, self.styles, [self.alignment])
        return table


PAPERS_WAY = Condition("flat masks, unmasked landmarks", ("flat",), UNMASKED)
LIFELIKE_MASKS = Condition("lifelike masks, unmasked landmarks", LIFELIKE, UNMASKED)
CAMERAS_WAY = Condition("lifelike masks, masked landmarks", LIFELIKE, MASKED)
AS_WORN = Condition("masks that people wore", (WORN,), MASKED)
CELLS = tuple(
    Condition(f"{style}, {alignment} landmarks", (style,), alignment)
    for alignment in ALIGNMENTS
    for style in STYLES
)


def with_masks(
    tables: Sequence[EmbeddingTable],
    styles: Sequence[str] = STYLES,
    alignments: Sequence[str] = ALIGNMENTS,
) -> tuple[EmbeddingTable, ...]:
    """The tables, their masked views only in these styles and alignments; none without any."""
    kept = []
    for table in tables:
        bare = table.rows["view"] == UNMASKED
        wanted = table.rows["mask_shape"].map(style_of).isin(styles)
        wanted &= table.rows["landmarks_from"].isin(alignments)
        if wanted.any():
            kept.append(table.where(bare | wanted))
    return tuple(kept)


def few_pictures(tables: Sequence[EmbeddingTable]) -> tuple[EmbeddingTable, ...]:
    """The tables with only the pictures that `eumlib.faces.few_of_each` keeps of each person."""
    return tuple(
        table.where(
            table.rows["image_id"].isin(few_of_each(table.rows["image_id"], table.rows["identity"]))
        )
        for table in tables
    )
