"""What the how-to pages tell their readers to type works."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer.main
from builders import drawn_table

from eumlib._commands.app import app
from eumlib.unmasking import Unmasker

FOLDER = Path(__file__).parent.parent / "docs"
PAGES = sorted([*FOLDER.glob("*.md"), *FOLDER.glob("how_to/*.md")])
COMMANDS = [
    (page.stem, line)
    for page in PAGES
    for line in re.findall(
        r"^python -m eumlib .*$", page.read_text("utf-8").replace("\\\n", " "), re.MULTILINE
    )
]


def python_of(name):
    text = (FOLDER / f"how_to/{name}.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_and_its_options_are_there(page, line):
    _, _, _, name, *rest = shlex.split(line, comments=True)
    command = typer.main.get_command(app).commands[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= options


def test_commands_were_found():
    assert {page for page, _ in COMMANDS} >= {"own_faces", "own_recogniser", "reports", "cluster"}


def test_arrays_become_an_unmasker_its_rates_and_repaired_embeddings(tmp_path, monkeypatch, capsys):
    table = drawn_table(people=60, pictures=4, noise=1.5, mask=1.0)
    masked, unmasked = table.mated_views()
    arrays = {"unmasked": table.vectors[unmasked], "masked": table.vectors[masked]}
    monkeypatch.chdir(tmp_path)
    np.savez("embeddings.npz", identity=table.rows["identity"][unmasked].to_numpy(str), **arrays)
    shown = {}
    for code in python_of("own_embeddings"):
        exec(code, shown)
    assert "SRT" in capsys.readouterr().out
    assert shown["recipe"].batch_size == 64
    assert Unmasker.load(tmp_path / "unmasker.safetensors").model.dim == 16
    np.testing.assert_allclose(np.linalg.norm(shown["repaired"], axis=1), 1, atol=1e-5)
    assert len(shown["repaired"]) == len(masked)


def test_a_module_becomes_a_recogniser():
    shown = {}
    made, used = python_of("own_recogniser")
    exec(made, shown)
    exec(used.partition("\n\n")[0], shown)  # its imports; there are no faces to embed here
    assert shown["backbone"].embed(np.zeros((2, 112, 112, 3), np.uint8)).shape == (2, 48)
