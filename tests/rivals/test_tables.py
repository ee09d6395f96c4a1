from rival_rows import SYSTEMS

from eumlib.rivals import costs_of_rivals, rivals_by_rate


def test_a_test_is_a_line_a_system_with_its_difference():
    shown = rivals_by_rate(SYSTEMS, "lfw", "flat masks")
    assert shown.loc["a rival", "EER %"] == "4.0 [3.0, 5.0]"
    assert shown.loc["a rival", "EER minus SRT"] == "-1.2 [-2.2, -0.2]"
    assert shown.loc["no EUM", "EER minus SRT"] == "–"
    assert rivals_by_rate(SYSTEMS, "orl", "flat masks").empty


def test_costs_are_those_of_what_was_trained():
    shown = costs_of_rivals(SYSTEMS)
    assert shown.index.tolist() == ["EUM, SRT", "a rival"]
    assert shown.loc["a rival"].tolist() == ["2,000", 2.0, 0.02]
    assert shown.loc["EUM, SRT"].tolist() == ["1,000", 0.5, 0.0123]
