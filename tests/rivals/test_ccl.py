import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import drawn_table, masked_table
from torch.nn import functional

from eumlib.embeddings import TableError, unit_length
from eumlib.masks import style_of
from eumlib.rivals import (
    ContextPairs,
    Gate,
    GatedUnmasker,
    MaskGate,
    context_aware_loss,
    streams_through,
    train_gate,
)
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, NoOp, Unmasker
from eumlib.verification import ComparedViews

TABLE = masked_table(["a", "surgical", "cloth plain"], people=10, pictures=2, dim=12, mask=1.5)
DISTINCT = np.linspace(0, 1e-3, len(TABLE), dtype=np.float32)[:, None]
TABLE = replace(TABLE, vectors=unit_length(TABLE.vectors + DISTINCT))


@pytest.fixture(scope="module")
def gate():
    return Gate(train_gate([TABLE], steps=600), "drawn_recogniser")


def test_the_loss_is_that_of_a_loop_over_pairs():
    torch.manual_seed(0)
    gate = MaskGate(5)
    masked, bare, same_mask = torch.randn(3, 4, 5)
    loss = context_aware_loss(gate, masked, bare, same_mask).item()
    z = {
        name: functional.normalize(gate.features(part), dim=1).detach().numpy()
        for name, part in (("masked", masked), ("bare", bare), ("same", same_mask))
    }
    crossed = [
        math.log1p(math.exp(-x if worn else x))
        for part, worn in ((masked, True), (bare, False), (same_mask, True))
        for x in gate(part).tolist()
    ]
    like = [np.linalg.norm(z["masked"][i] - z["same"][i]) for i in range(4)]
    like += [np.linalg.norm(z["bare"][i] - z["bare"][i - 1]) for i in range(4)]
    unlike = [max(1 - np.linalg.norm(z["masked"][i] - z["bare"][i]), 0) for i in range(4)]
    expected = np.mean(crossed) + np.mean(like) + np.mean(unlike)
    assert loss == pytest.approx(expected, rel=1e-4)


def test_pairs_share_the_picture_or_the_kind_of_mask():
    masked, bare, same_mask = next(ContextPairs(TABLE).steps(1, 200, np.random.default_rng(0)))
    rows = {
        tuple(vector): row
        for row, vector in zip(TABLE.rows.itertuples(), TABLE.vectors, strict=True)
    }
    for one, own, other in zip(masked.numpy(), bare.numpy(), same_mask.numpy(), strict=True):
        one, own, other = (rows[tuple(vector)] for vector in (one, own, other))
        assert (own.view, own.image_id) == ("unmasked", one.image_id)
        assert style_of(one.mask_shape) == style_of(other.mask_shape)


def test_masked_faces_of_people_never_seen_are_told_from_bare_ones(gate):
    test = masked_table(["a"], people=30, pictures=1, dim=12, mask=1.5)
    worn = gate.wears_mask(test.vectors, "drawn_recogniser")
    truth = (test.rows["view"] == "masked").to_numpy()
    assert (worn == truth).mean() > 0.9


def test_a_gate_comes_back_from_its_file(gate, tmp_path):
    gate.save(tmp_path / "gate.safetensors")
    again = Gate.load(tmp_path / "gate.safetensors")
    given = TABLE.vectors
    assert (
        again.wears_mask(given, "drawn_recogniser") == gate.wears_mask(given, "drawn_recogniser")
    ).all()


def test_another_file_or_recogniser_is_refused(gate, tmp_path):
    Unmasker(EmbeddingUnmaskingModel(12), "drawn_recogniser").save(tmp_path / "eum.safetensors")
    for name in ("eum.safetensors", "nothing.safetensors"):
        with pytest.raises(ModelError, match=r"does not hold a gate .*--model.*--rival ccl"):
            Gate.load(tmp_path / name)
    gate.save(tmp_path / "gate.safetensors")
    with pytest.raises(ModelError, match="does not hold an unmasking model"):
        Unmasker.load(tmp_path / "gate.safetensors")
    with pytest.raises(ModelError, match="the gate is for embeddings of drawn_recogniser"):
        gate.wears_mask(TABLE.vectors, "another")
    other = drawn_table(dim=12)
    other.rows["backbone"] = "another"
    with pytest.raises(TableError, match="one recogniser"):
        Gate.trained_on(TABLE, other)
    with pytest.raises(ValueError, match=r"\(n, 12\), not \(3, 11\)"):
        gate.network(torch.zeros(3, 11))


def test_only_masked_faces_pass_through_the_unmasker(gate):
    turned = Unmasker(Turning(12), "drawn_recogniser")
    gated = GatedUnmasker(gate, turned)
    given = TABLE.vectors
    worn = gate.wears_mask(given, gated.backbone)
    assert 0 < worn.sum() < len(given)
    answers = gated.unmask(given, "drawn_recogniser")
    assert (answers[~worn] == given[~worn]).all()
    np.testing.assert_allclose(answers[worn], -given[worn], atol=1e-6)
    assert (gated.unmask(given[~worn], "drawn_recogniser") == given[~worn]).all()


class Turning(NoOp):
    """Answers with the opposite."""

    def _transform(self, embeddings):
        return -embeddings


def test_a_stream_has_both_views_as_probes_and_three_ways_through_the_unmasker(gate):
    views = ComparedViews.of_table(TABLE)
    turned = Unmasker(Turning(12), "drawn_recogniser")
    streams = streams_through(views, gate, {"turned": turned})
    assert list(streams) == [
        None, "turned, by the gate", "turned, everyone", "turned, truth known"
    ]  # fmt: skip
    bare, masked = views.unmasked.vectors, views.masked.vectors
    worn = gate.wears_mask(bare, "drawn_recogniser"), gate.wears_mask(masked, "drawn_recogniser")
    signs = {
        None: (np.ones(len(bare)), np.ones(len(masked))),
        "turned, by the gate": tuple(1 - 2 * taken for taken in worn),
        "turned, everyone": (-np.ones(len(bare)), -np.ones(len(masked))),
        "turned, truth known": (np.ones(len(bare)), -np.ones(len(masked))),
    }
    for name, stream in streams.items():
        assert stream.settings == ("UMR-UMP", "UMR-AP")
        comparison = stream.compare("UMR-AP")
        assert (comparison.references.vectors == bare).all()
        expected = [
            sign[:, None] * part for sign, part in zip(signs[name], (bare, masked), strict=True)
        ]
        np.testing.assert_allclose(comparison.probes.vectors, np.concatenate(expected), atol=1e-6)


def test_the_errors_of_a_gate_are_shares_of_either_view(gate):
    worn = gate.wears_mask(TABLE.vectors, "drawn_recogniser")
    truth = (TABLE.rows["view"] == "masked").to_numpy()
    missed, mistaken = gate.errors(TABLE)
    assert missed == pytest.approx(sum(truth & ~worn) / sum(truth))
    assert mistaken == pytest.approx(sum(~truth & worn) / sum(~truth))
    assert np.isnan(gate.errors(TABLE.of_view("masked"))[1])
