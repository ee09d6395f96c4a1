import numpy as np
import pytest
import torch
from builders import drawn_table
from torch import nn

from eumlib.embeddings import TableError
from eumlib.losses import SelfRestrainedTripletLoss, TripletLoss, triplet_distances
from eumlib.training import Schedule, fit, mean_cosine, split_for_validation, train_unmasker
from eumlib.triplets import TripletSampler
from eumlib.unmasking import EmbeddingUnmaskingModel, unmask

TABLE = drawn_table(people=60, pictures=5, dim=16)
SHORT = Schedule(epochs=4, batch_size=64)


def test_training_brings_masked_embeddings_home_where_there_is_something_to_learn():
    table = drawn_table(people=300, pictures=5, dim=8, noise=0.1, mask=1.5)
    training, validation = split_for_validation(table)
    masked, unmasked = validation.mated_views()
    nothing = (validation.vectors[masked] * validation.vectors[unmasked]).sum(axis=1).mean()
    result = fit(
        TripletSampler(training),
        SelfRestrainedTripletLoss(),
        mean_cosine(validation),
        Schedule(epochs=30, batch_size=64, epochs_a_step=10),
    )
    assert result.history["validation"].max() > nothing + 0.01
    assert result.history["d1"].iloc[-1] < result.history["d1"].iloc[0]


def test_the_model_has_the_weights_of_the_best_epoch():
    training, _validation = split_for_validation(TABLE)
    figures, weights = iter([0.1, 0.9, 0.2, 0.3]), []

    def validate(model):
        weights.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(figures)

    result = fit(TripletSampler(training), TripletLoss(), validate, SHORT)
    assert result.best_epoch == 2
    assert not result.model.training
    kept = result.model.state_dict()
    assert all(torch.equal(kept[name], weights[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], weights[3][name]) for name in kept)
    assert result.history["validation"].tolist() == [0.1, 0.9, 0.2, 0.3]


def test_the_history_has_a_row_an_epoch_and_the_published_schedule():
    training, validation = split_for_validation(TABLE)
    schedule = Schedule(batch_size=64)
    history = fit(
        TripletSampler(training), TripletLoss(), mean_cosine(validation), schedule
    ).history
    assert list(history.columns) == [
        "epoch", "learning_rate", "loss", "d1", "d2", "d3", "restrained", "validation",
    ]  # fmt: skip
    assert history["epoch"].tolist() == list(range(1, 11))
    rates = [0.1] * 3 + [0.01] * 3 + [0.001] * 3 + [0.0001]
    assert history["learning_rate"].tolist() == pytest.approx(rates)
    assert Schedule() == Schedule(10, 512, 0.1, 3, 0.9, 0)
    assert history["restrained"].between(0, 1).all()


def test_the_first_step_is_that_of_stochastic_gradient_descent_with_nesterov_momentum():
    training, validation = split_for_validation(TABLE)
    sampler = TripletSampler(training)
    schedule = Schedule(epochs=1, batch_size=len(sampler))
    result = fit(sampler, TripletLoss(), mean_cosine(validation), schedule)
    start, gradients = _first_gradients(sampler, schedule)
    bias = result.model.layers[-1].bias.detach()
    # on the first step Nesterov's update is (1 + momentum) times the gradient
    expected = start - 0.1 * 1.9 * gradients
    torch.testing.assert_close(bias, expected)


def _first_gradients(sampler, schedule):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        model = EmbeddingUnmaskingModel(sampler.dim)
    batch = next(sampler.batches(schedule.batch_size, np.random.default_rng(schedule.seed)))
    TripletLoss()(triplet_distances(model(batch.anchor), *batch[1:])).backward()
    last = model.layers[-1].bias
    return last.detach().clone(), last.grad


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_generator_alone():
    torch.manual_seed(123)
    expected = torch.rand(1)
    torch.manual_seed(123)
    models = [
        train_unmasker(TABLE, TripletLoss(), Schedule(2, 64, seed=seed)).model for seed in (7, 7, 8)
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


def test_mean_cosine_agrees_with_a_slow_loop():
    _, validation = split_for_validation(TABLE)

    class Same(nn.Module):
        dim = 16

        def __init__(self):
            super().__init__()
            self.nothing = nn.Parameter(torch.zeros(1))

        def forward(self, x):
            return 3 * x + self.nothing

    views = {(row.image_id, row.view): i for i, row in enumerate(validation.rows.itertuples())}
    cosines = [
        float(validation.vectors[i] @ validation.vectors[views[image_id, "unmasked"]])
        for (image_id, view), i in views.items()
        if view == "masked"
    ]
    assert mean_cosine(validation)(Same()) == pytest.approx(np.mean(cosines), abs=1e-6)


def test_a_loss_that_is_not_finite_stops_the_training():
    class Broken(TripletLoss):
        def forward(self, distances):
            return super().forward(distances) * float("nan")

    with pytest.raises(ValueError, match="no longer finite: lower the learning rate"):
        train_unmasker(TABLE, Broken(), SHORT)


def test_too_few_people_for_validation_is_a_clear_error():
    with pytest.raises(TableError):
        train_unmasker(drawn_table(people=1), TripletLoss(), SHORT)
