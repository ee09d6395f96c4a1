import pytest
from small_notebooks import small_notebook

from eumlib._reports.notebooks import discover, of_tens
from eumlib._reports.parameters import (
    PROFILES,
    ParameterError,
    check_parameters,
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
    with pytest.raises(ParameterError, match=r"mine\.yml"):
        read_parameters(path)
    with pytest.raises(ParameterError, match=r"none\.yml cannot be read"):
        read_parameters(tmp_path / "none.yml")


def test_the_profiles_suit_the_notebooks():
    assert set(PROFILES) == {"quick", "full"}
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
