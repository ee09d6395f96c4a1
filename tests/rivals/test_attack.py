import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from builders import masked_table
from torch import nn

from eumlib.embeddings import EmbeddingTable, TorchBackbone, acquire_with_unmasked_landmarks
from eumlib.faces import Face, FaceSet
from eumlib.rivals import (
    NO_MASK,
    PrintedMask,
    Wearers,
    attack_rows,
    control_masks,
    most_photographed,
    put_on,
    recognised,
    recognised_by_mask,
    wearers_sheet,
)
from eumlib.unmasking import NoOp, Unmasker

TABLE = masked_table(["adversarial", "blank"], people=14, pictures=4, dim=12, noise=0.9, mask=0.6)
NOTHING = {"nothing": Unmasker(NoOp(12), "drawn_recogniser")}


@pytest.fixture(scope="module")
def few(orl):
    """One to learn on and two to judge by, two pictures each."""
    names = orl.identities
    return tuple(most_photographed(orl.of_people(part), 3, 2) for part in (names[:1], names[1:3]))


@pytest.fixture(scope="module")
def backbone():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(192, 16))
    return TorchBackbone("small", network)


def face_set(*identities):
    faces = tuple(Face(f"{n}/{i}", n, lambda: None) for i, n in enumerate(identities))
    return FaceSet("drawn", faces, "drawn", one_face=True)


def test_the_most_photographed_people_are_taken():
    chosen = most_photographed(face_set("a", "b", "c", "b", "c", "b", "d"), people=2, pictures=2)
    assert [face.image_id for face in chosen] == ["b/1", "c/2", "b/3", "c/4"]
    assert most_photographed(face_set("a", "b"), 1, 3).identities == ["a"]


def test_the_share_recognised_is_that_of_a_slow_loop():
    rows = recognised(TABLE, {}, resamples=20)
    views = list(zip(TABLE.rows.itertuples(), TABLE.vectors, strict=True))
    bare = [(row, vector) for row, vector in views if row.view == "unmasked"]

    def scores(probes):
        mated, strangers = [], []
        for one, vector in bare:
            for other, probe in probes:
                if one.image_id != other.image_id:
                    kind = mated if one.identity == other.identity else strangers
                    kind.append(float(vector @ probe))
        return np.array(mated), np.array(strangers)

    mated, strangers = scores(bare)
    threshold = min(s for s in [*mated, *strangers] if (strangers >= s).mean() <= 0.001)
    for mask in ("adversarial", "blank"):
        mated, others = scores([(r, v) for r, v in views if r.mask_shape == mask])
        (row,) = [row for row in rows if row["mask"] == mask]
        assert row["recognised"] == pytest.approx((mated >= threshold - 1e-6).mean())
        assert row["fmr"] == pytest.approx((others >= threshold - 1e-6).mean())
        assert row["recognised_low"] <= row["recognised"] <= row["recognised_high"]
        assert 0 < row["recognised"] < 1


def test_bare_faces_come_first_and_their_strangers_pass_as_promised():
    first, *_ = recognised(TABLE, {}, resamples=20)
    assert first["mask"] == NO_MASK
    assert first["fmr"] <= 0.001
    assert (first["people"], first["attempts"], first["not_acquired"]) == (14, 56, 0)
    assert first["resolved"]


def test_who_ranks_first_is_counted():
    rows = recognised(TABLE, {}, resamples=20)
    bare, masked = TABLE.of_view("unmasked"), TABLE.where(TABLE.rows["mask_shape"] == "blank")
    first = []
    for row, probe in zip(masked.rows.itertuples(), masked.vectors, strict=True):
        others = (bare.rows["image_id"] != row.image_id).to_numpy()
        best = np.argmax(bare.vectors[others] @ probe)
        first.append(bare.rows["identity"][others].iloc[best] == row.identity)
    (blank,) = [row for row in rows if row["mask"] == "blank"]
    assert blank["rank1"] == pytest.approx(np.mean(first))


def test_an_eum_that_does_nothing_changes_nothing():
    rows = recognised(TABLE, NOTHING, resamples=20)
    assert [(row["mask"], row["unmasking"]) for row in rows] == [
        (NO_MASK, None), ("adversarial", None), ("adversarial", "nothing"), ("blank", None),
        ("blank", "nothing"),
    ]  # fmt: skip
    for plain, through in (rows[1:3], rows[3:5]):
        assert {**plain, "unmasking": "nothing"} == pytest.approx(through)


def test_faces_that_are_not_found_are_counted_by_mask():
    failed = [
        ("p0/0", "p0", "drawn", "masked", mask, "no face found", "…")
        for mask in ("blank", "blank", "adversarial")
    ]
    table = EmbeddingTable.of_rows(list(TABLE.rows.itertuples(index=False)), TABLE.vectors, failed)
    counts = {
        row["mask"]: (row["attempts"], row["not_acquired"]) for row in recognised(table, {}, 20)
    }
    assert counts == {NO_MASK: (56, 0), "adversarial": (57, 1), "blank": (58, 2)}


