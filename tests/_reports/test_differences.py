import copy

import pandas as pd
import pytest

from eumlib._reports.differences import differing_causes, differing_results

ROW = {"backbone": "dlib", "setting": "UMR", "unmasking": None, "people": 4, "unresolved": ""}


def rates(eer, half=0.01, **changes):
    interval = {"eer": eer, "eer_low": eer - half, "eer_high": eer + half}
    return ROW | interval | {"eer_change": None, "eer_change_low": None} | changes


@pytest.fixture
def manifest():
    rows = [rates(0.1), rates(0.2, unmasking="srt"), rates(0.3, setting="MR", unmasking="srt")]
    run = {"notebook": "08_verify", "status": "done", "parameters": {"people": 40, "seed": 0}}
    return {
        "profile": "quick", "commit": "a" * 40, "uncommitted_changes": False, "python": "3.11.7",
        "packages": {"torch": "2.13.0", "numpy": "2.4.6"}, "inputs": {"data/x": "1"},
        "runs": [run | {"results": {"headline": rows}}],
    }  # fmt: skip


@pytest.fixture
def other(manifest):
    return copy.deepcopy(manifest)


def test_a_report_does_not_differ_from_itself(manifest, other):
    assert differing_causes(manifest, other).empty
    assert differing_results(manifest, other).empty


def test_causes_are_named_with_both_values(manifest, other):
    other["packages"] = {"torch": "2.14.0", "numpy": "2.4.6", "new": "1.0"}
    other["inputs"]["data/x"] = "2"
    other["runs"][0]["parameters"]["people"] = 30
    found = differing_causes(manifest, other)
    assert found.to_numpy().tolist() == [
        ["packages: torch", "2.13.0", "2.14.0"],
        ["inputs: data/x", "1", "2"],
        ["08_verify: people", 40, 30],
        ["packages: new", None, "1.0"],
    ]


def test_a_notebook_that_one_report_lacks_is_one_row(manifest, other):
    other["runs"].append({**other["runs"][0], "notebook": "09_read", "parameters": {"people": 3}})
    assert differing_causes(manifest, other).to_numpy().tolist() == [
        ["09_read: status", None, other["runs"][0]["status"]]
    ]


def test_results_come_with_the_intervals_of_both_and_whether_they_are_apart(manifest, other):
    rows = other["runs"][0]["results"]["headline"]
    rows[1] = rates(0.205, unmasking="srt", people=5, unresolved="fmr1000")
    rows[2] = rates(0.5, setting="MR", unmasking="srt")
    found = differing_results(manifest, other)
    assert found["row"].tolist() == ["UMR, srt", "MR, srt"]
    assert found["metric"].tolist() == ["eer", "eer"]
    assert found[["A", "A_low", "A_high"]].iloc[0].tolist() == pytest.approx([0.2, 0.19, 0.21])
    assert found[["B", "B_low", "B_high"]].iloc[1].tolist() == pytest.approx([0.5, 0.49, 0.51])
    assert found["apart"].tolist() == [False, True]


def test_the_order_of_rows_and_the_last_digit_do_not_matter(manifest, other):
    rows = other["runs"][0]["results"]["headline"]
    rows.reverse()
    rows[0]["eer"] += 1e-12
    assert differing_results(manifest, other).empty


def test_what_only_one_has_is_shown_without_the_other(manifest, other):
    other["runs"][0]["results"]["headline"].pop()
    other["runs"][0]["results"]["extra"] = [{"eer": 0.4, "eer_low": 0.3, "eer_high": 0.5}]
    found = differing_results(manifest, other)
    assert found[["table", "row"]].to_numpy().tolist() == [
        ["headline", "MR, srt"],
        ["extra", "row 1"],
    ]
    assert pd.isna(found["B"].iloc[0])
    assert pd.isna(found["A"].iloc[1])
    assert not found["apart"].any()


def test_without_results_there_is_nothing_to_compare(manifest, other):
    other["runs"] = []
    manifest["runs"][0]["results"] = {}
    assert differing_results(manifest, other).empty


def of_steps(*steps, eer=0.1):
    return [
        {"trained": "srt", "steps": count, "people": 7, "eer": eer, "eer_low": 0, "eer_high": 1}
        for count in steps
    ]


def test_whole_numbers_match_rows_where_words_do_not_and_both_have_them(manifest, other):
    manifest["runs"][0]["results"]["steps"] = of_steps(100, 300)
    other["runs"][0]["results"]["steps"] = of_steps(300, 100, eer=0.2)
    assert differing_results(manifest, other)["row"].tolist() == ["100 steps", "300 steps"]
    other["runs"][0]["results"]["steps"] = of_steps(100, 1000, eer=0.2)
    assert differing_results(manifest, other)["row"].tolist() == ["row 1", "row 2"]
