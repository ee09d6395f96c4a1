import pandas as pd
from rival_rows import NETWORKS, SYSTEMS

from eumlib.rivals import costs_of_rivals, gate_errors_by_style, rivals_by_test, with_new_references


def test_a_rate_is_a_line_a_system_with_its_difference_and_a_column_a_test():
    shown = rivals_by_test(pd.concat([SYSTEMS, SYSTEMS.assign(face_set="orl")]), "eer")
    assert shown.columns.tolist() == ["LFW, flat masks", "ORL, flat masks"]
    assert shown["LFW, flat masks"].to_dict() == {
        "no EUM": "8.0 (+3.0 [+2.0, +4.0])",
        "EUM, SRT": "5.0",
        "a rival": "4.0 (-1.2 [-2.2, -0.2])",
    }


def test_networks_have_a_line_for_masked_and_one_for_bare_probes():
    assert with_new_references(NETWORKS, "eer")["LFW, flat masks"].to_dict() == {
        "a network, masked probes": "3.0 (-2.0 [-3.0, -1.0])",
        "a network, bare probes": "1.0 (+0.2 [-0.8, +1.2])",
    }


def test_costs_are_those_of_what_was_trained():
    shown = costs_of_rivals(SYSTEMS)
    assert shown.index.tolist() == ["EUM, SRT", "a rival"]
    assert shown.loc["a rival"].tolist() == ["2,000", 2.0, 0.02]
    assert shown.loc["EUM, SRT"].tolist() == ["1,000", 0.5, 0.012]


def test_errors_of_a_gate_are_in_percent():
    row = {"face_set": "lfw", "style": "cloth", "trained": "trained on all styles"}
    rows = pd.DataFrame([row | {"masked_taken_for_bare": 0.012, "bare_taken_for_masked": 0.1}])
    shown = gate_errors_by_style(rows)
    assert shown.loc[("LFW", "cloth", "trained on all styles")].tolist() == ["1.2", "10.0"]