def test_a_mask_in_which_nobody_is_found_has_a_row_without_rates():
    failed = [("p0/0", "p0", "drawn", "masked", "hood", "no face found", "…")]
    table = EmbeddingTable.of_rows(list(TABLE.rows.itertuples(index=False)), TABLE.vectors, failed)
    rows = [row for row in recognised(table, NOTHING, 20) if row["mask"] == "hood"]
    assert [row["unmasking"] for row in rows] == [None, "nothing"]
    for row in rows:
        assert np.isnan(row["recognised"])
        assert (row["attempts"], row["not_acquired"], row["mated_pairs"]) == (1, 1, 0)
    assert (recognised_by_mask(pd.DataFrame(rows))["recognised, %"] == "–").all()


def test_few_pairs_do_not_resolve_the_threshold():
    few = masked_table(["blank"], people=4, pictures=2, dim=12)
    assert not any(row["resolved"] for row in recognised(few, {}, resamples=20))


def test_the_controls_are_blank_random_and_a_face(orl):
    wearers = Wearers.of(most_photographed(orl, 1, 2))
    blank, random, face = control_masks(wearers, seed=3)
    assert [mask.name for mask in (blank, random, face)] == ["blank", "random", "printed face"]
    assert set(np.unique(blank.texture)) == {128}
    assert (control_masks(wearers, 3)[1].texture == random.texture).all()
    assert (control_masks(wearers, 4)[1].texture != random.texture).any()
    assert np.ptp(face.texture.mean(axis=2)) > 20


def test_everyone_puts_on_every_mask(few, backbone):
    masks = [
        PrintedMask(name, np.full((4, 4, 3), grey, np.uint8))
        for name, grey in (("dark", 20), ("light", 230))
    ]
    table = put_on(few[1], masks, backbone, acquire_with_unmasked_landmarks)
    assert len(table) == 4 * 3
    assert table.rows["mask_shape"].fillna("bare").tolist() == ["bare", "dark", "light"] * 4
    assert (table.rows["landmarks_from"] == "unmasked").all()
    dark, light = (table.vectors[table.rows["mask_shape"] == name] for name in ("dark", "light"))
    assert abs(dark - light).max() > 0.01


def test_masks_of_one_name_cannot_be_told_apart(few, backbone):
    mask = PrintedMask("mine", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="told apart by their names, and these are mine, mine"):
        put_on(few[1], [mask, mask], backbone)


def test_an_attack_is_a_row_a_recogniser_mask_and_unmasking(few, backbone):
    unseen = TorchBackbone("unseen", nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten()))
    eums = {"nothing": Unmasker(NoOp(16), "small")}
    rows = attack_rows(*few, backbone, [unseen], eums, steps=2, resamples=10)
    masks = [NO_MASK, "adversarial", "blank", "random", "printed face"]
    seen = [(row["recogniser"], row["mask"], row["unmasking"], row["attacked"]) for row in rows]
    assert seen == [
        ("small", NO_MASK, None, True),
        *(("small", mask, eum, True) for mask in masks[1:] for eum in (None, "nothing")),
        *(("unseen", mask, None, False) for mask in masks),
    ]
    assert json.loads(json.dumps(rows)) == rows


def test_nobody_is_judged_on_whom_the_mask_was_learnt(orl, backbone):
    with pytest.raises(ValueError, match="40 people are in both sets, s1 among them"):
        attack_rows(orl, orl, backbone, [], {})


def test_a_reader_gets_percent_with_intervals():
    shown = recognised_by_mask(pd.DataFrame(recognised(TABLE, NOTHING, resamples=20)))
    assert shown.index.names == ["recogniser", "mask", "EUM"]
    cell = shown.loc[("drawn_recogniser", NO_MASK, "–"), "not acquired"]
    assert cell == "0 of 56"
    row = recognised(TABLE, {}, resamples=20)[1]
    expected = [100 * row[f"recognised{end}"] for end in ("", "_low", "_high")]
    value = shown.loc[("drawn_recogniser", "adversarial", "–"), "recognised, %"]
    assert value == "{:.1f} [{:.1f}, {:.1f}]".format(*expected)


def test_a_sheet_shows_the_prints_and_then_the_first_people_in_them(few):
    masks = [PrintedMask(name, np.full((4, 4, 3), 99, np.uint8)) for name in ("dark", "<b>")]
    page = wearers_sheet(few[1], masks, people=1).data
    said = re.findall(r'alt="([^"]*)"', page)
    assert said == ["the print: dark", "the print: &lt;b&gt;", "s2, dark", "s2, &lt;b&gt;"]
