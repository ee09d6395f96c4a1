import itertools
import json

import numpy as np
import pandas as pd
import pytest
from builders import drawn_table, masked_table

from eumlib.embeddings import EmbeddingTable, TableError, unit_length
from eumlib.faces import LFW_SHARES, split_by_identity
from eumlib.rivals import draw_pair_lists, mlfw_by_setting, mlfw_gaps
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, Unmasker

COLOURS = ("#ff0000", "#00ff00", "#0000ff")
UNMASKER = Unmasker(EmbeddingUnmaskingModel(16).eval(), "drawn_recogniser")


def shared_table(people=400, strength=0.9):
    """Picture i of person p wears mask p + i; each mask moves embeddings its own way."""
    table = drawn_table(people=people, pictures=4, noise=1.6, mask=0.0)
    ways = strength * np.random.default_rng(3).standard_normal((len(COLOURS), 16)) / 4
    rows, vectors = table.rows.copy(), table.vectors.copy()
    for place, row in enumerate(table.rows.itertuples()):
        if row.view == "masked":
            worn = (int(row.identity[1:]) + int(row.image_id[-1])) % len(COLOURS)
            rows.loc[place, "mask_colour"] = COLOURS[worn]
            vectors[place] += ways[worn]
    return EmbeddingTable(rows, unit_length(vectors), table.failures)


@pytest.fixture(scope="module")
def table():
    return shared_table()


@pytest.fixture(scope="module")
def rows(table):
    return mlfw_gaps(table, {"EUM": UNMASKER}, resamples=5, of_a_kind=200)


def test_a_fifth_of_the_people_are_tested(table):
    everyone = table.rows["identity"].unique()
    assert 60 < (split_by_identity(everyone, LFW_SHARES) == "test").sum() < 100


