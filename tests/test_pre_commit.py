"""What the hooks do to files that are about to be committed."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from eumlib._common.files import NOTEBOOK_FOLDER

ROOT = Path(__file__).parent.parent
(LOCAL,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
HOOKS = {hook["id"]: hook for hook in LOCAL["hooks"]}
INTERPRETER = ".venv/bin/python"


def run(hook, *paths):
    words = shlex.split(HOOKS[hook]["entry"].replace(INTERPRETER, shlex.quote(sys.executable)))
    return subprocess.run([*words, *map(str, paths)], capture_output=True, text=True)


def test_the_tools_are_those_of_the_projects_own_environment():
    assert LOCAL["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "VENV = .venv\n" in makefile
    for name in ("ruff-check", "ruff-format", "nbstripout"):
        tool = HOOKS[name]["entry"].removeprefix(f"{INTERPRETER} -m ")
        assert tool != HOOKS[name]["entry"]
    for tool in ("ruff check", "ruff format"):
        assert f"$(RUN) {tool}" in makefile


def test_committed_notebooks_are_left_as_they_are(tmp_path):
    paths = [shutil.copy(path, tmp_path) for path in sorted(NOTEBOOK_FOLDER.glob("*.ipynb"))]
    assert run("nbstripout", *paths).returncode == 0
    for path in paths:
        assert Path(path).read_bytes() == (NOTEBOOK_FOLDER / Path(path).name).read_bytes()


def test_outputs_go_but_for_tagged_cells_and_counts_and_ids_stay(tmp_path):
    path = tmp_path / "run.ipynb"
    book = nbformat.v4.new_notebook()
    for number, tags in enumerate(([], ["keep_output", "nbval-check-output"]), start=1):
        printed = nbformat.v4.new_output("stream", text="printed\n")
        cell = nbformat.v4.new_code_cell("print('printed')", outputs=[printed])
        cell.update(id=f"cell-{number}", execution_count=number)
        cell.metadata.tags = tags
        book.cells.append(cell)
    nbformat.write(book, path)
    assert run("nbstripout", path).returncode == 0
    cells = nbformat.read(path, as_version=4).cells
    assert [len(cell.outputs) for cell in cells] == [0, 1]
    assert [(cell.id, cell.execution_count) for cell in cells] == [("cell-1", 1), ("cell-2", 2)]


@pytest.mark.parametrize(("size", "refused"), [(2**20, 0), (2**20 + 1, 1)])
def test_a_large_file_is_refused_and_named(tmp_path, size, refused):
    small, other = tmp_path / "small file.txt", tmp_path / "other.bin"
    small.write_bytes(b"small")
    other.write_bytes(bytes(size))
    ended = run("large-files", small, other)
    assert ended.returncode == refused
    assert ("other.bin" in ended.stdout, "small file" in ended.stdout) == (bool(refused), False)
