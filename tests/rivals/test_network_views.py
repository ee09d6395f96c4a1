import numpy as np
import pytest
import torch
from torch.nn import functional

from eumlib.embeddings import EmbeddingTable
from eumlib.rivals import (
    DecoupledNet,
    GatedMaps,
    occlusion,
    restored_faces,
    share_on_mask,
    structural_similarity,
)
from eumlib.rivals.network_views import feature_gate_figures, restored_figures


@pytest.fixture(scope="module")
def table(maps):
    rows = list(maps.rows.itertuples(index=False))
    return EmbeddingTable.of_rows(rows, np.eye(len(maps), dtype=np.float32), [])


def pairs_of(rows):
    for masked in np.flatnonzero(rows["view"] == "masked"):
        same = (rows["image_id"] == rows["image_id"][masked]) & (rows["view"] == "unmasked")
        yield masked, int(np.flatnonzero(same)[0])


def test_the_gates_figures_are_means_over_faces(table, maps, recogniser):
    rival = GatedMaps.of(recogniser).eval()
    torch.nn.init.normal_(rival.decoder[-1].weight, std=0.1)
    shares = []
    for masked, bare in pairs_of(table.rows):
        with torch.inference_mode():
            gate, bare_gate = (
                rival.gate_and_maps(torch.from_numpy(maps.maps[[row]]).float())[0]
                for row in (masked, bare)
            )
        occluded = occlusion(*(torch.from_numpy(maps.chips[[row]]) for row in (masked, bare)))
        shares.append(share_on_mask(gate, bare_gate, occluded))
    figures = feature_gate_figures(rival, table, maps)
    assert figures["on_mask"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert 0 <= figures["by_chance"] <= 1


def test_restored_faces_are_compared_with_the_bare_ones(table, maps, recogniser):
    rival = DecoupledNet.of(recogniser, seed=1).eval()
    rival.recogniser.head[-2].weight.data[:50].neg_()  # a head that has learnt, and does not judge
    figures = restored_figures(rival, table, maps)
    ssim, cosines = [], []
    for masked, bare in pairs_of(table.rows):
        drawn = restored_faces(rival, maps.maps[[masked]])[0]
        ssim.append(structural_similarity(drawn, maps.chips[[bare]][0]))
        pixels = [
            torch.from_numpy(chip.transpose(2, 0, 1)[None].astype(np.float32))
            for chip in (drawn, maps.chips[[bare]][0])
        ]
        with torch.inference_mode():
            wide = [functional.interpolate(p, (112, 112), mode="bilinear") for p in pixels]
            one, other = (recogniser((p - 127.5) / 128)[0] for p in wide)
        cosines.append(float(functional.cosine_similarity(one, other, dim=0)))
    assert figures["ssim_of_restored"] == pytest.approx(np.mean(ssim), abs=1e-3)
    assert figures["cosine_of_restored"] == pytest.approx(np.mean(cosines), abs=1e-4)
    assert figures.keys() == {
        "ssim_of_restored", "cosine_of_restored", "ssim_of_masked", "cosine_of_masked",
    }  # fmt: skip
