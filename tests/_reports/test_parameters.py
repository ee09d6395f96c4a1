import pytest
from small_notebooks import small_notebook

from eumlib._common.errors import EumlibError
from eumlib._reports.notebooks import discover, of_tens
from eumlib._reports.parameters import (
    PROFILES,
    ParameterError,
    check_parameters,
    check_values,
    names_of_texts,
    parameters_of,
    parse_assignment,
    read_parameters,
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"poeple": 3}, "no notebook has a parameter 'poeple'; did you mean 'people'"),
        ({"zzzz": 3}, "there are face_set, people, share"),
        ({"people": "many"}, r"'people' takes int, such as 4, and not 'many' \(str\)"),
        ({"people": 2.5}, "takes int"),
        ({"people": True}, "takes int"),
        ({"face_set": 3}, "takes str"),
        ({3: 3}, "no notebook has a parameter 3"),
        ({"people": None}, "takes int"),
    ],
)
def test_wrong_parameters_are_refused(tmp_path, given, message):
    with pytest.raises(ParameterError, match=message):
        check_parameters([small_notebook(tmp_path)], given)


def test_right_parameters_pass_and_a_whole_number_serves_as_float(tmp_path):
    check_parameters([small_notebook(tmp_path)], {"people": 3, "share": 1, "face_set": "my/faces"})


def test_a_parameter_has_to_suit_every_notebook_that_has_it(tmp_path):
    whole = small_notebook(tmp_path, "01_a", parameters="margin = 1")
    broken = small_notebook(tmp_path, "02_b", parameters="margin = 1.0")
    check_parameters([broken], {"margin": 0.5})
    with pytest.raises(ParameterError, match="takes int"):
        check_parameters([whole, broken], {"margin": 0.5})


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=3", 3), ("a=0.5", 0.5), ("a=True", True), ("a=x/y", "x/y"), ("a=1=2", "1=2"), ("a=", "")],
)
def test_assignments_are_read_as_literals_or_text(text, value):
    assert parse_assignment(text) == ("a", value)


def test_an_assignment_without_equals_is_refused():
    with pytest.raises(ParameterError, match="NAME=VALUE"):
        parse_assignment("people")


def test_a_file_gives_parameters_by_lines(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text("people: 12\nshare: 0.25  # of them\nface_set: my/faces\n")
    assert read_parameters(path) == {"people": 12, "share": 0.25, "face_set": "my/faces"}


@pytest.mark.parametrize("text", ["- people", "people", "people: [", "", "\0"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "mine.yml"
    path.write_text(text)
    with pytest.raises(EumlibError, match=r"mine\.yml"):
        read_parameters(path)


def test_a_bomb_of_aliases_a_deep_file_and_a_large_one_are_refused_at_once(tmp_path):
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
    )
    texts = (bomb, bomb[3:], "[" * 50_000, "people: " + "[" * 5000, "x" * 1_000_000)
    for text in (*texts, "people: &p 3\nshare: [*p]", "? [a]\n: 3", "people: " + "9" * 9999):
        path = tmp_path / "mine.yml"
        path.write_text(text)
        with pytest.raises(EumlibError, match=r"mine\.yml") as refusal:
            read_parameters(path)
        assert len(str(refusal.value)) < 500
        assert "\n" not in str(refusal.value)


def test_a_name_that_is_given_twice_is_refused_with_its_line(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text("people: 12\nshare: 0.5\n'people': 13\n")
    with pytest.raises(ParameterError, match=r"mine\.yml, line 3: people is given twice"):
        read_parameters(path)


@pytest.mark.parametrize("text", ["2024", "1e3", "None", "yes", "0x10", "[1]", "3.10"])
def test_what_is_typed_stays_text_where_text_is_wanted(tmp_path, text):
    texts = names_of_texts([small_notebook(tmp_path)])
    assert texts == {"face_set"}
    assert parse_assignment(f"face_set={text}", texts) == ("face_set", text)
    path = tmp_path / "mine.yml"
    path.write_text(f"face_set: {text}\n")
    if text != "[1]":
        assert read_parameters(path, texts) == {"face_set": text}
    check_parameters([small_notebook(tmp_path)], {"face_set": text})


def test_a_value_that_no_notebook_could_run_with_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()
    good = {"face_set": "faces", "training_set": "lfw", "seed": 0, "margin": 1.5, "people": 1}
    check_values(good | {"seed": 2**32 - 1})
    bad = {
        "face_set": ("none", "", "x" * 5000, "a\0b"),
        "training_set": ("faces/none",),
        "seed": (-1, 2**32, 10**4000),
        "margin": (float("nan"), float("inf")),
        "people": (0, -4, 10**9),
    }
    for name, values in bad.items():
        for value in values:
            with pytest.raises(ParameterError, match=name) as refusal:
                check_values(good | {name: value})
            assert len(str(refusal.value)) < 300


def test_the_profiles_suit_the_notebooks():
    assert set(PROFILES) == {"quick", "optional", "full"}
    for profile in PROFILES.values():
        check_parameters(of_tens(discover(), profile.tens), profile.parameters)
    assert [notebook.name[:2] for notebook in of_tens(discover(), PROFILES["quick"].tens)] == [
        f"0{digit}" for digit in range(10)
    ]
    assert of_tens(discover(), PROFILES["full"].tens) == discover()


def test_a_notebook_runs_with_what_it_has_and_its_defaults(tmp_path):
    given = {"people": 7, "epochs": 3}
    assert parameters_of(small_notebook(tmp_path), given) == {
        "people": 7, "face_set": "orl", "share": 0.5,
    }  # fmt: skip
