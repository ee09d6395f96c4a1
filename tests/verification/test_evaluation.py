import numpy as np
import pandas as pd
import pytest
from builders import drawn_table, worn_table

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.embeddings.table import FAILURE_COLUMNS
from eumlib.faces import Pair
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, Unmasker, unmask
from eumlib.verification import (
    METRICS,
    ComparedViews,
    Comparison,
    ScoreCounts,
    ScoreError,
    error_rates,
    evaluate,
    summary,
    thresholds_of,
)


def untrained(model=None):
    return Unmasker(model or EmbeddingUnmaskingModel(16), "drawn_recogniser")


TABLE = drawn_table(people=10, pictures=4, noise=1.2, mask=1.0)


def rates_of(comparison):
    return error_rates(ScoreCounts.of_comparison(comparison))


def test_rows_without_and_with_each_model_stand_side_by_side():
    results = evaluate(TABLE, {"one": untrained(), "two": untrained()}, resamples=5)
    rows = list(zip(results["setting"], results["unmasking"].fillna("-"), strict=True))
    assert rows == [
        ("UMR-UMP", "-"),
        *(("UMR-MP", name) for name in ("-", "one", "two")),
        *(("MR-MP", name) for name in ("-", "one", "two")),
    ]
    assert set(METRICS) < set(results.columns)
    assert (results["pictures"] == 40).all()


def test_the_change_is_against_the_same_setting_without_an_eum():
    model = untrained()
    results = evaluate(TABLE, {"m": model}, resamples=5)
    views = ComparedViews.of_table(TABLE)
    plain = rates_of(views.compare("UMR-MP")).eer
    expected = rates_of(views.through(model).compare("UMR-MP")).eer
    assert results["eer"].iloc[2] == pytest.approx(expected)
    assert results["eer_change"].iloc[2] == pytest.approx(expected - plain)
    assert results["eer_change"].isna().tolist() == [True, True, False, True, False]
    with pytest.raises(ModelError, match="of arcface, and these are of drawn_recogniser"):
        evaluate(TABLE, {"m": Unmasker(model.model, "arcface")}, resamples=5)


def test_only_masked_embeddings_pass_through_the_model():
    model = EmbeddingUnmaskingModel(16)
    views = ComparedViews.of_table(TABLE)
    changed = views.through(untrained(model))
    np.testing.assert_array_equal(changed.unmasked.vectors, views.unmasked.vectors)
    np.testing.assert_array_equal(changed.masked.vectors, unmask(model, views.masked.vectors))
    row = evaluate(TABLE, {"m": untrained(model)}, resamples=5).query(
        "setting == 'MR-MP' and unmasking == 'm'"
    )
    expected = rates_of(Comparison(changed.masked, changed.masked))
    assert row["eer"].item() == pytest.approx(expected.eer)


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(TABLE))
    shuffled = EmbeddingTable(
        TABLE.rows.iloc[order].reset_index(drop=True), TABLE.vectors[order], TABLE.failures
    )
    plain, mixed = evaluate(TABLE, {}, 5), evaluate(shuffled, {}, 5)
    pd.testing.assert_series_equal(plain["eer"], mixed["eer"])
    pd.testing.assert_series_equal(plain["fdr"], mixed["fdr"])


def test_masks_that_were_worn_add_a_setting_of_all_pictures_as_they_are():
    model = EmbeddingUnmaskingModel(16)
    table = worn_table(people=6, pictures=6, noise=1.2, mask=1.0)
    results = evaluate(table, {"m": untrained(model)}, resamples=5)
    rows = list(zip(results["setting"], results["unmasking"].fillna("-"), strict=True))
    assert rows == [
        ("UMR-UMP", "-"),
        *((setting, name) for setting in ("UMR-MP", "MR-MP", "as worn") for name in ("-", "m")),
    ]
    assert (results["pictures"] == 36).all()
    vectors = table.vectors.copy()
    masked = (table.rows["view"] == "masked").to_numpy()
    vectors[masked] = unmask(model, vectors[masked])
    mated, non_mated = [], []
    names = table.rows["identity"].to_numpy()
    for i in range(36):
        for j in range(i + 1, 36):
            (mated if names[i] == names[j] else non_mated).append(float(vectors[i] @ vectors[j]))
    assert results["g_mean"].iloc[-1] == pytest.approx(np.mean(mated), abs=1e-6)
    assert results["i_mean"].iloc[-1] == pytest.approx(np.mean(non_mated), abs=1e-6)
    assert results["mated_pairs"].iloc[-1] == len(mated)


def test_listed_pairs_are_compared_and_no_others():
    pairs = [Pair(f"p{p}/0", f"p{p}/1", mated=True) for p in range(5)]
    pairs += [Pair(f"p{p}/0", f"p{p + 1}/2", mated=False) for p in range(5)]
    pairs += [Pair("p0/0", "never acquired", mated=True)]
    results = evaluate(TABLE, {}, resamples=5, pairs=pairs)
    assert (results["mated_pairs"] == 5).all()
    assert (results["non_mated_pairs"] == 5).all()
    rows = TABLE.rows.reset_index().set_index(["image_id", "view"])["index"]
    mixed = results[results["setting"] == "UMR-MP"].iloc[0]
    scores = [
        float(
            TABLE.vectors[rows[pair.reference, "unmasked"]]
            @ TABLE.vectors[rows[pair.probe, "masked"]]
        )
        for pair in pairs[:5]
    ]
    assert mixed.g_mean == pytest.approx(np.mean(scores), abs=1e-6)


