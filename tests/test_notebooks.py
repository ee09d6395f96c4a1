"""Every notebook: its shape, and a run at the smallest parameters."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from odd_pictures import save

from eumlib._common.files import NOTEBOOK_FOLDER
from eumlib._reports.notebooks import discover, read_notebook
from eumlib._reports.runs import run_notebook
from eumlib.course import EXERCISES
from eumlib.faces import LFW_SHARES, split_by_identity

ROOT = Path(__file__).parent.parent
PATHS = sorted(NOTEBOOK_FOLDER.glob("*.ipynb"))
COPIES = NOTEBOOK_FOLDER / "student"
SMALLEST = {
    "people": 8, "training_faces": 2000, "people_drawn": 600, "epochs": 2, "steps_an_epoch": 3,
    "resamples": 20, "examples": 3, "trainings": 2, "steps": 6,
    "faces_of_nobody": 30, "mated": 2, "non_mated": 4,
}  # fmt: skip
STORED = {"keep_output", "nbval-check-output"}

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells_of(path, kind=None):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if kind in (None, cell.cell_type)]


def tags_of(cell):
    return set(cell.metadata.get("tags", []))


@each_notebook
def test_it_runs(path, tmp_path, training_set):
    notebook = read_notebook(path)
    smallest = SMALLEST | {"training_set": training_set}
    given = {name: value for name, value in smallest.items() if name in notebook.parameters}
    run = run_notebook(notebook, given, tmp_path / path.name)
    assert run.error is None


@pytest.mark.parametrize(
    "path", [path for path in PATHS if "face_set" in read_notebook(path).parameters],
    ids=lambda path: path.stem,
)  # fmt: skip
def test_it_runs_on_a_few_people_of_the_users_own(path, tmp_path, people):
    folder = tmp_path / "faces"
    shutil.copytree(people, folder)
    (folder / "s3" / "s3_2.png").unlink()
    notebook = read_notebook(path)
    given = {name: value for name, value in SMALLEST.items() if name in notebook.parameters}
    run = run_notebook(notebook, given | {"face_set": str(folder)}, tmp_path / path.name)
    assert run.error is None


@pytest.fixture(scope="session")
def training_set(tmp_path_factory, orl):
    """A folder of people of whom some train, some choose the epoch and some are tested."""
    folder = tmp_path_factory.mktemp("training_set")
    part = split_by_identity(orl.identities, LFW_SHARES)
    for share, count in (("train", 4), ("validation", 2), ("test", 2)):
        for name in [n for n, p in zip(orl.identities, part, strict=True) if p == share][:count]:
            for face in [face for face in orl.faces if face.identity == name][:3]:
                save(folder / f"{face.image_id}.png", face.read())
    return str(folder)


def test_no_notebook_is_left_out():
    assert [notebook.path for notebook in discover()] == PATHS
    numbers = [path.stem[:2] for path in PATHS]
    assert len(set(numbers)) == len(numbers)
    assert {"00", "01", "02", "03", "04", "05", "06", "07", "08", "09"} <= set(numbers)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"notebooks/(\d\d)_\w+\.ipynb", readme) == numbers


def test_no_notebook_lies_where_no_test_runs_it():
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.ipynb")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    found = {ROOT / name for name in names.splitlines()}
    assert found - set(COPIES.glob("*.ipynb")) == set(PATHS)


def test_nbval_leaves_the_student_copies_alone(pytestconfig):
    def left_alone(path):
        return pytestconfig.hook.pytest_ignore_collect(collection_path=path, config=pytestconfig)

    assert all(left_alone(path) for path in COPIES.glob("*.ipynb"))
    assert not left_alone(NOTEBOOK_FOLDER / "06_write_the_self_restrained_loss.ipynb")


@each_notebook
def test_it_opens_and_closes_as_the_others_do(path):
    text = [cell.source for cell in cells_of(path, "markdown")]
    assert sum(len(re.findall(r"^# ", source, re.MULTILINE)) for source in text) == 1
    for part in ("**Goals**", "**Prerequisites:**", "**Time:**"):
        assert part in text[0]
    closing = next(place for place, source in enumerate(text) if "## What you did" in source)
    assert "**Exercises**" in text[closing]
    assert "**Next:**" in text[-1]
    assert not re.search(r"^#", "\n".join(text[closing + 1 :]), re.MULTILINE)
    assert "parameters" in tags_of(cells_of(path)[1])


@each_notebook
def test_its_cells_are_short_and_clean(path):
    code = cells_of(path, "code")
    assert len([cell for cell in code if not {"solution", "exercise"} & tags_of(cell)]) <= 20
    source = "\n".join(cell.source for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 25
    text = "\n".join(cell.source for cell in cells_of(path))
    for forbidden in ("sys.path", "!pip", "%pip", "interact(", "@interact"):
        assert forbidden not in source
    assert not re.search(r"/(home|tmp|root|Users|mnt|work)/|\b[A-Z]:\\", text)
    metadata = nbformat.read(path, as_version=4).metadata
    assert "widgets" not in metadata
    assert metadata.kernelspec.name == "python3"
    assert path.stat().st_size < 200_000


@each_notebook
def test_every_other_notebook_that_it_names_is_a_link(path):
    names = {other.stem[:2]: other.name for other in PATHS}
    code_and_formulas = r"`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$"
    for cell in cells_of(path, "markdown"):
        text = re.sub(code_and_formulas, "", cell.source, flags=re.DOTALL)
        for number, target in re.findall(r"\[(?:[Nn]otebook )?(\d\d)\]\(([^)#]+)\)", text):
            assert target == names[number]
        bare = re.sub(r"\[[^]]*\]\([^)]*\)", "", text)
        named = re.findall(r"[Nn]otebooks? (\d\d)", bare)
        for line in re.findall(r"^\*\*(?:Prerequisites|Next):\*\*([^*\n]*)", bare, re.MULTILINE):
            named += re.findall(r"(?<!\d)([012]\d)(?=[,;. ])", line.partition("Time")[0])
        assert set(named) <= {path.stem[:2]}


@each_notebook
def test_its_parameters_are_literals_with_their_help(path):
    parameters = read_notebook(path).parameters
    assert 2 <= len(parameters) <= 8
    assert all(parameter.help for parameter in parameters.values())


@pytest.mark.parametrize(
    "path", [path for path in PATHS if path.stem.startswith("0")], ids=lambda path: path.stem
)
def test_its_two_exercises_follow_each_other_to_the_open_one(path):
    cells = cells_of(path)
    closing = next(place for place, cell in enumerate(cells) if "## What you did" in cell.source)
    tags = [cell.metadata.get("tags", []) for cell in cells[closing:]]
    assert tags == [[], ["solution"], ["exercise"], [], ["solution"], ["exercise"], []]
    for place in (1, 2):
        text, answer, checked = cells[closing + 3 * place - 3 : closing + 3 * place]
        assert re.search(rf"^{place}\. ", text.source, re.MULTILINE)
        defined = re.search(r"^def (\w+)", answer.source, re.MULTILINE)[1]
        assert f'check("{path.stem[:2]}.{place}", {defined})' in checked.source
    assert re.match(r"3\. \*Open\.\*", cells[-1].source)


@pytest.mark.parametrize(
    "path", [path for path in PATHS if path.stem.startswith("0")], ids=lambda path: path.stem
)
def test_what_is_written_along_the_way_is_asked_for_and_checked_at_once(path):
    cells = cells_of(path)
    closing = next(place for place, cell in enumerate(cells) if "## What you did" in cell.source)
    answers = [place for place in range(closing) if "solution" in tags_of(cells[place])]
    expected = [number for number in EXERCISES if re.fullmatch(path.stem[:2] + r"\.[a-z]", number)]
    assert len(answers) == len(expected)
    assert len([cell for cell in cells[:closing] if "exercise" in tags_of(cell)]) == len(expected)
    for place, number in zip(answers, expected, strict=True):
        asked, answer, checked = cells[place - 1 : place + 2]
        assert "**Your turn.**" in asked.source
        defined = re.search(r"^def (\w+)", answer.source, re.MULTILINE)[1]
        assert tags_of(checked) == {"exercise"}
        assert f'check("{number}", {defined})' in checked.source


@each_notebook
def test_outputs_are_stored_in_tagged_cells_alone(path):
    for cell in cells_of(path, "code"):
        if tags_of(cell) >= STORED:
            assert cell.outputs, cell.source
            assert cell.execution_count, cell.source
            assert all(output.output_type == "stream" for output in cell.outputs)
        else:
            assert not STORED & tags_of(cell)
            assert not cell.outputs, cell.source


def test_nbval_compares_what_is_stored_and_fails_on_a_changed_number(pytester):
    path = NOTEBOOK_FOLDER / "06_write_the_self_restrained_loss.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    stored = next(cell for cell in book["cells"] if cell.get("outputs"))
    book["cells"] = book["cells"][: book["cells"].index(stored) + 1]
    (pytester.path / "same.ipynb").write_text(json.dumps(book), encoding="utf-8")
    changed = json.dumps(book).replace("0.4000", "0.5000")
    assert changed != json.dumps(book)
    (pytester.path / "changed.ipynb").write_text(changed, encoding="utf-8")
    arguments = ("--nbval-lax",)
    assert pytester.runpytest(*arguments, "same.ipynb").ret == 0
    assert pytester.runpytest(*arguments, "changed.ipynb").ret == 1
