import json

import pytest

from eumlib._common.files import DATA_FOLDER
from eumlib._reports.differences import differing_causes, differing_results
from eumlib._reports.manifest import MANIFEST, ManifestError
from eumlib._reports.results import read_compared, read_results

ROW = {"system": "EUM", "eer": 0.1, "eer_low": 0.09, "eer_high": 0.11}
RESULTS = {
    "seeds": 5,
    "commit": "a" * 40,
    "systems": [ROW],
    "gate": {"commit": "b" * 40, "streams": [ROW]},
}


@pytest.fixture
def written(tmp_path):
    def write(content, name="results.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_tables_are_found_wherever_they_stand_and_the_rest_made_them(written):
    manifest = read_results(written(RESULTS))
    (run,) = manifest["runs"]
    assert run["results"] == {"systems": [ROW], "gate streams": [ROW]}
    assert run["parameters"] == {"seeds": 5, "gate commit": "b" * 40}
    assert manifest["commit"] == "a" * 40


def test_two_files_are_compared_as_two_reports_are(written):
    other = {**RESULTS, "seeds": 6, "gate": {"streams": [ROW | {"eer": 0.3, "eer_low": 0.2}]}}
    a, b = read_results(written(RESULTS)), read_results(written(other, "other.json"))
    causes = differing_causes(a, b)
    assert causes["what"].tolist() == ["results: seeds", "results: gate commit"]
    found = differing_results(a, b)
    assert found[["table", "row", "metric", "apart"]].to_numpy().tolist() == [
        ["gate streams", "EUM", "eer", True]
    ]


@pytest.mark.parametrize("name", ["study.json", "rivals.json", "results.json"])
def test_committed_results_do_not_differ_from_themselves(name):
    a, b = read_compared(DATA_FOLDER / name), read_compared(DATA_FOLDER / name)
    assert differing_causes(a, b).empty
    assert differing_results(a, b).empty


def test_a_folder_is_that_of_a_report(written):
    path = written({"runs": [], "profile": "quick"}, MANIFEST)
    assert read_compared(path.parent) == read_compared(path) == {"runs": [], "profile": "quick"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("no JSON", "cannot be read as JSON"),
        ([ROW], "but a list"),
        ({"recipe": "srt", "weights": [1, 2]}, "no number with an interval"),
        ({"errors": [{"style": "cloth", "missed": 0.1}]}, "no number with an interval"),
    ],
)
def test_a_file_of_something_else_is_refused_in_one_line(written, content, what):
    with pytest.raises(ManifestError, match=what) as refused:
        read_compared(written(content))
    assert "data/study.json" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ManifestError, match=r"no file .*old\.json; give"):
        read_compared(tmp_path / "old.json")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"runs": 3}, "holds no runs"),
        ({"runs": [3]}, "has no notebook, status or results"),
        ({"runs": [{"notebook": "a", "status": "done"}]}, "has no notebook, status or results"),
        (
            {"runs": [{"notebook": "a", "status": "done", "parameters": [1], "results": {}}]},
            "parameters of a have no names",
        ),
        ({"runs": [{"notebook": "a", "status": "done", "results": []}]}, "results of a have no"),
        (
            {"runs": [{"notebook": "a", "status": "done", "results": {"rates": "many"}}]},
            "its table rates is no list of rows",
        ),
        (
            {"runs": [{"notebook": "a", "status": "done", "results": {"r": [ROW | {"eer": "x"}]}}]},
            "its table r has 'x' where the number eer belongs",
        ),
        ({"systems": [ROW | {"eer": [[1] * 9] * 9}]}, "where the number eer belongs"),
        ({"systems": [ROW | {"eer_high": 10**400}]}, "where the number eer_high belongs"),
    ],
)
def test_an_odd_manifest_is_refused_in_a_line_with_the_place(written, manifest, told):
    path = written(manifest, MANIFEST)
    for odd in {path, path.parent} if "runs" in manifest else {path}:
        with pytest.raises(ManifestError, match=told) as refused:
            read_compared(odd)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 500


def test_rows_of_forty_columns_of_words_are_told_apart_in_time(written):
    rows = [ROW | {f"word {c}": "same" for c in range(40)} for _ in range(3)]
    a = read_results(written({"systems": rows}))
    b = read_results(written({"systems": [row | {"eer": 0.3} for row in rows]}, "b.json"))
    assert differing_results(a, b)["row"].tolist() == ["row 1", "row 2", "row 3"]
