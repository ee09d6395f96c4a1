"""Centre embeddings: a named departure from the paper, learnt on training faces.

Embeddings of some recognisers lie in a narrow cone: strangers have cosines near 1, and a network
that ends in batch norm has to learn the cone's axis before it can learn anything else. Subtracting
a mean opens the cone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eumlib.embeddings import UNMASKED, EmbeddingTable, TableError, unit_length


@dataclass(frozen=True)
class Centring:
    """Subtracts a mean that was learnt once, and scales to unit length again.

    u ↦ (u − mean) / ‖u − mean‖, for references and probes alike: to verification, the centred
    embeddings are those of another recogniser, with thresholds of its own.

    Attributes:
        mean: ``(d,)`` float32.

    Taught in notebook 07.
    """

    mean: np.ndarray

    @classmethod
    def learn(cls, *training: EmbeddingTable) -> Centring:
        """The mean of the unmasked embeddings of training faces, those of all tables together.

        Raises:
            TableError: there are none.
        """
        unmasked = np.concatenate([table.of_view(UNMASKED).vectors for table in training])
        if not len(unmasked):
            raise TableError("centring is learnt from unmasked views, and there are none")
        return cls(unmasked.mean(axis=0))

    def apply(self, table: EmbeddingTable) -> EmbeddingTable:
        """The table with centred embeddings; its ``backbone`` says so.

        Raises:
            TableError: embeddings of another dimension than the mean.
        """
        if table.dim != len(self.mean):
            raise TableError(
                f"the mean was learnt on embeddings of dimension {len(self.mean)}, and these have "
                f"{table.dim}: they are of another recogniser"
            )
        rows = table.rows.assign(backbone=table.rows["backbone"] + " centred")
        return EmbeddingTable(rows, unit_length(table.vectors - self.mean), table.failures)
