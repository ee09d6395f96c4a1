from dataclasses import replace

import pytest

from eumlib.unmasking import (
    FAITHFUL,
    FAITHFUL_BY_TRIPLET_LOSS,
    RECIPES,
    WORKBOOK,
    WORKBOOK_BY_TRIPLET_LOSS,
    EmbeddingUnmaskingModel,
    Recipe,
    ResidualUnmaskingModel,
    SelfRestrainedTripletLoss,
    TripletLoss,
)


def test_the_defaults_are_the_papers():
    recipe = FAITHFUL
    assert isinstance(recipe.loss, SelfRestrainedTripletLoss)
    assert recipe.loss.margin == 2.0
    assert recipe.build is EmbeddingUnmaskingModel
    numbers = recipe.epochs, recipe.batch_size, recipe.momentum, recipe.weight_decay
    assert numbers == (10, 512, 0.9, 0.0)
    rates = [recipe.learning_rate_of(epoch) for epoch in range(1, 11)]
    assert rates == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 3 + [0.0001])
    assert recipe.patience >= recipe.epochs


def differing(one, other):
    """What two recipes have different, by name."""
    return {name for name in vars(one) if getattr(one, name) != getattr(other, name)}


def test_the_workbooks_recipe_is_the_papers_with_a_residual_connection():
    assert WORKBOOK.build is ResidualUnmaskingModel
    assert differing(WORKBOOK, FAITHFUL) == {"build"}
    assert RECIPES == {"paper": FAITHFUL, "workbook": WORKBOOK}


@pytest.mark.parametrize(
    ("recipe", "by_triplet_loss"),
    [(FAITHFUL, FAITHFUL_BY_TRIPLET_LOSS), (WORKBOOK, WORKBOOK_BY_TRIPLET_LOSS)],
)
def test_by_the_triplet_loss_nothing_else_differs(recipe, by_triplet_loss):
    assert isinstance(by_triplet_loss.loss, TripletLoss)
    assert differing(recipe, by_triplet_loss) == {"loss"}


def test_a_description_tells_recipes_apart():
    others = [
        Recipe(TripletLoss()), Recipe(SelfRestrainedTripletLoss(1.5)), Recipe(seed=1),
        Recipe(weight_decay=1e-4), replace(FAITHFUL, epochs=3),
    ]  # fmt: skip
    assert len({recipe.describe() for recipe in (FAITHFUL, Recipe(), *others)}) == 6


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"patience": 0}, {"epochs_a_step": 0}])
def test_numbers_that_make_no_training_are_refused(wrong):
    with pytest.raises(ValueError, match="must be 1 or more"):
        Recipe(**wrong)


def test_a_batch_of_one_is_refused_because_of_batch_norm():
    with pytest.raises(ValueError, match="batch norm needs 2 triplets a batch or more, not 1"):
        Recipe(batch_size=1)
