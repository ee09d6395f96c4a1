from dataclasses import replace

import numpy as np
import pytest
import torch

from eumlib.rivals import SYSTEMS, YARDSTICK, Protocol, System
from eumlib.rivals.protocol import count_of_parameters, milliseconds_a_face
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker


@pytest.fixture(scope="module")
def protocol(material, small):
    return Protocol(material, 2, 10, small)


def test_every_system_trains_several_times_and_is_judged_on_every_test(protocol):
    trained, minutes = protocol.train(SYSTEMS[YARDSTICK])
    assert minutes > 0
    first, second = (one.model.state_dict()["layers.0.weight"] for one in trained)
    assert not torch.equal(first, second)
    rates = protocol.judge(trained)
    assert [face_set for face_set, _ in rates] == ["lfw", "lfw", "orl", "orl", "mfr2"]
    assert all(0 <= of_test.values["eer"] <= 1 for of_test in rates.values())


def test_all_train_on_nobody_in_as_many_steps(protocol):
    given = {}
    for name, system in SYSTEMS.items():

        def train(training, validation, recipe, device, name=name):
            (table,) = training
            given[name] = (table.rows["face_set"].unique().tolist(), recipe.steps_an_epoch)
            assert {t.rows["face_set"].iloc[0] for t in validation} == {"lfw"}
            return Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")

        protocol.train(replace(system, train=train))
    assert set(given) == set(SYSTEMS)
    assert all(of_one == (["nobody"], 2) for of_one in given.values())


def test_a_system_may_be_trained_on_fewer_people(protocol):
    counts = []

    def train(training, *_rest):
        counts.append(training[0].rows["identity"].nunique())
        return Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")

    for people in (None, 20, 1000):
        protocol.train(System("counts", train, people))
    assert counts == [60, 60, 20, 20, 60, 60]


def test_what_a_system_costs():
    eum = Unmasker(EmbeddingUnmaskingModel(16).eval(), "drawn_recogniser")
    assert count_of_parameters(eum) == 4 * (16 * 16 + 16) + 4 * 2 * 16
    assert 0 < milliseconds_a_face(eum, faces=64) < 100


def test_a_linear_map_is_that_of_least_squares(protocol):
    (first, again), _ = protocol.train(SYSTEMS["linear"])
    given = np.eye(16, dtype=np.float32)
    answers = first.unmask(given, "drawn_recogniser")
    np.testing.assert_allclose(answers, again.unmask(given, "drawn_recogniser"))
