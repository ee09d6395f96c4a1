import pandas as pd

from eumlib.study import differences_by_rate, eer_by_condition, rates_of_condition


def test_a_table_for_readers_has_percent_interval_and_change(study):
    rows = study.unseen()
    shown = eer_by_condition(rows)
    assert shown.columns.tolist() == rows["condition"].unique().tolist()
    assert shown.index.tolist() == ["no EUM", "trained on all but it", "trained on all styles"]
    assert shown.iloc[0].str.fullmatch(r"[\d.]+ \[[\d.]+, [\d.]+\]").all()
    assert shown.iloc[1].str.fullmatch(r"[\d.]+ \[[\d.]+, [\d.]+\] [+-]\d+ %").all()


def test_the_rates_of_a_condition_stand_side_by_side(study):
    rows = study.unseen()
    condition = rows["condition"].iloc[-1]
    shown = rates_of_condition(rows, condition)
    assert shown.index.tolist() == ["no EUM", "trained on all but it", "trained on all styles"]
    plain = rows[rows["condition"] == condition].iloc[0]
    assert shown.iloc[0, 0].startswith(f"{100 * plain.eer:.1f} [{100 * plain.eer_low:.1f}, ")
    assert shown.iloc[0, 2] == f"{100 * plain.fmr_at_1000:.2f}"
    assert shown.iloc[1, [0, 1, 3, 4]].str.fullmatch(r"[\d.]+ \[[\d.]+, [\d.]+\] [+-]\d+ %").all()


def test_a_difference_stands_in_percentage_points_with_its_sign():
    rows = pd.DataFrame(
        {"eer": [-0.061, 0.0026], "eer_low": [-0.069, 0.001], "eer_high": [0.0, 0.1]}
    )
    shown = differences_by_rate(rows.set_index(pd.Index(["a", "b"])), ["eer"])
    assert shown.loc["a", "eer"] == "-6.1 [-6.9, +0.0]"
    assert shown.loc["b", "eer"] == "+0.3 [+0.1, +10.0]"
