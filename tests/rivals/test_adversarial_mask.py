import math

import numpy as np
import pytest
import torch
from drawn_faces import drawn_landmarks, drawn_picture
from torch import nn

from eumlib.embeddings import TorchBackbone
from eumlib.faces import Face, FaceSet, UnreadablePictureError, align_five_points
from eumlib.rivals import (
    PrintedMask,
    Wearers,
    WearersError,
    attack_loss,
    learn_mask,
    place,
    print_on,
    total_variation,
)
from eumlib.rivals.adversarial_mask import disturbed, on_chip, people_of

SIZE = 56


@pytest.fixture(scope="module")
def backbone():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=3), nn.Tanh(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
            nn.Linear(96, 8),
        )  # fmt: skip
    return TorchBackbone("small", network, chip_size=SIZE)


def wearer(turn, skin):
    landmarks = drawn_landmarks(turn)
    chip = align_five_points(drawn_picture(landmarks, skin), landmarks, SIZE)
    return chip, on_chip(landmarks, SIZE)


@pytest.fixture(scope="module")
def wearers():
    skins = [(205, 165, 140), (90, 60, 50), (230, 190, 170)]
    made = [wearer(turn, skin) for skin in skins for turn in (-10, 10)]
    chips, landmarks = (np.array(part) for part in zip(*made, strict=True))
    return Wearers(chips, landmarks, np.repeat(["ann", "bob", "cem"], 2))


def test_total_variation_is_a_loop_over_neighbours():
    texture = np.random.default_rng(0).random((3, 4, 5))
    total = 0
    for colour in texture:
        for row in range(4):
            for column in range(5):
                if row:
                    total += abs(colour[row, column] - colour[row - 1, column])
                if column:
                    total += abs(colour[row, column] - colour[row, column - 1])
    assert total_variation(torch.tensor(texture)).item() == pytest.approx(total / 60)
    assert total_variation(torch.full((3, 4, 5), 0.7)).item() == 0


def test_the_loss_is_a_loop_over_faces():
    random = np.random.default_rng(0)
    masked, targets, texture = random.normal(size=(4, 6)), random.normal(size=(4, 6)), np.eye(5)
    likeness = []
    for one, other in zip(masked, targets, strict=True):
        cosine = (one @ other) / (math.sqrt(one @ one) * math.sqrt(other @ other))
        likeness.append((cosine + 1) / 2)
    texture = torch.tensor(np.stack([texture] * 3))
    expected = np.mean(likeness) + 0.3 * total_variation(texture).item()
    loss = attack_loss(torch.tensor(masked), torch.tensor(targets), texture, 0.3)
    assert loss.item() == pytest.approx(expected)


def test_the_loss_goes_from_one_for_no_effect_to_nothing_for_the_opposite():
    one, plain = torch.tensor([[1.0, 0.0]]), torch.zeros(3, 4, 4)
    for masked, expected in (([[2.0, 0.0]], 1), ([[0.0, 3.0]], 0.5), ([[-1.0, 0.0]], 0)):
        assert attack_loss(torch.tensor(masked), one, plain, 1.0).item() == pytest.approx(expected)


def test_embeddings_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"both be \(n, d\), not \(2, 3\) and \(2, 4\)"):
        attack_loss(torch.ones(2, 3), torch.ones(2, 4), torch.zeros(3, 4, 4), 0.1)


def test_the_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 9, stride=8), nn.Tanh(), nn.Flatten()).double()
    landmarks = drawn_landmarks(half_width=15.0, centre=(32.0, 28.0))
    grids, alphas = (torch.tensor(p[None], dtype=torch.float64) for p in place(landmarks, 60, 64))
    face = torch.rand(1, 3, 60, 64, dtype=torch.float64)
    person = network(face).detach()

    def loss_of(texture):
        return attack_loss(
            network(print_on(face, texture[None], grids, alphas)), person, texture, 0.1
        )

    texture = torch.rand(3, 4, 5, dtype=torch.float64, requires_grad=True)
    loss_of(texture).backward()
    for place_ in [(0, 1, 2), (1, 3, 4), (2, 0, 0), (0, 2, 1)]:
        nudge = torch.zeros(3, 4, 5, dtype=torch.float64)
        nudge[place_] = 1e-6
        with torch.no_grad():
            slope = (loss_of(texture + nudge) - loss_of(texture - nudge)) / 2e-6
        assert texture.grad[place_].item() == pytest.approx(slope.item(), rel=1e-4, abs=1e-9)


def test_a_mask_may_sit_a_little_aside_and_turned():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 7), indexing="ij")
    grids = torch.stack([x, y], dim=-1)[None].repeat(200, 1, 1, 1)
    texture = torch.rand(3, 4, 5)
    textures, moved = disturbed(texture, grids, torch.Generator().manual_seed(0))
    assert textures.shape == (200, 3, 4, 5)
    assert textures.min() >= 0
    assert textures.max() <= 1
    middle, right = moved[:, 2, 3], moved[:, 2, 6]
    assert 0.045 < middle.abs().max() <= 0.05
    angle = torch.rad2deg(torch.atan2(*(right - middle).T.flip(0)))
    assert 4.5 < angle.abs().max() <= 5.0001
    lengths = (right - middle).norm(dim=1).numpy()
    assert lengths == pytest.approx(np.ones(200), abs=1e-5)


