"""Modules import one way: only from those to their left in the order that the package states."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import eumlib

FOLDER = Path(eumlib.__file__).parent
ORDER = re.findall(r"\b[a-z_]+\b", eumlib.__doc__.partition("::")[2])
MODULES = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eumlib"):
            if node.module == "eumlib":
                yield from (alias.name for alias in node.names)
            else:
                yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("eumlib."))


def test_the_order_names_every_module_once():
    assert sorted(ORDER) == sorted(MODULES - {"__main__"})


def test_no_module_imports_from_one_to_its_right():
    backwards = [
        f"{module} imports {imported}"
        for place, module in enumerate(ORDER)
        for imported in imports_of(FOLDER / f"{module}.py")
        if imported not in ORDER[:place]
    ]
    assert not backwards


def test_every_module_has_a_test_file():
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert {module.strip("_") for module in MODULES} <= tests


def test_importing_makes_nothing(tmp_path):
    names = ", ".join(f"eumlib.{module}" for module in ORDER)
    code = f"import {names}, sys; sys.exit('umap' in sys.modules)"
    environment = {"EUMLIB_HOME": str(tmp_path / "home"), "PATH": "", "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    assert not (tmp_path / "home").exists()
