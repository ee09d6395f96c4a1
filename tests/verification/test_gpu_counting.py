"""PyTorch against the compiled loops, to the last pair; on a GPU, too, where there is one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import drawn_table

from eumlib._common.device import DeviceError
from eumlib.verification import (
    ON_ALL_CORES,
    Comparison,
    DeviceCounter,
    FaceViews,
    evaluate,
    gpu_counting,
)
from eumlib.verification import comparison as module
from eumlib.verification.steps import STEPS

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=GPU)])
def counter(request):
    return DeviceCounter(request.param)


@pytest.fixture(params=[1, 100, 2**24])
def tiles(request, monkeypatch):
    monkeypatch.setattr(gpu_counting, "PAIRS_A_TILE", request.param)


def views(seed, count, people=7, pictures=12):
    """Views of pictures of few people, some pictures several times, in no order.

    Their products are exact, so that it does not matter in which order a tile's are summed; some
    are beyond ±1.
    """
    random = np.random.default_rng(seed)
    picture = random.integers(0, pictures, count)
    vectors = random.integers(-2, 3, (count, 6)).astype(np.float32) / 4
    return FaceViews(vectors, picture % people, picture)


def compared(name):
    one, other = views(1, 30), views(2, 24, people=9, pictures=22)
    return Comparison(one, one) if name == "symmetric" else Comparison(one, other)


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("name", ["symmetric", "two sides"])
def test_scores_are_counted_to_the_last_pair(name, counter):
    sides = compared(name).sides()
    counts = counter.count_scores(sides)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, ON_ALL_CORES.count_scores(sides))


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("thresholds", [20, 0])
@pytest.mark.parametrize("name", ["symmetric", "two sides"])
def test_teams_and_ranks_are_counted_to_the_last_pair(name, thresholds, counter):
    comparison = compared(name)
    team_of = np.random.default_rng(0).permutation(comparison.people) % 3
    edges = np.arange(thresholds) * STEPS // 8 - STEPS  # scores lie on some
    edges[-1:] = STEPS  # the highest score there can be
    sides = comparison.sides(team_of)
    found, expected = counter.tally(sides, edges), ON_ALL_CORES.tally(sides, edges)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_steps_are_rounded_as_elsewhere(counter):
    random = np.random.default_rng(0)
    halves = (random.integers(-(2**22), 2**22, 5_000) + np.float64(0.5)) / STEPS
    cosines = np.concatenate([halves, random.uniform(-1.1, 1.1, 5_000)]).astype(np.float32)
    pictures = np.arange(1 + len(cosines))
    references, probes = (
        FaceViews(numbers[:, None], np.zeros(len(numbers)), of)
        for numbers, of in ((cosines, pictures[1:]), (np.ones(1, np.float32), pictures[:1]))
    )
    sides = Comparison(references, probes).sides()
    np.testing.assert_array_equal(counter.count_scores(sides), ON_ALL_CORES.count_scores(sides))


def test_sums_in_another_order_move_scores_by_a_few_steps(counter):
    """TF32 would move them by hundreds."""
    table = drawn_table(people=200, pictures=3, noise=1.5)
    rows, order = table.rows, np.random.default_rng(0).permutation(table.vectors.shape[1])
    two = [
        FaceViews(vectors, rows["identity"].to_numpy(), rows["image_id"].to_numpy())
        for vectors in (table.vectors, np.ascontiguousarray(table.vectors[:, order]))
    ]
    one, other = (Comparison(views, views).sides() for views in two)
    found, expected = counter.count_scores(other), ON_ALL_CORES.count_scores(one)
    steps = np.abs(np.cumsum(found - expected, axis=1)).sum()  # by which scores moved, in all
    assert 0 < steps < 2 * expected.sum()


def test_every_figure_and_interval_is_the_one_that_compiled_loops_give(counter, monkeypatch):
    """Of vectors with exact products, in three settings."""
    monkeypatch.setattr(module, "FEW", 0)
    table = drawn_table(people=120, pictures=3, noise=1.5)
    table = replace(table, vectors=np.rint(table.vectors * 64).astype(np.float32) / 64)
    expected = evaluate(table, {}, resamples=10)
    assert evaluate(table, {}, resamples=10, counter=counter).equals(expected)


@pytest.fixture
def coarse_products():
    torch.set_float32_matmul_precision("medium")  # TF32, and bfloat16 on processors that have it
    yield
    torch.set_float32_matmul_precision("highest")


@pytest.mark.usefixtures("coarse_products")
def test_products_are_full_float32_whatever_was_set_and_afterwards_as_it_was(counter):
    vectors = np.zeros((300, 64), np.float32)
    vectors[:, 0] = 1 - 2.0**-12  # one bit more than TF32 has; its square is a float32
    one = FaceViews(vectors, np.arange(300), np.arange(300))
    sides = Comparison(one, one).sides()
    np.testing.assert_array_equal(counter.count_scores(sides), ON_ALL_CORES.count_scores(sides))
    assert torch.get_float32_matmul_precision() == "medium"


def test_a_full_memory_is_said_in_a_line(counter, monkeypatch):
    def full(*_args, **_options):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 1 GiB")

    monkeypatch.setattr(torch, "bincount", full)
    with pytest.raises(DeviceError, match=r"^the memory of c\w+ is full: .+$"):
        counter.count_scores(compared("symmetric").sides())


def test_a_device_that_is_not_there_is_refused_at_once():
    with pytest.raises(DeviceError, match="'warp'"):
        DeviceCounter("warp")