def test_a_setting_without_its_pairs_is_left_out_and_no_threshold_is_made_up():
    table = worn_table(people=6, pictures=4)
    pairs = [Pair(f"p{p}/0", f"p{p}/1", mated=True) for p in range(6)]
    pairs += [Pair(f"p{p}/0", f"p{(p + 1) % 6}/1", mated=False) for p in range(6)]
    results = evaluate(table, {}, resamples=5, pairs=pairs)
    assert results["setting"].tolist() == ["UMR-MP", "as worn"]
    assert results["fnmr_at_100"].isna().all()
    assert results["eer"].notna().all()
    assert not summary(results).astype(str).apply(lambda c: c.str.contains("nan")).any().any()


def test_a_model_that_changes_nothing_changes_no_rate_and_its_interval_is_nothing():
    class Same(EmbeddingUnmaskingModel):
        def forward(self, embeddings):
            return embeddings

    results = evaluate(TABLE, {"same": untrained(Same(16))}, resamples=20)
    same = results[results["unmasking"] == "same"]
    for column in ("eer_change", "eer_change_low", "eer_change_high"):
        assert same[column].to_numpy() == pytest.approx(0, abs=1e-9)


def test_intervals_hold_the_value_and_the_seed_repeats_them():
    first, again = (evaluate(TABLE, {}, resamples=50, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    masked = first[first["setting"] == "UMR-MP"].iloc[0]
    assert masked.eer_low < masked.eer < masked.eer_high
    assert 0 <= masked.eer_low < masked.eer_high <= 1


def test_the_unmasked_threshold_is_used_for_every_setting():
    results = evaluate(TABLE, {}, resamples=5)
    views = ComparedViews.of_table(TABLE)
    deployed = thresholds_of(ScoreCounts.of_comparison(views.compare("UMR-UMP"))).at_100
    scores = views.compare("UMR-MP").scores()
    row = results[results["setting"] == "UMR-MP"].iloc[0]
    assert row.fnmr_at_100 == pytest.approx(np.mean(scores.mated < deployed))
    assert row.fmr_at_100 == pytest.approx(np.mean(scores.non_mated >= deployed))


def test_failures_are_counted_beside_the_rates():
    failures = pd.DataFrame(
        [
            ("p0/9", "p0", "drawn", view, None, "no face found", "")
            for view in ("unmasked", "masked")
        ],
        columns=list(FAILURE_COLUMNS),
    )
    results = evaluate(EmbeddingTable(TABLE.rows, TABLE.vectors, failures), {}, 5)
    assert (results["not_acquired"] == 1).all()
    assert (results["attempts"] == 41).all()


def test_bad_tables_are_refused():
    with pytest.raises(ModelError, match="dimension 8, and these have 16"):
        evaluate(TABLE, {"other": untrained(EmbeddingUnmaskingModel(8))}, 5)
    with pytest.raises(ScoreError, match="no non-mated pairs"):
        evaluate(drawn_table(people=1), {}, 5)
    with pytest.raises(TableError, match="this table has 0 and 40"):
        evaluate(TABLE.of_view("masked"), {}, 5)
    sets = TABLE.rows.assign(face_set=["one", "other"] * (len(TABLE) // 2))
    with pytest.raises(TableError, match="one face set; this one has one, other"):
        evaluate(EmbeddingTable(sets, TABLE.vectors, TABLE.failures), {}, 5)
    mixed = TABLE.rows.assign(backbone=["one", "other"] * (len(TABLE) // 2))
    with pytest.raises(TableError, match="one recogniser; this one has one, other"):
        evaluate(EmbeddingTable(mixed, TABLE.vectors, TABLE.failures), {}, 5)


def test_the_operating_thresholds_are_those_that_the_unmasked_faces_give():
    views = ComparedViews.of_table(drawn_table(people=8, pictures=3))
    scores = views.compare("UMR-UMP").scores()
    found = views.operating_thresholds()
    for share, threshold in ((0.01, found.at_100), (0.001, found.at_1000)):
        allowed = [t for t in np.unique(scores.mated) if np.mean(scores.non_mated >= t) <= share]
        refused = min(np.mean(scores.mated < t) for t in allowed)
        assert np.mean(scores.non_mated >= threshold) <= share
        assert np.mean(scores.mated < threshold) == refused


def test_where_impostors_are_too_few_the_rates_at_the_threshold_are_marked_in_every_setting():
    few = evaluate(drawn_table(people=4, pictures=3), {}, resamples=5)
    assert all("error_at_1000" in names.split(", ") for names in few["unresolved"])
    many = evaluate(drawn_table(people=40, pictures=3), {}, resamples=5)
    assert set(many["unresolved"]) == {""}