def test_lists_have_folds_that_share_nobody_and_masks_that_mislead(table):
    worn = table.of_view("masked").rows.set_index("image_id")
    misleading, random = draw_pair_lists(table, of_a_kind=200, seed=0)
    for listed in (misleading, random):
        assert len(listed.pairs) == len(listed.hard) == 400
        fold_of = {}
        for place, pair in enumerate(listed.pairs):
            people = [worn["identity"][name] for name in (pair.reference, pair.probe)]
            assert pair.mated == (people[0] == people[1])
            for person in people:
                assert fold_of.setdefault(person, place // 40) == place // 40
            masks = [worn["mask_colour"][name] for name in (pair.reference, pair.probe)]
            assert listed.hard[place] == ((masks[0] == masks[1]) != pair.mated)
        assert sum(pair.mated for pair in listed.pairs) == 200
        assert len({frozenset((pair.reference, pair.probe)) for pair in listed.pairs}) == 400
    assert misleading.hard.all()
    strangers = [not pair.mated for pair in random.pairs]
    assert random.hard[strangers].mean() == pytest.approx(1 / 3, abs=0.12)


def test_there_are_as_many_pairs_as_the_smallest_fold_allows(table):
    few = table.where(split_by_identity(table.rows["identity"], LFW_SHARES) == "test")
    misleading, random = draw_pair_lists(few, of_a_kind=100_000, seed=0)
    everything = misleading.pairs
    assert len(everything) == len(random.pairs)
    mated = sum(pair.mated for pair in everything)
    # four pictures in three masks: five of six mated pairs mislead
    people = few.rows["identity"].nunique()
    assert mated == 10 * 5 * (people // 10)


def slow_scores(vectors, listed, setting):
    left, right = {"UMR-UMP": "uu", "UMR-MP": "um", "MR-MP": "mm"}[setting]
    return np.array(
        [float(vectors[left, p.reference] @ vectors[right, p.probe]) for p in listed.pairs]
    )


def slow_errors(scores, mated, threshold):
    return (scores[~mated] >= threshold).mean(), (scores[mated] < threshold).mean()


def slow_eer(scores, mated):
    both = [slow_errors(scores, mated, threshold) for threshold in sorted([*scores, np.inf])]
    fmr, fnmr = min(both, key=lambda rates: round(abs(rates[0] - rates[1]), 9))
    return (fmr + fnmr) / 2


def slow_accuracy(scores, mated):
    fold, accuracies = np.arange(len(scores)) * 10 // len(scores), []
    for held_out in range(10):
        others, tested = fold != held_out, fold == held_out
        tried = sorted({*scores[others], np.inf})
        best = max(tried, key=lambda t: (((scores >= t) == mated)[others].sum(), -t))
        accuracies.append(((scores >= best) == mated)[tested].mean())
    return np.mean(accuracies), np.std(accuracies, ddof=1) / np.sqrt(10)


def slow_threshold(vectors, identity_of):
    """The lowest score that lets at most 0.1 % of strangers pass among bare faces."""
    names = sorted(identity_of)
    mated, strangers = [], []
    for one, other in itertools.combinations(names, 2):
        same = identity_of[one] == identity_of[other]
        (mated if same else strangers).append(float(vectors["u", one] @ vectors["u", other]))
    strangers = np.array(strangers)
    return min(t for t in (*mated, *strangers) if (strangers >= t).mean() <= 0.001)


def test_rates_agree_with_slow_loops_over_pairs(table, rows):
    few = table.where(split_by_identity(table.rows["identity"], LFW_SHARES) == "test")
    vectors = {
        (row.view[0], row.image_id): vector
        for row, vector in zip(few.rows.itertuples(), few.vectors, strict=True)
    }
    identity_of = dict(zip(few.rows["image_id"], few.rows["identity"], strict=True))
    threshold = slow_threshold(vectors, identity_of)
    lists = {listed.name: listed for listed in draw_pair_lists(few, of_a_kind=200, seed=0)}
    plain = [row for row in rows if row["system"] == "no EUM"]
    assert len(plain) == 6
    for row in plain:
        listed = lists[row["pairs"]]
        mated = np.array([pair.mated for pair in listed.pairs])
        scores = slow_scores(vectors, listed, row["setting"])
        assert row["eer"] == pytest.approx(slow_eer(scores, mated), abs=1e-6)
        mean, error = slow_accuracy(scores, mated)
        assert row["accuracy"] == pytest.approx(mean)
        assert row["accuracy_standard_error"] == pytest.approx(error)
        operating = sum(slow_errors(scores, mated, threshold)) / 2
        assert row["error_at_1000"] == pytest.approx(operating, abs=0.003)


def test_rows_are_of_every_setting_and_system_and_say_what_misleading_pairs_cost(rows):
    cases = [(row["setting"], row["system"], row["pairs"]) for row in rows]
    systems = [("UMR-UMP", "no EUM")] + [
        (setting, name) for setting in ("UMR-MP", "MR-MP") for name in ("no EUM", "EUM")
    ]
    assert cases == [(*case, name) for case in systems for name in ("misleading", "random")]
    for misleading, random in zip(rows[::2], rows[1::2], strict=True):
        for name in ("eer", "fmr1000", "error_at_1000"):
            gap = misleading[f"{name}_minus_random"]
            assert gap == pytest.approx(misleading[name] - random[name])
            assert misleading[f"{name}_minus_random_low"] <= misleading[f"{name}_minus_random_high"]
            assert random[f"{name}_low"] <= random[f"{name}_high"]
        assert misleading["misleading_mated"] == misleading["misleading_non_mated"] == 1
        assert misleading["mated_pairs"] == random["non_mated_pairs"] == 200
    json.dumps(rows)


def test_masks_mislead_only_where_both_wear_one(rows):
    gaps = {
        row["setting"]: row["eer_minus_random"]
        for row in rows
        if row["system"] == "no EUM" and row["pairs"] == "misleading"
    }
    assert gaps["MR-MP"] > 0.03 > abs(gaps["UMR-MP"])


def test_tables_from_which_masks_cannot_be_shared_are_refused():
    with pytest.raises(TableError, match="--shared"):
        mlfw_gaps(masked_table(["a", "surgical"], people=60), {}, 2)
    with pytest.raises(TableError, match="too few for 10 folds"):
        mlfw_gaps(shared_table(people=40), {}, 2)


def test_an_unmasker_of_another_recogniser_is_refused(table):
    other = Unmasker(EmbeddingUnmaskingModel(16).eval(), "another")
    with pytest.raises(ModelError, match="another"):
        mlfw_gaps(table, {"EUM": other}, 2, of_a_kind=50)


def test_a_reader_sees_both_lists_and_the_gap(rows):
    shown = mlfw_by_setting(pd.DataFrame(rows), "eer")
    assert shown.columns.tolist() == [
        "accuracy %, random pairs", "accuracy %, misleading pairs",
        "EER %, random pairs", "EER %, misleading pairs", "more, points",
    ]  # fmt: skip
    assert len(shown) == 5
    misleading, random = rows[-2:]
    line = shown.loc[("MR-MP", "EUM")]
    assert line["EER %, random pairs"].startswith(f"{100 * random['eer']:.1f} [")
    assert line["accuracy %, misleading pairs"].startswith(f"{100 * misleading['accuracy']:.1f} ±")
    assert line["more, points"].startswith(f"{100 * misleading['eer_minus_random']:+.1f} [")
