"""Figures by which an epoch is chosen, on people who are not trained on; higher is better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eumlib.embeddings import EmbeddingTable, MappedTable, MatedPairs, TableError
from eumlib.unmasking.models import UnmaskingModel
from eumlib.unmasking.unmasker import unmask

Validation = Callable[[UnmaskingModel], float]
MakeValidation = Callable[..., Validation]
JUDGED_PICTURES = 50_000  # their mean is known to four digits
DECIDING_PICTURES = 2000  # their pairs are plenty, and cost little


def mean_cosine(*tables: EmbeddingTable | MappedTable) -> Validation:
    """The paper's figure: mean cosine of unmasked-by-EUM and truly unmasked embeddings.

    In [−1, 1]. It is blind to other people: a model that gives everyone the average face does well.
    Of large tables every n-th picture is taken.

    Taught in notebook 07.
    """
    masked, unmasked, _ = MatedPairs.of_tables(*tables).some(JUDGED_PICTURES).read()

    def validate(model: UnmaskingModel) -> float:
        return float((unmask(model, masked) * unmasked).sum(axis=1).mean())

    return validate


def decidability(*tables: EmbeddingTable | MappedTable) -> Validation:
    """d′: how many standard deviations lie between mated and non-mated scores.

    d′ = (μ_mated − μ_non-mated) / √((σ²_mated + σ²_non-mated) / 2), of the scores of
    unmasked-by-EUM against unmasked embeddings: mated with the same picture, non-mated with those
    of other people. 0 by chance, unbounded above. Of large tables every n-th picture is taken.

    Raises:
        TableError: fewer than two people.

    Source: Daugman, IEEE Trans. Circuits and Systems for Video Technology 14 (2004), on iris
    recognition. Taught in notebook 10.
    """
    masked, unmasked, people = MatedPairs.of_tables(*tables).some(DECIDING_PICTURES).read()
    non_mated_pairs = people[:, None] != people[None, :]
    if not non_mated_pairs.any():
        raise TableError(
            f"{len(set(people))} person is left to choose the best epoch by, and 2 are needed: "
            "take tables of more people, people of nobody beside your own for example"
        )

    def validate(model: UnmaskingModel) -> float:
        scores = unmask(model, masked) @ unmasked.T
        mated, non_mated = scores.diagonal(), scores[non_mated_pairs]
        spread = np.sqrt((mated.var() + non_mated.var()) / 2)
        return float((mated.mean() - non_mated.mean()) / spread)

    return validate
