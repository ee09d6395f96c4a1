import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib.embeddings import TableError
from eumlib.losses import TripletLoss
from eumlib.mated import mated_vectors
from eumlib.recipes import Recipe
from eumlib.training import fit, split_for_validation, train_unmasker
from eumlib.triplets import TripletSampler
from eumlib.unmasking import unmask
from eumlib.validation import decidability, mean_cosine

TABLE = drawn_table(people=60, pictures=5, dim=16)
PARTS = [[part] for part in split_for_validation(TABLE)]
SHORT = {"epochs": 4, "batch_size": 64}


def test_training_brings_masked_embeddings_home_where_there_is_something_to_learn():
    table = drawn_table(people=300, pictures=5, dim=8, noise=0.1, mask=1.5)
    training, validation = split_for_validation(table)
    masked, unmasked = validation.mated_views()
    nothing = (validation.vectors[masked] * validation.vectors[unmasked]).sum(axis=1).mean()
    result = fit(
        TripletSampler(training),
        Recipe(epochs=30, batch_size=64, epochs_a_step=10, patience=30),
        mean_cosine(validation),
    )
    assert result.history["validation"].max() > nothing + 0.01
    assert result.history["d1"].iloc[-1] < result.history["d1"].iloc[0]


def test_the_model_has_the_weights_of_the_best_epoch():
    training, _validation = split_for_validation(TABLE)
    figures, weights = iter([0.1, 0.9, 0.2, 0.3]), []

    def validate(model):
        weights.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(figures)

    result = fit(TripletSampler(training), Recipe(**SHORT), validate)
    assert result.best_epoch == 2
    assert not result.model.training
    kept = result.model.state_dict()
    assert all(torch.equal(kept[name], weights[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], weights[3][name]) for name in kept)
    assert result.history["validation"].tolist() == [0.1, 0.9, 0.2, 0.3]


def test_the_history_has_a_row_an_epoch_and_the_published_schedule():
    training, validation = split_for_validation(TABLE)
    recipe = Recipe(TripletLoss(), batch_size=64)
    history = fit(TripletSampler(training), recipe, mean_cosine(validation)).history
    assert list(history.columns) == [
        "epoch", "learning_rate", "loss", "d1", "d2", "d3", "restrained", "validation",
    ]  # fmt: skip
    assert history["epoch"].tolist() == list(range(1, 11))
    rates = [0.1] * 3 + [0.01] * 3 + [0.001] * 3 + [0.0001]
    assert history["learning_rate"].tolist() == pytest.approx(rates)
    assert history["restrained"].between(0, 1).all()


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_generator_alone():
    torch.manual_seed(123)
    expected = torch.rand(1)
    torch.manual_seed(123)
    models = [
        train_unmasker(*PARTS, Recipe(epochs=2, batch_size=64, seed=seed)).fit.model
        for seed in (7, 7, 8)
    ]
    assert torch.equal(torch.rand(1), expected)
    first, again, other = (unmask(model, TABLE.vectors) for model in models)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_validation_people_are_not_trained_on():
    training, validation = split_for_validation(TABLE)
    people = set(training.rows["identity"]), set(validation.rows["identity"])
    assert not people[0] & people[1]
    assert people[0] | people[1] == set(TABLE.rows["identity"])
    assert len(people[0]) > len(people[1]) > 0


def test_a_recipe_with_a_reach_works_around_the_mean_of_training_people_alone():
    trained = train_unmasker(*PARTS, Recipe(reach=0.8, validation=decidability, **SHORT))
    training, validation = split_for_validation(TABLE)
    unmasked = mated_vectors(training).unmasked
    model = trained.unmasker.model
    np.testing.assert_allclose(model.mean.numpy(), unmasked.mean(axis=0), atol=1e-6)
    spread = np.linalg.norm(unmasked - unmasked.mean(axis=0), axis=1).mean()
    assert float(model.distance) == pytest.approx(0.8 * spread)
    figure = decidability(validation)(model)
    best = trained.fit.history["validation"].max()
    assert figure == pytest.approx(best, abs=1e-6)
    assert trained.unmasker.backbone == "drawn_recogniser"


def test_a_loss_that_is_not_finite_stops_the_training():
    class Broken(TripletLoss):
        def forward(self, distances):
            return super().forward(distances) * float("nan")

    with pytest.raises(ValueError, match="no longer finite in epoch 1: lower the learning rate"):
        train_unmasker(*PARTS, Recipe(Broken(), **SHORT))


def test_too_few_people_for_validation_is_a_clear_error():
    with pytest.raises(TableError):
        train_unmasker([drawn_table(people=1)], PARTS[1], Recipe(**SHORT))


def test_training_stops_when_patience_ends_and_keeps_the_best():
    training, _ = split_for_validation(TABLE)
    figures = iter([0.1, 0.5, 0.5, 0.4, 0.9])
    recipe = Recipe(epochs=5, batch_size=64, patience=2)
    result = fit(TripletSampler(training), recipe, lambda _model: next(figures))
    assert result.history["validation"].tolist() == [0.1, 0.5, 0.5, 0.4]
    assert result.best_epoch == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_training_runs_on_a_gpu():
    result = train_unmasker(*PARTS, Recipe(**SHORT), device="cuda").fit
    assert result.history["validation"].notna().all()
