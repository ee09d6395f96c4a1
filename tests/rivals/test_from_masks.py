import math

import numpy as np
import pytest
import torch

from eumlib.rivals import (
    GatedMaps,
    GateLesson,
    occlusion,
    pattern_of,
    rectangles,
    share_on_mask,
)
from eumlib.rivals.from_masks import share_covered


@pytest.mark.parametrize(("size", "count"), [(1, 2), (2, 10), (4, 101), (5, 226)])
def test_there_are_as_many_patterns_as_published(size, count):
    patterns = {pattern.tobytes() for pattern in rectangles(size)}
    assert len(patterns) == len(list(rectangles(size))) == count
    for pattern in rectangles(size):
        rows, columns = np.flatnonzero(pattern.any(1)), np.flatnonzero(pattern.any(0))
        assert pattern.sum() == len(rows) * len(columns)
        assert not len(rows) or np.ptp(rows) + 1 == len(rows)


def test_the_pattern_is_the_one_that_overlaps_most_by_a_slow_search():
    random = np.random.default_rng(0)
    occluded = np.zeros((12, 60, 60), bool)
    for face in range(1, 12):
        top, left = random.integers(0, 45, 2)
        occluded[face, top : top + random.integers(8, 40), left : left + random.integers(8, 40)] = 1
    found = pattern_of(torch.from_numpy(occluded)).tolist()
    patterns = list(rectangles())
    assert found[0] == 0
    for face in range(12):
        cells = np.zeros((5, 5), bool)
        for i in range(5):
            for j in range(5):
                cell = occluded[face, 12 * i : 12 * i + 12, 12 * j : 12 * j + 12]
                cells[i, j] = cell.mean() > 0.25
        if not cells.any():
            assert found[face] == 0
            continue
        best = max((p & cells).sum() / (p | cells).sum() for p in patterns[1:])
        chosen = patterns[found[face]]
        assert (chosen & cells).sum() / (chosen | cells).sum() == pytest.approx(best)


def test_the_occlusion_is_where_the_chips_differ():
    random = np.random.default_rng(0)
    bare = random.integers(60, 90, (2, 64, 64, 3), np.uint8)
    masked = bare.copy()
    masked[1, 32:, 10:50] = 250
    occluded = occlusion(torch.from_numpy(masked), torch.from_numpy(bare)).numpy()
    assert not occluded[0].any()
    assert occluded[1, 34:, 13:47].all()
    assert not occluded[1, :28].any()


def test_the_gate_begins_half_open_and_is_a_share(maps, recogniser):
    early = torch.from_numpy(maps.maps[np.arange(3)]).float()
    rival = GatedMaps.of(recogniser).eval()
    with torch.inference_mode():
        gate, late = rival.gate_and_maps(early)
        expected = recogniser.late_maps(early)
        embeddings = rival.from_early(early)
    assert gate.shape == late.shape == (3, 512, 7, 7)
    torch.testing.assert_close(gate, torch.full_like(gate, 0.5))
    torch.testing.assert_close(late, expected)
    torch.testing.assert_close(embeddings, recogniser.pooled(gate * late))


def test_the_loss_is_cosface_and_cross_entropy_by_hand(pairs, recogniser):
    lesson = GateLesson(GatedMaps.of(recogniser), pairs, weight=2.0).eval()
    batch = pairs.batch(np.arange(5))
    with torch.no_grad():
        loss = lesson.loss_of(batch).item()
        early = torch.cat([batch.masked, batch.bare])
        gate, late = lesson.rival.gate_and_maps(early)
        f = recogniser.pooled(gate * late).numpy()
        told = lesson.patterns(gate).numpy().astype(float)
    true = [*pattern_of(occlusion(batch.masked_chip, batch.bare_chip)).tolist(), *[0] * 5]
    people = batch.person.tolist() * 2
    centres = lesson.classes.W.detach().numpy()
    expected = 0.0
    for i in range(10):
        logits = [
            30
            * (
                f[i] @ centres[:, other] / np.linalg.norm(f[i]) / np.linalg.norm(centres[:, other])
                - 0.35 * (other == people[i])
            )
            for other in range(4)
        ]
        expected += (math.log(sum(math.exp(x) for x in logits)) - logits[people[i]]) / 10
        log_sum = math.log(sum(math.exp(x) for x in told[i]))
        expected += 2.0 * (log_sum - told[i][true[i]]) / 10
    assert loss == pytest.approx(expected, rel=1e-3)


def test_the_share_on_the_mask_is_counted_place_by_place():
    random = np.random.default_rng(1)
    gate, bare = random.random((2, 3, 512, 7, 7)).astype(np.float32)
    occluded = np.zeros((3, 56, 56), bool)
    occluded[:, 24:, 8:48] = True  # whole places of 8 × 8
    hits = covered = 0
    for face in range(3):
        places = [((gate - bare)[face, :, i, j].mean(), i, j) for i in range(7) for j in range(7)]
        on = [(i >= 3) and (1 <= j < 6) for _, i, j in sorted(places)]
        hits += sum(on[:12]) / 12 / 3
        covered += sum(on) / 49 / 3
    gate, bare, occluded = map(torch.from_numpy, (gate, bare, occluded))
    assert share_on_mask(gate, bare, occluded) == pytest.approx(hits)
    assert share_covered(occluded) == pytest.approx(covered)
    below = gate.clone()
    below[:, :, 3:, 1:6] -= 1
    assert share_on_mask(below, gate, occluded) == 1
