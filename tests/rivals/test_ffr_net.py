import math

import numpy as np
import pytest
import torch

from eumlib.rivals import (
    RectificationBlock,
    RectificationLesson,
    RectifiedNet,
    Unchanged,
    similarities_of_channels,
    similarities_of_places,
)


def cosine(a, b):
    return (a @ b) / np.linalg.norm(a) / np.linalg.norm(b)


def test_similarities_are_cosines_of_all_places_and_of_all_channels():
    maps = torch.randn(2, 5, 3, 2, generator=torch.Generator().manual_seed(0))
    places, channels = similarities_of_places(maps), similarities_of_channels(maps)
    for face in range(2):
        flat = maps[face].reshape(5, 6).numpy()
        for i in range(6):
            for j in range(6):
                assert places[face, i, j] == pytest.approx(cosine(flat[:, i], flat[:, j]), abs=1e-5)
        for i in range(5):
            for j in range(5):
                assert channels[face, i, j] == pytest.approx(cosine(flat[i], flat[j]), abs=1e-5)


def test_the_block_begins_as_the_identity():
    maps = torch.randn(2, 512, 7, 7)
    assert torch.equal(RectificationBlock()(maps), maps)


def test_the_block_is_the_two_mixtures_by_hand():
    torch.manual_seed(0)
    block = RectificationBlock()
    torch.nn.init.normal_(block.merge.weight, std=0.05)
    maps = torch.randn(1, 512, 7, 7)
    with torch.no_grad():
        rectified = block(maps)[0].numpy()
        flat = maps[0].reshape(512, 49).numpy()
        alike = similarities_of_places(maps).reshape(1, 49, 7, 7)
        m_s = block.of_places(torch.cat([alike, maps], 1))[0].reshape(49, 49).numpy()
        alike = torch.cat([similarities_of_channels(maps), maps.flatten(2)], 2)
        m_c = block.of_channels(alike)[0].numpy()
    assert ((m_s > 0) & (m_s < 1)).all()
    by_place = flat @ m_s / 49
    by_channel = (m_c @ flat / 512).reshape(512, 7, 7)
    by_channel = (by_channel + by_channel[:, :, ::-1]) / 2
    stacked = np.concatenate([by_place, by_channel.reshape(512, 49), flat])
    weight = block.merge.weight.detach().numpy()[:, :, 0, 0]
    expected = flat + weight @ stacked
    np.testing.assert_allclose(rectified.reshape(512, 49), expected, atol=1e-3)


def test_before_its_training_the_rival_is_the_recogniser(maps, recogniser):
    early = torch.from_numpy(maps.maps[np.arange(4)]).float()
    with torch.inference_mode():
        one, other = (
            rival.of(recogniser).eval().from_early(early) for rival in (RectifiedNet, Unchanged)
        )
    assert torch.equal(one, other)


def test_the_loss_is_its_four_terms_by_hand(pairs, recogniser):
    lesson = RectificationLesson(RectifiedNet.of(recogniser, seed=3), pairs, identity=5.0)
    torch.nn.init.normal_(lesson.rival.rectify.merge.weight, std=0.002)
    batch = pairs.batch(np.arange(6))
    with torch.no_grad():
        loss = lesson.loss_of(batch).item()
        late = {n: recogniser.late_maps(getattr(batch, n)) for n in ("masked", "bare")}
        new = {n: lesson.rival.rectify(maps) for n, maps in late.items()}
        f, g = (recogniser.pooled(new[n]).numpy() for n in ("masked", "bare"))
    f, g = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (f, g))
    e, m = batch.home.numpy(), batch.away.numpy()
    alike = sum(
        float(((of(new["masked"]) - of(late["bare"])) ** 2).mean())
        for of in (similarities_of_places, similarities_of_channels)
    )
    triplet = same = classes = 0
    centres = lesson.classes.W.detach().numpy()
    for i, person in enumerate(batch.person.tolist()):
        triplet += max(0, 0.1 + (1 - f[i] @ e[i]) - (1 - f[i] @ m[i])) / 6
        same += (((f[i] - e[i]) ** 2).sum() + ((g[i] - e[i]) ** 2).sum()) / 2 / 6
        for v in (f[i], g[i]):
            logits = [
                30 * (cosine(v, centres[:, other]) - 0.4 * (other == person)) for other in range(4)
            ]
            classes += (math.log(sum(math.exp(x) for x in logits)) - logits[person]) / 6
    assert loss == pytest.approx(alike + triplet + 5 * same + classes, rel=1e-3)
