import json

import numpy as np
import pandas as pd
import pytest
from builders import drawn_table

from eumlib._common.files import DATA_FOLDER
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker
from eumlib.verification import (
    PAPERS_COLUMNS,
    ComparedViews,
    OperatingThresholds,
    breakdown_summary,
    by_mask,
    evaluate,
    in_the_papers_shape,
    summary,
    without_empty_columns,
    write_csv,
    write_json,
)

TABLE = drawn_table(people=10, pictures=4, noise=1.2, mask=1.0)


UNMASKERS = {
    name: Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser") for name in ("triplet", "srt")
}


RESULTS = evaluate(TABLE, UNMASKERS, resamples=5)


def test_the_json_has_the_promised_shape(tmp_path):
    write_json(RESULTS, tmp_path / "results.json")
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert rows[0]["setting"] == "UMR-UMP"
    assert rows[0]["unmasking"] is None
    assert rows[3]["unmasking"] == "srt"
    assert rows[3]["eer"] == pytest.approx(RESULTS["eer"].iloc[3], abs=1e-12)
    assert {"fmr100", "fmr1000", "g_mean", "i_mean", "fdr", "rank1", "auc"} < set(rows[0])


def test_the_csv_reads_back_as_the_results(tmp_path):
    write_csv(RESULTS, tmp_path / "results.csv")
    again = pd.read_csv(tmp_path / "results.csv")
    assert again.columns.tolist() == RESULTS.columns.tolist()
    np.testing.assert_allclose(again["fmr1000_low"], RESULTS["fmr1000_low"])


def test_the_summary_shows_percent_and_intervals():
    shown, row = summary(RESULTS), RESULTS.iloc[1]
    value = f"{100 * row.eer:.1f} [{100 * row.eer_low:.1f}, {100 * row.eer_high:.1f}]"
    assert shown["EER %"].iloc[1] == value
    assert shown["change of EER"].iloc[1] == "–"
    assert shown["change of EER"].iloc[2][0] in "+-"
    assert not shown.astype(str).apply(lambda column: column.str.contains("nan")).any().any()


def test_columns_that_say_nothing_are_left_out():
    plain = summary(evaluate(TABLE, {}, resamples=5))
    shown = without_empty_columns(plain)
    assert set(plain.columns) - set(shown.columns) == {"EUM", "change of EER", "change of HTER"}
    assert without_empty_columns(summary(RESULTS)).shape == summary(RESULTS).shape


def test_rates_that_the_pairs_cannot_resolve_get_a_star():
    shown = summary(RESULTS)
    assert RESULTS["non_mated_pairs"].iloc[0] < 1000 < RESULTS["non_mated_pairs"].iloc[1]
    assert shown["FMR1000 %"].str.endswith("*").tolist() == [True] + [False] * 3 + [True] * 3
    assert not shown["FMR100 %"].str.contains("*", regex=False).any()


def test_a_breakdown_for_readers_flags_small_groups():
    views = ComparedViews.of_table(TABLE)
    kinds = pd.Series(["a", "b"] * 20)
    rows = by_mask(views, kinds, OperatingThresholds(0.4, 0.5), resamples=5)
    shown, first = breakdown_summary(rows), rows.iloc[0]
    assert shown["people"].tolist() == ["10, few"] * 2
    assert shown["EER %"].iloc[0].startswith(f"{100 * first.eer:.1f} [{100 * first.eer_low:.1f}, ")
    none = rows.assign(eer=np.nan)
    assert breakdown_summary(none)["EER %"].tolist() == ["–", "–"]


def test_our_table_has_the_shape_of_the_papers():
    ours = in_the_papers_shape(RESULTS, {"T": "triplet", "SRT": "srt"})
    paper = pd.read_csv(DATA_FOLDER / "paper_table3.csv")
    rows = paper["setting"] + paper["unmasking"].map(
        {"triplet": "(T)", "srt": "(SRT)"}, na_action="ignore"
    ).fillna("")
    assert ours.index.tolist() == rows.tolist()
    assert ours.shape == (7, 12)
    assert ours.columns.tolist() == list(PAPERS_COLUMNS)
    case = RESULTS.iloc[3]
    assert ours.loc["UMR-MP(SRT)", "eer"] == pytest.approx(100 * case.eer)
    assert ours.loc["UMR-MP(SRT)", "g_mean"] == case.g_mean


def test_a_model_whose_name_is_a_formula_is_text_in_the_csv(tmp_path):
    write_csv(RESULTS.assign(unmasking="=cmd|'/c calc'!A1"), tmp_path / "results.csv")
    again = pd.read_csv(tmp_path / "results.csv")
    assert set(again["unmasking"]) == {"'=cmd|'/c calc'!A1"}
