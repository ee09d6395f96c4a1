"""The rooms: who may import from whom, what each shows, and what an import costs."""

import ast
import gc
import importlib
import json
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import eumlib

PACKAGE = Path(eumlib.__file__).parent
ORDER = ("_common", *eumlib.ROOMS, "_reports", "_commands")
MODULES = sorted(PACKAGE.glob("*/*.py"))
NOTEBOOKS = sorted((PACKAGE.parent / "notebooks").glob("[0-9]*.ipynb"))
NO_BEHAVIOUR = {"_common/settings"}


def parsed(source):
    # Before CPython 3.11.9 a parse fails where the garbage collector interrupts it with code that
    # parses, too, as the traceback of another test's leftovers does.
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        gc.enable()


def imports_of(source):
    """Every import from the package: the room, the module in it if one is named, and the names."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "eumlib":
            _, *path = node.module.split(".")
            names = [alias.name for alias in node.names]
            for name in names if not path else [path[0]]:
                yield name, path[1] if len(path) > 1 else None, names if path else []
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("eumlib."):
                    yield alias.name.split(".")[1], None, []


def source_of(path):
    return path.read_text(encoding="utf-8")


def cells_of(path):
    cells = json.loads(source_of(path))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_there_are_these_rooms_and_hardly_anything_beside_them():
    assert sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()) == sorted(
        ORDER
    )
    files = [path.name for path in PACKAGE.iterdir() if path.is_file()]
    assert len(files) <= 4, files


def test_rooms_import_only_from_rooms_before_them():
    backwards = [
        f"{path.relative_to(PACKAGE)} imports from {room}"
        for path in MODULES
        for room, *_ in imports_of(source_of(path))
        if ORDER.index(room) > ORDER.index(path.parent.name)
    ]
    assert not backwards


@pytest.mark.parametrize("room", ORDER)
def test_there_is_no_circle_within_a_room(room):
    within = {}
    for path in (PACKAGE / room).glob("*.py"):
        runtime = re.sub(r"if TYPE_CHECKING:\n(    .*\n)+", "", source_of(path))
        within[path.stem] = {m for r, m, _ in imports_of(runtime) if r == room and m}
    try:
        TopologicalSorter(within).prepare()
    except CycleError as error:
        pytest.fail(f"{room}: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_import_what_rooms_show(path):
    for room, module, names in imports_of(cells_of(path)):
        assert room in eumlib.ROOMS, f"{room} is no open room"
        assert module is None, f"from eumlib.{room}.{module}: import from the room"
        assert set(names) <= set(importlib.import_module(f"eumlib.{room}").__all__)


@pytest.mark.parametrize("name", eumlib.ROOMS)
def test_a_room_says_what_it_is_for_and_has_what_it_shows(name):
    room = importlib.import_module(f"eumlib.{name}")
    assert len(room.__doc__.split()) > 20
    modules = {path.stem for path in (PACKAGE / name).glob("*.py")}
    assert not modules & set(room.__all__), "a name that a module would hide"
    for shown in room.__all__:
        assert getattr(room, shown) is not None


def test_names_in_backquotes_are_there():
    for path in [*MODULES, PACKAGE / "__init__.py"]:
        for mention in set(re.findall(r"`(eumlib(?:\.\w+)+)`", source_of(path))):
            found, *rest = mention.split(".")
            found = importlib.import_module(found)
            for part in rest:
                if not hasattr(found, part):
                    importlib.import_module(f"{found.__name__}.{part}")
                found = getattr(found, part)


def test_every_module_has_a_test_file_in_the_folder_of_its_room():
    tests = Path(__file__).parent
    missing = [
        name
        for path in MODULES
        if path.stem != "__init__"
        and (name := f"{path.parent.name}/{path.stem}") not in NO_BEHAVIOUR
        and not (tests / path.parent.name / f"test_{path.stem}.py").exists()
    ]
    assert not missing


def run(code, home):
    environment = {"EUMLIB_HOME": str(home), "PATH": "", "HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, text=True, capture_output=True
    ).stdout


def test_importing_makes_nothing(tmp_path):
    modules = [f"eumlib.{path.parent.name}.{path.stem}" for path in MODULES]
    code = f"import {', '.join(m.removesuffix('.__init__') for m in modules)}, sys; "
    assert run(code + "print('umap' in sys.modules)", tmp_path / "home").strip() == "False"
    assert not (tmp_path / "home").exists()


def test_a_model_a_loss_and_a_training_load_without_faces(tmp_path):
    code = (
        "import sys; from eumlib.unmasking import EmbeddingUnmaskingModel, TripletLoss, "
        "TripletSampler, train_unmasker; from eumlib.embeddings import EmbeddingTable; "
        "print(*sys.modules)"
    )
    loaded = set(run(code, tmp_path).split())
    assert not loaded & {
        "dlib",
        "cv2",
        "onnx",
        "onnxruntime",
        "PIL",
        "plotly",
        "eumlib.faces.mtcnn",
    }


def test_importing_the_package_loads_no_room(tmp_path):
    loaded = set(run("import sys, eumlib; eumlib; print(*sys.modules)", tmp_path).split())
    assert not {name for name in loaded if name.startswith("eumlib.")} | (loaded & {"numpy"})
    assert dir(eumlib) == sorted([*eumlib.ROOMS, "__version__"])
