import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib._common.progress import progress_bar
from eumlib.rivals import TemplateDistillation
from eumlib.unmasking import FAITHFUL, WORKBOOK, TripletSampler

SAMPLER = TripletSampler(drawn_table(people=6, pictures=3, dim=8))


def batch_of(count=18):
    return next(SAMPLER.batches(count, np.random.default_rng(0)))


def test_the_loss_is_arcface_by_hand_plus_the_weighted_squared_error():
    descent = TemplateDistillation(SAMPLER, WORKBOOK, "cpu", weight=7.0)
    batch = batch_of()
    batch = batch._replace(anchor=batch.positive)  # whichever of the two the student sees
    loss, _ = descent.loss_of(batch)
    students = descent.model(batch.positive).detach().numpy()  # the residual starts at 0
    expected = []
    for student, teacher, person in zip(
        students, batch.positive.numpy(), batch.person.tolist(), strict=True
    ):
        logits = []
        for other in range(6):
            centre = descent.classes.W[:, other].detach().numpy()
            cosine = student @ centre / np.linalg.norm(student) / np.linalg.norm(centre)
            angle = math.acos(min(cosine, 1)) + (math.radians(28.6) if other == person else 0)
            logits.append(64 * math.cos(angle))
        softmax = logits[person] - math.log(sum(math.exp(logit) for logit in logits))
        error = ((student / np.linalg.norm(student) - teacher) ** 2).mean()
        expected.append(-softmax + 7.0 * error)
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-3, abs=1e-3)


def test_directions_begin_near_the_teachers_means():
    directions = TemplateDistillation(SAMPLER, WORKBOOK, "cpu").classes.W.detach().numpy()
    for person in range(6):
        mean = SAMPLER.positives[SAMPLER.person == person].numpy().mean(axis=0)
        away = directions[:, person] - mean / np.linalg.norm(mean)
        assert 0.1 < np.linalg.norm(away) < 1.5


def test_the_student_sees_bare_faces_half_of_the_time():
    descent = TemplateDistillation(SAMPLER, WORKBOOK, "cpu")
    seen = []
    descent.model.register_forward_hook(lambda _module, given, _output: seen.append(given[0]))
    bare = []
    for _ in range(40):
        batch = batch_of()
        descent.loss_of(batch)
        bare += (seen[-1] == batch.positive).all(dim=1).tolist()
        assert ((seen[-1] == batch.positive) | (seen[-1] == batch.anchor)).all()
    assert 0.4 < np.mean(bare) < 0.6


def test_the_directions_of_people_are_trained_along():
    recipe = replace(FAITHFUL, batch_size=6, epochs=1)
    descent = TemplateDistillation(SAMPLER, recipe, "cpu")
    before = descent.classes.W.detach().clone()
    descent.run_epoch(lambda _model: 0.0, progress_bar(1, "", ""))
    assert not torch.equal(before, descent.classes.W)
    assert np.isfinite(descent.history[0]["loss"])
