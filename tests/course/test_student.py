import nbformat
import pytest

from eumlib._common.files import NOTEBOOK_FOLDER
from eumlib._reports.notebooks import read_notebook
from eumlib.course import EXERCISES, SolutionError, write_student_copies
from eumlib.course.student import solved_notebooks, student_copy, without_solution

COPIES = NOTEBOOK_FOLDER / "student"
SOLVED = "def f(x):\n    ### BEGIN SOLUTION\n    y = x\n\n    return y\n    ### END SOLUTION"


def write_solved(path, *cells):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A"), *cells])
    for place, cell in enumerate(book.cells):
        cell.id = str(place)
    nbformat.write(book, path)
    return path


def tagged(source, tag="solution"):
    return nbformat.v4.new_code_cell(source, metadata={"tags": [tag]})


def test_the_committed_copies_are_those_that_the_command_writes(tmp_path):
    made = {path.name: path.read_bytes() for path in write_student_copies(tmp_path)}
    assert len(made) == 10
    there = {path.name: path.read_bytes() for path in COPIES.iterdir() if path.is_file()}
    assert there.keys() == made.keys(), "python -m eumlib student"
    assert [name for name in made if there[name] != made[name]] == [], "python -m eumlib student"


def test_the_answer_goes_and_the_rest_stays():
    assert without_solution(SOLVED) == 'def f(x):\n    raise NotImplementedError("your answer")'
    around = f"a = 1\n\n\n{SOLVED}\n\n\nb = 2"
    assert without_solution(around).startswith("a = 1\n\n\ndef f(x):\n    raise")
    assert without_solution(around).endswith('("your answer")\n\n\nb = 2')


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        SOLVED.replace("BEGIN", "START"),
        SOLVED.replace("### END SOLUTION", ""),
        SOLVED.replace("    ### END", "### END"),
        SOLVED + "\n### BEGIN SOLUTION\nz = 3",
    ],
)
def test_markers_that_are_not_in_order_are_an_error(source):
    with pytest.raises(SolutionError, match="BEGIN SOLUTION"):
        without_solution(source)


def test_an_answer_without_its_tag_is_an_error(tmp_path):
    path = write_solved(tmp_path / "05_a.ipynb", tagged(SOLVED, "exercise"))
    with pytest.raises(SolutionError, match=r"05_a.ipynb: .* no tag 'solution'"):
        student_copy(path)


def test_outputs_do_not_reach_the_copy_and_the_source_is_named(tmp_path):
    output = nbformat.v4.new_output("stream", text="the answer")
    seen = nbformat.v4.new_code_cell("f(1)", execution_count=3, outputs=[output])
    text = student_copy(write_solved(tmp_path / "05_a.ipynb", tagged(SOLVED), seen))
    assert "the answer" not in text
    book = nbformat.reads(text, as_version=4)
    assert book.cells[2].execution_count is None
    assert "`05_a.ipynb`" in book.cells[0].source


def test_a_notebook_without_answers_has_no_copy(tmp_path):
    write_solved(tmp_path / "05_a.ipynb", tagged(SOLVED))
    write_solved(tmp_path / "10_b.ipynb", tagged("x = 1", "parameters"))
    assert [path.name for path in solved_notebooks(tmp_path)] == ["05_a.ipynb"]


@pytest.mark.parametrize("path", sorted(COPIES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_copy_is_its_notebook_but_for_its_answers(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    source = nbformat.read(NOTEBOOK_FOLDER / path.name, as_version=4)
    changed = [
        copied.source
        for copied, solved in zip(book.cells[1:], source.cells[1:], strict=True)
        if copied.source != solved.source
    ]
    assert len(changed) == sum(e.notebook == path.stem[:2] for e in EXERCISES.values())
    assert all(text.endswith('raise NotImplementedError("your answer")') for text in changed)
    assert not any("SOLUTION" in cell.source for cell in book.cells)
    assert read_notebook(path).parameters == read_notebook(NOTEBOOK_FOLDER / path.name).parameters
