import warnings

import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib.embeddings import TableError, mated_vectors
from eumlib.unmasking import (
    EmbeddingUnmaskingModel,
    Recipe,
    TripletLoss,
    TripletSampler,
    decidability,
    drawn_negatives,
    fit,
    hardest_negatives,
    mean_cosine,
    split_for_validation,
    train_unmasker,
    triplet_distances,
    unmask,
)

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
    assert not result.unmasker.model.training
    kept = result.unmasker.model.state_dict()
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
        train_unmasker(*PARTS, Recipe(epochs=2, batch_size=64, seed=seed)).unmasker.model
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
    best = trained.history["validation"].max()
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
    result = train_unmasker(*PARTS, Recipe(**SHORT), device="cuda")
    assert result.history["validation"].notna().all()


def _first_gradients(sampler, recipe):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = EmbeddingUnmaskingModel(sampler.dim)
    batch = next(sampler.batches(recipe.batch_size, np.random.default_rng(recipe.seed)))
    distances = triplet_distances(model(batch.anchor), batch.positive, batch.negative)
    TripletLoss()(distances).backward()
    last = model.layers[-1].bias
    return last.detach().clone(), last.grad


def test_the_first_step_is_that_of_stochastic_gradient_descent_with_nesterov_momentum():
    training, validation = split_for_validation(TABLE)
    sampler = TripletSampler(training)
    recipe = Recipe(TripletLoss(), epochs=1, batch_size=len(sampler))
    result = fit(sampler, recipe, mean_cosine(validation))
    start, gradients = _first_gradients(sampler, recipe)
    bias = result.unmasker.model.layers[-1].bias.detach()
    # on the first step Nesterov's update is (1 + momentum) times the gradient
    expected = start - 0.1 * 1.9 * gradients
    torch.testing.assert_close(bias, expected)


def test_the_history_holds_means_over_the_triplets_of_an_epoch():
    training, validation = split_for_validation(TABLE)
    sampler, seen = TripletSampler(training), []

    class Watched(TripletLoss):
        def forward(self, distances):
            value = super().forward(distances)
            parts = [value.item(), *(d.mean().item() for d in distances)]
            seen.append((len(distances.d1), parts, distances.d2.mean() >= distances.d3.mean()))
            return value

    history = fit(sampler, Recipe(Watched(), epochs=1, batch_size=100), mean_cosine(validation))
    (row,) = history.history.to_dict("records")
    total = sum(size for size, _, _ in seen)
    assert len({size for size, _, _ in seen}) == 2  # a last batch that is smaller
    for place, name in enumerate(("loss", "d1", "d2", "d3")):
        slow = sum(size * parts[place] for size, parts, _ in seen) / total
        assert row[name] == pytest.approx(slow, abs=1e-6)
    assert row["restrained"] == pytest.approx(np.mean([bool(held) for _, _, held in seen]))


@pytest.mark.parametrize("choose", [drawn_negatives, hardest_negatives])
def test_d3_is_chosen_by_the_same_rule_as_d2(choose):
    training, validation = split_for_validation(TABLE)
    sampler = TripletSampler(training)
    recipe = Recipe(epochs=1, batch_size=len(sampler), choose_negatives=choose)
    d3 = fit(sampler, recipe, mean_cosine(validation)).history["d3"].item()
    batch = next(sampler.batches(len(sampler), np.random.default_rng(recipe.seed)))
    positives, people = batch.positive.numpy().astype(float), batch.person.numpy()
    slow = []
    for i, (positive, drawn) in enumerate(zip(positives, batch.negative.numpy(), strict=True)):
        strangers = positives[people != people[i]] if choose is hardest_negatives else [drawn]
        slow.append(min(((positive - stranger) ** 2).sum() for stranger in strangers))
    assert d3 == pytest.approx(np.mean(slow), abs=1e-5)


def test_a_handful_of_steps_warns_and_says_what_to_change():
    tables = [drawn_table(people=50)], [drawn_table(people=5, seed=1)]
    with pytest.warns(UserWarning, match=r"200 masked faces .* 2 steps .*batch_size"):
        train_unmasker(*tables, Recipe(epochs=2))


def test_steps_enough_do_not_warn():
    tables = [drawn_table(people=50)], [drawn_table(people=5, seed=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train_unmasker(*tables, Recipe(epochs=20, batch_size=10))
