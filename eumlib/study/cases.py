"""What the study trains: recipes, and the people and masks they are trained on.

Every case takes the same number of steps, so that more masks or more people are not more training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eumlib.embeddings import MASKED, UNMASKED, EmbeddingTable, PeopleOfNobody
from eumlib.masks import LIFELIKE, STYLES
from eumlib.study.conditions import ALIGNMENTS
from eumlib.unmasking import (
    FAITHFUL,
    FAITHFUL_BY_TRIPLET_LOSS,
    WORKBOOK,
    WORKBOOK_BY_TRIPLET_LOSS,
    Recipe,
    SelfRestrainedTripletLoss,
    TripletLoss,
    decidability,
    hardest_negatives,
    semi_hard_negatives,
)

Tables = tuple[EmbeddingTable, ...]
MATERIALS = {"nobody": "people of nobody", "lfw": "photographs"}
TARGET_RECIPES = {
    ("paper", "triplet"): FAITHFUL_BY_TRIPLET_LOSS,
    ("paper", "srt"): FAITHFUL,
    ("workbook", "triplet"): WORKBOOK_BY_TRIPLET_LOSS,
    ("workbook", "srt"): WORKBOOK,
}


@dataclass(frozen=True)
class Size:
    """How much is trained.

    Attributes:
        steps_an_epoch: of each case; every recipe has ten epochs.
        people: of nobody that are drawn.
        steps: of a whole training, where they are compared.
        draws: people of nobody, where they are compared.
    """

    steps_an_epoch: int = 200
    people: int = 40_000
    steps: tuple[int, ...] = (100, 300, 1000, 3000)
    draws: tuple[int, ...] = (1_000, 4_000, 12_000, 40_000, 150_000)

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe, an epoch as long for every case."""
        return replace(recipe, steps_an_epoch=self.steps_an_epoch)


FULL_SIZE = Size()


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


def name_of(material: str, recipe: str, loss: str) -> str:
    """A case's name for the tables.

    >>> name_of("nobody", "paper", "srt")
    "the paper's recipe, SRT, people of nobody"
    """
    losses = {"srt": "SRT", "triplet": "triplet loss"}
    return f"the {recipe}'s recipe, {losses[loss]}, {MATERIALS[material]}"


def kinds_of(
    styles: Sequence[str] = STYLES, alignments: Sequence[str] = ALIGNMENTS
) -> list[tuple[str, str]]:
    """Kinds of masks, as `eumlib.embeddings.PeopleOfNobody.draw` takes them."""
    return [(style, alignment) for alignment in alignments for style in styles]


@dataclass(frozen=True)
class Drawn:
    """People of nobody to train on, a number of them in some masks.

    Attributes:
        people: their statistics.
        count: how many are drawn.
    """

    people: PeopleOfNobody
    count: int

    def __call__(
        self, styles: Sequence[str] = STYLES, alignments: Sequence[str] = ALIGNMENTS
    ) -> Tables:
        """The same people every time."""
        return (self.people.draw(self.count, seed=1, kinds=kinds_of(styles, alignments)),)


def target_cases(nobody: Tables, photographs: Tables, size: Size = FULL_SIZE) -> dict[str, Case]:
    """What is judged on people by whom nothing was chosen, by the name of its file of weights.

    Args:
        nobody: people of nobody in all masks.
        photographs: training people of LFW in all masks.
        size: of each training.

    Taught in notebook 20.
    """
    training = {"nobody": nobody, "lfw": photographs}
    return {
        "_".join((material, *kind)): Case(
            name_of(material, *kind), size.of(recipe), training[material]
        )
        for material in MATERIALS
        for kind, recipe in TARGET_RECIPES.items()
    }


def ablation_cases(nobody: Drawn, photographs: Tables, size: Size = FULL_SIZE) -> list[Case]:
    """From the paper's recipe in flat masks to the workbook's, then one thing changed at a time.

    Args:
        nobody: draws the people to train on.
        photographs: training people of LFW in all masks.
        size: of each training.
    """
    flat = nobody(["flat"], [UNMASKED])
    styles = nobody(STYLES, [UNMASKED])
    everything = nobody()
    paper, book = size.of(FAITHFUL), size.of(WORKBOOK)
    changes = {
        "triplet loss": {"loss": TripletLoss()},
        "margin 1": {"loss": SelfRestrainedTripletLoss(1.0)},
        "margin 4": {"loss": SelfRestrainedTripletLoss(4.0)},
        "semi-hard negatives": {"choose_negatives": semi_hard_negatives},
        "hardest negatives": {"choose_negatives": hardest_negatives},
        "best epoch by d′": {"validation": decidability},
        "learning rate 0.3": {"learning_rate": 0.3},
        "weight decay 0.0005": {"weight_decay": 5e-4},
        "around the mean": {"reach": 1.0},
    }
    return [
        Case("the paper's recipe, triplet loss", size.of(FAITHFUL_BY_TRIPLET_LOSS), flat),
        Case("the paper's recipe, SRT", paper, flat),
        Case("+ lifelike masks", paper, styles),
        Case("+ both alignments", paper, everything),
        Case("+ residual connection: the workbook's recipe", book, everything),
        *(Case(f"workbook's, {n}", replace(book, **c), everything) for n, c in changes.items()),
        Case("workbook's, photographs", book, photographs),
    ]


def matrix_cases(nobody: Drawn, size: Size = FULL_SIZE) -> list[Case]:
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
        Case(name, size.of(WORKBOOK), nobody(styles, alignments))
        for name, (styles, alignments) in trained_on.items()
    ]


def without(style: str) -> list[str]:
    """All styles but one."""
    return [other for other in STYLES if other != style]
