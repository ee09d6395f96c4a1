import pandas as pd
import pytest
import torch
from builders import drawn_table

from eumlib._common.tensors import TensorFileError
from eumlib.unmasking import (
    ModelError,
    Recipe,
    TripletSampler,
    fit,
    mean_cosine,
    split_for_validation,
)

TABLE = drawn_table(people=60, pictures=5, dim=16)


SHORT = {"epochs": 4, "batch_size": 64}


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
    for name, value in whole.unmasker.model.state_dict().items():
        assert torch.equal(resumed.unmasker.model.state_dict()[name], value)
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
    with pytest.raises(TensorFileError, match="not a file of weights"):
        fit(TripletSampler(training), Recipe(**SHORT), validate, checkpoint=path)
