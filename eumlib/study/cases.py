"""What the study trains: recipes and the people and masks they are trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eumlib.embeddings import MASKED, UNMASKED, EmbeddingTable
from eumlib.masks.mask import LIFELIKE, STYLES
from eumlib.study.conditions import ALIGNMENTS, one_mask_a_face, with_masks
from eumlib.unmasking import (
    FAITHFUL,
    WORKBOOK,
    WORKBOOK_BY_TRIPLET_LOSS,
    EmbeddingUnmaskingModel,
    Recipe,
    ResidualUnmaskingModel,
    SelfRestrainedTripletLoss,
    TripletLoss,
    drawn_negatives,
    hardest_negatives,
    mean_cosine,
    split_for_validation,
)

Tables = tuple[EmbeddingTable, ...]
BEST = "the workbook's recipe, SRT"
TRIPLET = "the workbook's recipe, triplet loss"
SYNTHETIC_ONLY = "the workbook's recipe, SRT, synthetic faces alone"
# The files in data/models, and which target case, with seed 0, each is.
SHIPPED = {
    "lfw_and_synthetic": BEST,
    "lfw_and_synthetic_triplet": TRIPLET,
    "synthetic": SYNTHETIC_ONLY,
}


@dataclass(frozen=True)
class Case:
    """Something to train.

    Attributes:
        name: for the tables.
        recipe: how.
        training: on whom.
    """

    name: str
    recipe: Recipe
    training: Tables


def ablation_cases(lfw: Tables, synthetic: Tables) -> list[Case]:
    """From the paper's recipe to the workbook's, then the workbook's with one thing changed.

    Args:
        lfw: training people of LFW.
        synthetic: synthetic faces.
    """
    flat = with_masks(lfw, ["flat"], [UNMASKED])
    one_flat = one_mask_a_face(flat)
    residual = replace(FAITHFUL, build=ResidualUnmaskingModel)
    decided = replace(residual, validation=WORKBOOK.validation)
    faster = replace(decided, learning_rate=WORKBOOK.learning_rate)
    centred = replace(faster, reach=WORKBOOK.reach)
    negatives = replace(centred, choose_negatives=WORKBOOK.choose_negatives)
    decayed = replace(negatives, weight_decay=WORKBOOK.weight_decay)
    by_triplet = {"loss": WORKBOOK_BY_TRIPLET_LOSS.loss}
    changes = {
        "triplet loss": by_triplet,
        "triplet loss, margin 1": {"loss": TripletLoss()},
        "not around the mean": {"reach": None},
        "not around the mean, triplet loss": {"reach": None} | by_triplet,
        "reach 0.7": {"reach": 0.7},
        "reach 1.1": {"reach": 1.1},
        "learning rate 0.1": {"learning_rate": 0.1},
        "best epoch by mean cosine": {"validation": mean_cosine},
        "no residual connection": {"build": EmbeddingUnmaskingModel},
        "negatives drawn": {"choose_negatives": drawn_negatives},
        "hardest negatives": {"choose_negatives": hardest_negatives},
        "margin 0.02": {"loss": SelfRestrainedTripletLoss(0.02)},
        "margin 0.1": {"loss": SelfRestrainedTripletLoss(0.1)},
        "batches of 128": {"batch_size": 128},
        "batches of 2048": {"batch_size": 2048},
        "30 epochs, steps of 10": {"epochs": 30, "epochs_a_step": 10, "patience": 30},
    }
    return [
        Case("the paper's recipe, one flat mask a face", FAITHFUL, one_flat),
        Case("the same with the triplet loss", replace(FAITHFUL, loss=TripletLoss()), one_flat),
        Case("+ several flat masks a face", FAITHFUL, flat),
        Case("+ lifelike masks", FAITHFUL, with_masks(lfw, STYLES, [UNMASKED])),
        Case("+ both alignments", FAITHFUL, lfw),
        Case("+ residual connection", residual, lfw),
        Case("+ best epoch by d′", decided, lfw),
        Case("+ learning rate 1", faster, lfw),
        Case("+ around the mean", centred, lfw),
        Case("+ semi-hard negatives in the batch", negatives, lfw),
        Case("+ weight decay", decayed, lfw),
        Case("+ margin 0.05: the workbook's recipe", WORKBOOK, lfw),
        Case("+ synthetic faces", WORKBOOK, lfw + synthetic),
        Case("workbook's, one flat mask a face", WORKBOOK, one_flat),
        *(
            Case(f"workbook's, {name}", replace(WORKBOOK, **change), lfw)
            for name, change in changes.items()
        ),
    ]


def target_cases(
    people: Tables, validation: Tables, synthetic: Tables
) -> list[tuple[Case, Tables]]:
    """What is judged on people by whom nothing was chosen, each with its validation tables.

    Args:
        people: training people.
        validation: people to choose the best epoch by.
        synthetic: synthetic faces; where they train alone, a tenth of them chooses the epoch.

    Taught in notebook 20.
    """
    parts = [split_for_validation(table) for table in synthetic]
    generated, kept_aside = map(tuple, zip(*parts, strict=True))
    both = people + synthetic
    return [
        (Case("the paper's recipe, SRT", FAITHFUL, both), validation),
        (Case(TRIPLET, WORKBOOK_BY_TRIPLET_LOSS, both), validation),
        (Case(BEST, WORKBOOK, both), validation),
        (Case(SYNTHETIC_ONLY, WORKBOOK, generated), kept_aside),
    ]


def matrix_cases(lfw: Tables) -> list[Case]:
    """The workbook's recipe, trained on some styles and alignments."""
    trained_on = {
        "flat, unmasked landmarks": (["flat"], [UNMASKED]),
        "flat, both": (["flat"], ALIGNMENTS),
        "all, unmasked landmarks": (STYLES, [UNMASKED]),
        "all, masked landmarks": (STYLES, [MASKED]),
        "all, both": (STYLES, ALIGNMENTS),
    }
    trained_on |= {f"all but {style}, both": (without(style), ALIGNMENTS) for style in LIFELIKE}
    return [
        Case(name, WORKBOOK, with_masks(lfw, styles, alignments))
        for name, (styles, alignments) in trained_on.items()
    ]


def without(style: str) -> list[str]:
    """All styles but one."""
    return [other for other in STYLES if other != style]
