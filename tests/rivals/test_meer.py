import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from eumlib.rivals import DecoupledNet, DecouplingLesson, structural_similarity
from eumlib.rivals.meer import ReversedGradient, recognised


def test_the_parts_add_up_to_the_last_maps(maps, recogniser):
    rival = DecoupledNet.of(recogniser).eval()
    torch.nn.init.normal_(rival.attention[-1].weight, std=0.1)
    early = torch.from_numpy(maps.maps[np.arange(3)]).float()
    with torch.inference_mode():
        identity, mask = rival.parts(early)
        late = recogniser.late_maps(early)
        torch.testing.assert_close(identity + mask, late, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(rival.from_early(early), recogniser.pooled(identity))
        drawn = rival.restore(early, identity)
    assert drawn.shape == (3, 3, 64, 64)
    assert drawn.abs().max() <= 1


def test_a_reversed_gradient_is_the_negative_one():
    x = torch.randn(4, requires_grad=True)
    (ReversedGradient.apply(x) * torch.arange(4)).sum().backward()
    assert x.grad.tolist() == [0, -1, -2, -3]


def test_the_recogniser_sees_restored_faces_as_it_sees_chips(backbone, recogniser):
    grey = np.full((1, 64, 64, 3), 90, np.uint8)
    restored = torch.from_numpy(grey).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        seen = recognised(recogniser, restored).numpy()
    chip = np.full((1, 112, 112, 3), 90, np.uint8)
    np.testing.assert_allclose(seen, backbone.embed(chip), atol=1e-3)


def test_the_loss_is_its_seven_terms_by_hand(pairs, recogniser):
    lesson = DecouplingLesson(DecoupledNet.of(recogniser, seed=2), pairs).eval()
    torch.nn.init.normal_(lesson.rival.attention[-1].weight, std=0.05)
    batch = pairs.batch(np.array([0, 5, 9]))
    with torch.no_grad():
        loss = lesson.loss_of(batch).item()
        early = torch.cat([batch.masked, batch.bare])
        identity, mask = lesson.rival.parts(early)
        f = functional.normalize(recogniser.pooled(identity)).numpy().astype(float)
        drawn = lesson.rival.restore(batch.masked, identity[:3])
        again = functional.normalize(recognised(recogniser, drawn)).numpy()
        told = lesson.kind_of_mask_part(mask.mean((2, 3))).numpy().astype(float)
        adversary = lesson.adversary(torch.tensor(f).float()).numpy().astype(float)
    kinds = [*(style + 1 for style in batch.style.tolist()), 0, 0, 0]
    people = batch.person.tolist() * 2
    home = np.concatenate([batch.home.numpy()] * 2)
    centres = lesson.classes.W.detach().numpy()
    centres = centres / np.linalg.norm(centres, axis=0)
    expected = 0.0
    for i in range(6):
        logits = [30 * (f[i] @ centres[:, k] - 0.35 * (k == people[i])) for k in range(4)]
        for scores, true in ((logits, people[i]), (told[i], kinds[i]), (adversary[i], kinds[i])):
            expected += (math.log(sum(math.exp(x) for x in scores)) - scores[true]) / 6
        expected += 10 * ((f[i] - home[i]) ** 2).sum() / 6
        a, b = (part[i].mean((1, 2)).numpy() for part in (identity, mask))
        expected += (a @ b / np.linalg.norm(a) / np.linalg.norm(b)) ** 2 / 6
    bare = batch.bare_chip.numpy() / 127.5 - 1
    expected += 10 * abs(drawn.permute(0, 2, 3, 1).numpy() - bare).mean()
    expected += np.mean([1 - again[i] @ home[i] for i in range(3)])
    assert loss == pytest.approx(expected, rel=1e-3)


def test_structural_similarity_is_the_formula_window_by_window():
    random = np.random.default_rng(0)
    a = random.integers(0, 256, (12, 11, 3), np.uint8)
    b = np.clip(a + random.normal(0, 25, a.shape), 0, 255).astype(np.uint8)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        for i in range(12 - 6):
            for j in range(11 - 6):
                x, y = (p[i : i + 7, j : j + 7, channel].astype(float) for p in (a, b))
                covariance = ((x - x.mean()) * (y - y.mean())).mean()
                values.append(
                    (2 * x.mean() * y.mean() + c1) * (2 * covariance + c2)
                    / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2))
                )  # fmt: skip
    assert structural_similarity(a, b) == pytest.approx(np.mean(values))
    assert structural_similarity(a, a) == pytest.approx(1)