def test_the_same_generator_disturbs_alike():
    grids, texture = torch.zeros(2, 3, 3, 2), torch.rand(3, 4, 5)
    one, again, other = (
        disturbed(texture, grids, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert not any((a == b).all() for a, b in zip(one, other, strict=True))


def test_landmarks_move_into_the_chip_as_the_picture_does():
    landmarks = drawn_landmarks(20)
    picture = drawn_picture(landmarks)
    blocks = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    mask = PrintedMask("mine", blocks.repeat(28, axis=0).repeat(28, axis=1))
    printed_first = align_five_points(mask.painted_on(picture, landmarks), landmarks)
    aligned_first = mask.painted_on(align_five_points(picture, landmarks), on_chip(landmarks))
    inside = place(on_chip(landmarks), 112, 112).alpha == 1
    assert abs(printed_first.astype(float) - aligned_first)[inside].mean() < 6
    assert abs(printed_first.astype(float) - aligned_first)[~inside].mean() < 1


def test_a_person_is_the_mean_of_the_own_bare_faces(wearers, backbone):
    embeddings = backbone.embed(wearers.chips)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    people = people_of(wearers, backbone)
    for row, name in enumerate(wearers.identities):
        own = [e for e, other in zip(embeddings, wearers.identities, strict=True) if other == name]
        mean = np.mean(own, axis=0)
        assert people[row].numpy() == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_the_loss_falls_and_the_mask_drives_embeddings_away(wearers, backbone):
    weights = [parameter.clone() for parameter in backbone.module.parameters()]
    learnt = learn_mask(wearers, backbone, steps=40, batch_size=6, learning_rate=0.05)
    assert learnt.losses.shape == (40,)
    assert learnt.losses[-5:].mean() < learnt.losses[:5].mean() - 0.02
    assert all(map(torch.equal, weights, backbone.module.parameters()))

    def likeness(mask):
        worn = [
            mask.painted_on(*pair) for pair in zip(wearers.chips, wearers.landmarks, strict=True)
        ]
        people = people_of(wearers, backbone).numpy()
        embeddings = backbone.embed(np.array(worn))
        return (embeddings * people).sum(axis=1) / np.linalg.norm(embeddings, axis=1)

    blank = PrintedMask("blank", np.full((84, 112, 3), 128, np.uint8))
    assert likeness(learnt.mask).mean() < likeness(blank).mean()


def test_the_same_seed_gives_the_same_mask(wearers, backbone):
    one, again, other = (
        learn_mask(wearers, backbone, 3, 4, seed=seed).mask.texture for seed in (5, 5, 6)
    )
    assert (one == again).all()
    assert (one != other).any()


def test_what_is_learnt_can_be_printed(wearers, backbone):
    texture = learn_mask(wearers, backbone, steps=1, learning_rate=1.0).mask.texture
    # a step of 1 from grey leads out of [0, 1]; what is not clamped wraps around as it is rounded
    assert np.isin(texture, (0, 255)).mean() > 0.3


def test_smoothness_makes_the_mask_calmer(wearers, backbone):
    calm, restless = (
        learn_mask(wearers, backbone, 30, 6, 0.05, smoothness).mask.texture
        for smoothness in (3.0, 0.0)
    )
    variations = [total_variation(torch.tensor(t / 255).permute(2, 0, 1)) for t in (calm, restless)]
    assert variations[0] < variations[1]


def test_the_mean_face_is_the_mean_of_what_masks_hide(wearers):
    one = Wearers(wearers.chips[:1], wearers.landmarks[:1], wearers.identities[:1])
    both = Wearers(wearers.chips[[0, 2]], wearers.landmarks[[0, 2]], wearers.identities[[0, 2]])
    other = Wearers(wearers.chips[2:3], wearers.landmarks[2:3], wearers.identities[2:3])
    mean = (one.mean_face().texture.astype(float) + other.mean_face().texture) / 2
    assert both.mean_face().texture == pytest.approx(mean, abs=1.01)


def torn():
    raise UnreadablePictureError("torn.jpg is torn")


def test_wearers_are_found_in_a_face_set_and_the_others_counted(orl):
    faces = (*orl.faces[:2], Face("torn", "s1", torn))
    wearers = Wearers.of(FaceSet("few", faces, "few", one_face=True))
    assert wearers.chips.shape == (2, 112, 112, 3)
    assert wearers.grids.shape == (2, 112, 112, 2)
    assert (wearers.not_acquired, wearers.identities.tolist()) == (1, ["s1", "s1"])


def test_nobody_can_wear_no_mask():
    with pytest.raises(WearersError, match="no face was found on 1 pictures"):
        Wearers.of(FaceSet("torn", (Face("torn", "s1", torn),), "torn", one_face=True))


def test_chips_of_another_size_are_refused(wearers):
    other = TorchBackbone("other", nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()))
    with pytest.raises(ValueError, match=r"other reads chips of 112 px, and the wearers' have 56"):
        learn_mask(wearers, other, steps=1)


def test_no_step_is_too_few(wearers, backbone):
    with pytest.raises(ValueError, match="one step of learning at least, not 0"):
        learn_mask(wearers, backbone, steps=0)
