"""What a rival that reaches into the network shows: where its gate closes, what it draws."""

from __future__ import annotations

import numpy as np
import torch

from eumlib.embeddings import (
    EmbeddingTable,
    FeatureMaps,
    MobileFaceNet,
    default_backbone,
    mated_rows,
)
from eumlib.rivals.from_masks import GatedMaps, occlusion, share_covered, share_on_mask
from eumlib.rivals.lessons import unit
from eumlib.rivals.meer import DecoupledNet, recognised, structural_similarity
from eumlib.rivals.network_protocol import NetworkProtocol, numbers_in
from eumlib.rivals.networks import NetworkRival, Unchanged

FACES = 500  # of each test that are looked at
A_BATCH = 50


def views_of_network(rival: NetworkRival, protocol: NetworkProtocol) -> list[dict[str, object]]:
    """One row per test of painted masks, of a rival with a gate or one that draws; else none."""
    figures = {GatedMaps: feature_gate_figures, DecoupledNet: restored_figures}.get(type(rival))
    if figures is None:
        return []
    return [
        {"face_set": face_set, "condition": condition} | figures(rival, table, maps)
        for (face_set, condition), (table, maps) in protocol.tests.items()
        if table.rows["mask_shape"].ne("worn").all()
    ]


def feature_gate_figures(
    rival: GatedMaps, table: EmbeddingTable, maps: FeatureMaps
) -> dict[str, float]:
    """Of the places where masks close FROM's gate most, the share on the mask; and by chance."""
    closed, covered, faces = [], [], []
    for masked, bare in _pairs(table, maps):
        with torch.inference_mode():
            gate, bare_gate = (
                rival.gate_and_maps(torch.from_numpy(maps.maps[rows]).float())[0]
                for rows in (masked, bare)
            )
        occluded = occlusion(*(torch.from_numpy(maps.chips[rows]) for rows in (masked, bare)))
        closed.append(share_on_mask(gate, bare_gate, occluded))
        covered.append(share_covered(occluded))
        faces.append(len(masked))
    on_mask, by_chance = (np.average(shares, weights=faces) for shares in (closed, covered))
    return {"on_mask": float(on_mask), "by_chance": float(by_chance)}


def restored_figures(
    rival: DecoupledNet, table: EmbeddingTable, maps: FeatureMaps
) -> dict[str, float]:
    """How like the bare face MEER's restored one is, beside the masked one.

    By structural similarity, and by the cosine that the recogniser as it is gives it, at 64 × 64.
    """
    recogniser, rows = Unchanged.of(default_backbone().module).recogniser, []
    for masked, bare in _pairs(table, maps):
        faces = {name: maps.chips[rows] for name, rows in (("masked", masked), ("bare", bare))}
        faces["restored"] = restored_faces(rival, maps.maps[masked])
        known = {name: _embedded(recogniser, chips) for name, chips in faces.items()}
        for name in ("masked", "restored"):
            cosines = (known[name] * known["bare"]).sum(1)
            for face, true, cosine in zip(faces[name], faces["bare"], cosines, strict=True):
                rows.append((name, structural_similarity(face, true), float(cosine)))
    return {
        f"{what}_of_{name}": float(np.mean([row[place] for row in rows if row[0] == name]))
        for name in ("masked", "restored")
        for place, what in ((1, "ssim"), (2, "cosine"))
    }


def restored_faces(rival: DecoupledNet, maps: np.ndarray) -> np.ndarray:
    """Early maps ``(n, 128, 14, 14)`` to faces without masks, ``(n, 64, 64, 3)`` RGB uint8."""
    early = torch.from_numpy(maps).float()
    with torch.inference_mode():
        drawn = rival.restore(early, rival.parts(early).identity).permute(0, 2, 3, 1)
    return (127.5 * (drawn + 1)).round().clamp(0, 255).byte().numpy()


def _embedded(recogniser: MobileFaceNet, chips: np.ndarray) -> torch.Tensor:
    pixels = torch.from_numpy(chips).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        return unit(recognised(recogniser, pixels))


def _pairs(table: EmbeddingTable, maps: FeatureMaps) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of feature maps of masked views and of their bare ones, some at a time."""
    masked, bare = (numbers_in(maps, table.rows.iloc[rows]) for rows in mated_rows(table.rows))
    few = np.linspace(0, len(masked) - 1, min(FACES, len(masked))).astype(int)
    return [
        (masked[few[start : start + A_BATCH]], bare[few[start : start + A_BATCH]])
        for start in range(0, len(few), A_BATCH)
    ]
