import json

import numpy as np
import pandas as pd
import pytest
from builders import drawn_table

from eumlib.embeddings import EmbeddingTable, TableError
from eumlib.evaluation import METRICS, MatedViews, evaluate, summary, write_results
from eumlib.unmasking import EmbeddingUnmaskingModel, ModelError, unmask
from eumlib.verification import ScoreError, error_rates, score_pairs

TABLE = drawn_table(people=10, pictures=4, noise=1.2, mask=1.0)


def test_rows_without_and_with_each_model_stand_side_by_side():
    models = {"one": EmbeddingUnmaskingModel(16), "two": EmbeddingUnmaskingModel(16)}
    results = evaluate(TABLE, models, resamples=5)
    rows = list(zip(results["setting"], results["unmasking"].fillna("-"), strict=True))
    assert rows == [
        ("UMR-UMP", "-"),
        *(("UMR-MP", name) for name in ("-", "one", "two")),
        *(("MR-MP", name) for name in ("-", "one", "two")),
    ]
    assert set(METRICS) < set(results.columns)
    assert (results["pictures"] == 40).all()


def test_only_masked_embeddings_pass_through_the_model():
    model = EmbeddingUnmaskingModel(16)
    views = MatedViews.of_table(TABLE)
    changed = views.through(model)
    np.testing.assert_array_equal(changed.unmasked, views.unmasked)
    np.testing.assert_array_equal(changed.masked, unmask(model, views.masked))
    row = evaluate(TABLE, {"m": model}, resamples=5).query(
        "setting == 'MR-MP' and unmasking == 'm'"
    )
    restored = unmask(model, views.masked)
    expected = error_rates(score_pairs(restored, restored, views.identities, symmetric=True))
    assert row["eer"].item() == pytest.approx(expected.eer)


def test_views_are_mated_by_picture_whatever_the_order_of_the_rows():
    order = np.random.default_rng(0).permutation(len(TABLE))
    shuffled = EmbeddingTable(
        TABLE.rows.iloc[order].reset_index(drop=True), TABLE.vectors[order], TABLE.failures
    )
    plain, mixed = evaluate(TABLE, {}, 5), evaluate(shuffled, {}, 5)
    pd.testing.assert_series_equal(plain["eer"], mixed["eer"])
    pd.testing.assert_series_equal(plain["fdr"], mixed["fdr"])


def test_a_model_that_changes_nothing_changes_no_rate_and_its_interval_is_nothing():
    class Same(EmbeddingUnmaskingModel):
        def forward(self, embeddings):
            return embeddings

    results = evaluate(TABLE, {"same": Same(16)}, resamples=20)
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
    deployed = results["threshold100"].iloc[0]
    scores = MatedViews.of_table(TABLE).scores("UMR-MP")
    row = results[results["setting"] == "UMR-MP"].iloc[0]
    assert row.fnmr_at_100 == pytest.approx(np.mean(scores.mated < deployed))
    assert row.fmr_at_100 == pytest.approx(np.mean(scores.non_mated >= deployed))


def test_failures_are_counted_beside_the_rates():
    failures = pd.DataFrame(
        [("p0/9", "p0", "drawn", "no face found")],
        columns=["image_id", "identity", "face_set", "reason"],
    )
    results = evaluate(EmbeddingTable(TABLE.rows, TABLE.vectors, failures), {}, 5)
    assert (results["not_acquired"] == 1).all()
    assert (results["attempts"] == 41).all()


def test_the_json_has_the_promised_shape(tmp_path):
    results = evaluate(TABLE, {"srt": EmbeddingUnmaskingModel(16)}, resamples=5)
    write_results(results, tmp_path / "results.json")
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert rows[0]["setting"] == "UMR-UMP"
    assert rows[0]["unmasking"] is None
    assert rows[2]["unmasking"] == "srt"
    assert rows[2]["eer"] == pytest.approx(results["eer"].iloc[2], abs=1e-12)
    assert {"fmr100", "fmr1000", "g_mean", "i_mean", "fdr"} < set(rows[0])


def test_the_summary_shows_percent_and_intervals():
    results = evaluate(TABLE, {"srt": EmbeddingUnmaskingModel(16)}, resamples=5)
    shown, row = summary(results), results.iloc[1]
    assert shown["EER %"].iloc[1] == (
        f"{100 * row.eer:.1f} [{100 * row.eer_low:.1f}, {100 * row.eer_high:.1f}]"
    )
    assert shown["change of EER"].iloc[1] == "–"
    assert shown["change of EER"].iloc[2][0] in "+-"
    assert not shown.astype(str).apply(lambda column: column.str.contains("nan")).any().any()


def test_bad_tables_are_refused():
    with pytest.raises(ModelError, match="dimension 8, and these have 16"):
        evaluate(TABLE, {"other": EmbeddingUnmaskingModel(8)}, 5)
    with pytest.raises(ScoreError, match="no non-mated pairs"):
        evaluate(drawn_table(people=1), {}, 5)
    with pytest.raises(TableError, match="both a masked and an unmasked view"):
        evaluate(TABLE.of_view("masked"), {}, 5)
    mixed = TABLE.rows.assign(backbone=["one", "other"] * (len(TABLE) // 2))
    with pytest.raises(TableError, match="one recogniser; this one has one, other"):
        evaluate(EmbeddingTable(mixed, TABLE.vectors, TABLE.failures), {}, 5)
