"""Student copies: the solved notebooks without their answers.

The solved notebooks are the source. An answer stands between two lines, nbgrader's markers, in a
cell tagged ``solution``; in the copy one line that raises takes its place.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from eumlib._common.errors import EumlibError
from eumlib._common.files import NOTEBOOK_FOLDER, write_text

SOLUTION_TAG = "solution"
_SOLUTION = re.compile(
    r"^( *)### BEGIN SOLUTION\n.*?^\1### END SOLUTION$", re.MULTILINE | re.DOTALL
)
_UNWRITTEN = r'\1raise NotImplementedError("your answer")'


class SolutionError(EumlibError, ValueError):
    """A solved notebook whose markers or tags are not in order."""


def without_solution(source: str) -> str:
    r"""The source of a cell with its answer taken out.

    >>> print(without_solution("def f(x):\n    ### BEGIN SOLUTION\n    x\n    ### END SOLUTION"))
    def f(x):
        raise NotImplementedError("your answer")

    Raises:
        SolutionError: no answer there, or a marker without its partner.
    """
    emptied, count = _SOLUTION.subn(_UNWRITTEN, source)
    if not count or "### BEGIN SOLUTION" in emptied or "### END SOLUTION" in emptied:
        raise SolutionError(
            "an answer stands between the lines ### BEGIN SOLUTION and ### END SOLUTION, with the "
            f"same indent, and not so:\n{source}"
        )
    return emptied


def student_copy(path: Path) -> str:
    """The text of a notebook without answers and outputs; the same source gives the same text.

    Raises:
        SolutionError: see `without_solution`; or markers in a cell that is not tagged.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if SOLUTION_TAG in cell["metadata"].get("tags", []):
            cell["source"] = without_solution(source).splitlines(keepends=True)
        elif "### BEGIN SOLUTION" in source:
            raise SolutionError(f"{path.name}: a cell with an answer has no tag {SOLUTION_TAG!r}")
        if cell["cell_type"] == "code":
            cell.update(execution_count=None, outputs=[])
    note = f"\n\n*A copy without answers; `{path.name}` in the folder `notebooks` has them.*"
    notebook["cells"][0]["source"] += note.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def solved_notebooks(folder: Path = NOTEBOOK_FOLDER) -> list[Path]:
    """The notebooks that hold answers, in the order of their numbers."""
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    return [path for path in paths if f'"{SOLUTION_TAG}"' in path.read_text(encoding="utf-8")]


def write_student_copies(out: Path, folder: Path = NOTEBOOK_FOLDER) -> list[Path]:
    """Write the copies of all solved notebooks into `out`, over those that are there.

    Raises:
        SolutionError: see `student_copy`.
    """
    copies = {out / path.name: student_copy(path) for path in solved_notebooks(folder)}
    for path, text in copies.items():
        write_text(path, text)
    return list(copies)
