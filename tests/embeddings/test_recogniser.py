from types import SimpleNamespace

import numpy as np
import pytest

from eumlib.embeddings import BackboneError, embed_in_batches

BACKBONE = SimpleNamespace(name="means", dim=3, chip_size=8)


def means(chips):
    return chips.mean(axis=(1, 2))


def drawn_chips(count):
    return np.random.default_rng(count).integers(0, 256, (count, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 11])
def test_chips_are_embedded_in_batches_and_in_order(count):
    chips, sizes = drawn_chips(count), []

    def noted_means(batch):
        sizes.append(len(batch))
        return means(batch)

    embeddings = embed_in_batches(BACKBONE, chips, 4, noted_means)
    np.testing.assert_allclose(embeddings, [chip.mean(axis=(0, 1)) for chip in chips], rtol=1e-6)
    assert embeddings.dtype == np.float32
    assert sizes == [4] * (count // 4) + ([count % 4] if count % 4 else [])


def test_no_chips_give_no_embeddings():
    embeddings = embed_in_batches(BACKBONE, drawn_chips(0), 4, means)
    assert embeddings.shape == (0, 3)
    assert embeddings.dtype == np.float32


def test_chips_that_are_views_of_others_come_in_one_block_of_memory():
    chips = drawn_chips(6)

    def block_means(batch):
        assert batch.flags.c_contiguous
        return means(batch)

    embeddings = embed_in_batches(BACKBONE, chips[::-2, ::-1], 4, block_means)
    np.testing.assert_allclose(embeddings, means(chips)[::-2], rtol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 9, 8, 3), (2, 3, 8, 8), (1, 8, 8, 1), (0,)])
def test_chips_of_another_shape_are_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"\(n, 8, 8, 3\)") as refusal:
        embed_in_batches(BACKBONE, np.zeros(shape, np.uint8), 4, means)
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_chips_of_another_type_are_refused(dtype):
    with pytest.raises(ValueError, match=f"uint8, 0 to 255, not {dtype}"):
        embed_in_batches(BACKBONE, np.zeros((1, 8, 8, 3), dtype), 4, means)


@pytest.mark.parametrize("wrong", [lambda b: means(b)[1:], lambda b: means(b)[:, :2], np.ravel])
def test_embeddings_of_another_shape_are_refused_with_both_shapes(wrong):
    with pytest.raises(BackboneError, match=r"means gave \(\d+,.*\) for 4 chips, not \(4, 3\)"):
        embed_in_batches(BACKBONE, drawn_chips(6), 4, wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_embeddings_that_are_no_numbers_are_refused_and_the_chip_is_named(value):
    chips = drawn_chips(7)
    chips[5] = 0

    def broken_means(batch):
        return np.where(batch.any(axis=(1, 2)), means(batch), value)

    with pytest.raises(BackboneError, match="for 1 of 3 chips; the first is chip 5"):
        embed_in_batches(BACKBONE, chips, 4, broken_means)
