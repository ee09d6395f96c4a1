import numpy as np
import pytest
import torch

from eumlib.embeddings import TableError, unit_length
from eumlib.rivals import Lesson, MapPairs, NetworkRival, Student, StudentsLesson, train_network
from eumlib.rivals.lessons import count_of_learnt


def test_pairs_are_a_masked_view_and_the_bare_one_of_its_picture(maps, pairs, recogniser):
    rows = maps.rows
    masked = np.flatnonzero(rows["view"] == "masked")
    assert len(pairs) == len(masked) == 16
    assert pairs.people == 4
    batch = pairs.batch(np.arange(16))
    for place, row in enumerate(masked):
        (bare,) = np.flatnonzero(
            (rows["image_id"] == rows["image_id"][row]) & (rows["view"] == "unmasked")
        )
        for of, number in (("masked", row), ("bare", bare)):
            early = maps.maps[[number]].astype(np.float32)
            np.testing.assert_array_equal(getattr(batch, of)[place], early[0])
            chip = getattr(batch, f"{of}_chip")[place]
            np.testing.assert_array_equal(chip, maps.chips[[number]][0])
            with torch.inference_mode():
                late = recogniser.late_maps(torch.from_numpy(early))
                known = unit_length(recogniser.pooled(late).numpy())[0]
            home = {"masked": batch.away, "bare": batch.home}[of][place].numpy()
            np.testing.assert_allclose(home, known, atol=1e-4)
        assert ["flat", "surgical"][batch.style[place]] == (
            "flat" if rows["mask_shape"][row] == "a" else "surgical"
        )


def test_pairs_of_two_files_keep_their_people_and_their_rows(maps, pairs, recogniser):
    both = MapPairs(recogniser, [maps, maps], people=["p1", "p3"])
    assert len(both) == 16
    assert both.people == 2
    of_two = np.flatnonzero(np.isin(pairs.person, [1, 3]))
    expected = pairs.batch(of_two)
    batch = both.batch(np.arange(8, 16))
    assert torch.equal(batch.masked, expected.masked)
    assert torch.equal(batch.bare_chip, expected.bare_chip)
    assert batch.person.tolist() == [int(p == 3) for p in expected.person]


def test_every_round_has_every_pair_once(pairs):
    random = np.random.default_rng(0)
    seen = torch.cat([batch.home for batch in pairs.steps(4, 4, random)])
    assert len(torch.unique(seen, dim=0)) == len(torch.unique(pairs.home, dim=0))
    assert len(seen) == 16


def test_nobody_to_train_on_is_an_error(maps, recogniser):
    with pytest.raises(TableError, match="none of these people"):
        MapPairs(recogniser, [maps], people=["nobody"])


def test_a_training_learns_and_gives_the_same_weights_again(pairs, recogniser):
    trained, losses = [], []
    for _ in range(2):
        lesson = StudentsLesson(Student.of(recogniser), pairs)
        with torch.inference_mode():
            losses.append(lesson.eval().loss_of(pairs.batch(np.arange(16))).item())
        rival = train_network(lesson, pairs, steps=40, batch_size=8)
        with torch.inference_mode():
            losses.append(lesson.loss_of(pairs.batch(np.arange(16))).item())
        trained.append(rival)
    assert losses[1] < 0.8 * losses[0]
    for one, other in zip(*(rival.parameters() for rival in trained), strict=True):
        assert torch.equal(one, other)
        assert not one.requires_grad


def test_what_is_frozen_does_not_move(pairs, recogniser):
    lesson = StudentsLesson(Student.of(recogniser), pairs)
    learnt = [name for name, p in lesson.rival.named_parameters() if p.requires_grad]
    assert count_of_learnt(lesson) == sum(
        p.numel() for name, p in lesson.rival.named_parameters() if name in learnt
    )
    rival = train_network(lesson, pairs, steps=3, batch_size=4)
    before = Student.of(recogniser).state_dict()
    for name, values in rival.state_dict().items():
        assert torch.equal(values, before[name]) == (name not in learnt), name


class Diverging(Lesson):
    def loss_of(self, batch):
        return self.rival.from_early(batch.masked).sum() * torch.inf


def test_a_loss_that_is_not_finite_ends_the_training(pairs, recogniser):
    lesson = Diverging(Student.of(recogniser))
    with pytest.raises(ValueError, match="maskinv_network: the loss is no longer finite in step 0"):
        train_network(lesson, pairs, steps=3)


def test_a_rival_must_say_what_it_makes_of_maps(recogniser):
    with pytest.raises(NotImplementedError):
        NetworkRival.of(recogniser).from_early(torch.zeros(1, 128, 14, 14))
