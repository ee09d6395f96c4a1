import numpy as np
import pandas as pd
import pytest
import torch
from builders import drawn_table

from eumlib.losses import TripletLoss, triplet_distances
from eumlib.negatives import drawn_negatives, hardest_negatives
from eumlib.recipes import Recipe
from eumlib.training import fit, split_for_validation
from eumlib.triplets import TripletSampler
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError
from eumlib.validation import mean_cosine
from eumlib.weights import WeightsError

TABLE = drawn_table(people=60, pictures=5, dim=16)
SHORT = {"epochs": 4, "batch_size": 64}


def test_the_first_step_is_that_of_stochastic_gradient_descent_with_nesterov_momentum():
    training, validation = split_for_validation(TABLE)
    sampler = TripletSampler(training)
    recipe = Recipe(TripletLoss(), epochs=1, batch_size=len(sampler))
    result = fit(sampler, recipe, mean_cosine(validation))
    start, gradients = _first_gradients(sampler, recipe)
    bias = result.model.layers[-1].bias.detach()
    # on the first step Nesterov's update is (1 + momentum) times the gradient
    expected = start - 0.1 * 1.9 * gradients
    torch.testing.assert_close(bias, expected)


def _first_gradients(sampler, recipe):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = EmbeddingUnmaskingModel(sampler.dim)
    batch = next(sampler.batches(recipe.batch_size, np.random.default_rng(recipe.seed)))
    distances = triplet_distances(model(batch.anchor), batch.positive, batch.negative)
    TripletLoss()(distances).backward()
    last = model.layers[-1].bias
    return last.detach().clone(), last.grad


class InterruptedTrainingError(Exception):
    """Stands for a run that was killed."""


def test_a_training_that_was_stopped_goes_on_to_the_same_end(tmp_path):
    training, validation = split_for_validation(TABLE)
    recipe, path = Recipe(epochs=5, batch_size=64), tmp_path / "run.safetensors"
    whole = fit(TripletSampler(training), recipe, mean_cosine(validation))
    calls = iter(range(10))

    def killed_in_the_third_epoch(model):
        if next(calls) == 2:
            raise InterruptedTrainingError
        return mean_cosine(validation)(model)

    with pytest.raises(InterruptedTrainingError):
        fit(TripletSampler(training), recipe, killed_in_the_third_epoch, checkpoint=path)
    resumed = fit(TripletSampler(training), recipe, mean_cosine(validation), checkpoint=path)
    pd.testing.assert_frame_equal(resumed.history, whole.history, check_exact=True)
    assert resumed.best_epoch == whole.best_epoch
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value)
    again = fit(TripletSampler(training), recipe, killed_in_the_third_epoch, checkpoint=path)
    pd.testing.assert_frame_equal(again.history, whole.history, check_exact=True)  # nothing to do


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    training, validation = split_for_validation(TABLE)
    path, validate = tmp_path / "run.safetensors", mean_cosine(validation)
    fit(TripletSampler(training), Recipe(**SHORT), validate, checkpoint=path)
    with pytest.raises(ModelError, match="another training: delete it") as refused:
        fit(TripletSampler(training), Recipe(**SHORT, seed=1), validate, checkpoint=path)
    assert "seed=1" in str(refused.value)
    with pytest.raises(ModelError, match="another training"):
        fit(TripletSampler(validation), Recipe(**SHORT), validate, checkpoint=path)
    path.write_bytes(b"torn")
    with pytest.raises(WeightsError, match="not a file of weights"):
        fit(TripletSampler(training), Recipe(**SHORT), validate, checkpoint=path)


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
