"""Binder's files: what the notebooks need, as the project's own lists have it."""

import re
import tomllib
from pathlib import Path

from test_dependencies import CONDA_NAMES

from eumlib._common.named_files import REGISTRY
from eumlib._common.npm import NpmPackage
from eumlib._common.sources import ArchiveMember, WebAddress

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
POST_BUILD = (BINDER / "postBuild").read_text(encoding="utf-8")


def packages(path):
    lines = path.read_text(encoding="utf-8").partition("dependencies:")[2].splitlines()
    lines = [line.replace("      - ", "  - ") for line in lines if line and "pip:" not in line]
    return {line.partition("=")[0]: line for line in lines}


def test_its_environment_is_the_projects_without_tests_and_extras():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {line.partition(">=")[0] for line in table["dependencies"]}
    names = {f"  - {CONDA_NAMES.get(name, name)}" for name in needed}
    names |= {"  - python", "  - pip", "  - nodejs"}
    whole = packages(ROOT / "environment.yml")
    expected = {name: line for name, line in whole.items() if name in names}
    assert set(expected) == names
    torch = expected.pop("  - pytorch").replace("pytorch=", "pytorch-cpu=")  # without CUDA
    assert packages(BINDER / "environment.yml") == expected | {"  - pytorch-cpu": torch}


def test_there_is_an_npm_where_a_file_comes_by_npm():
    sources = [source for file in REGISTRY.values() for source in file.sources]
    assert any(isinstance(source, NpmPackage) for source in sources)
    for path in (ROOT / "environment.yml", BINDER / "environment.yml"):
        assert "  - nodejs" in packages(path)


def test_every_file_of_the_quick_run_is_fetched_when_the_image_is_built():
    (listed,) = re.findall(r"for name in (.*?); do", POST_BUILD, re.DOTALL)
    fetched = set(listed.replace("\\\n", " ").split())
    sources = [source for name in fetched for source in REGISTRY[name].sources]
    archives = {source.archive for source in sources if isinstance(source, ArchiveMember)}
    asked_for = {
        name
        for name, file in REGISTRY.items()
        if all(isinstance(source, WebAddress) for source in file.sources)
    }
    # dlib's recogniser is for an optional notebook, and is unpacked from what is there already.
    optional = {"dlib_face_recognition_resnet_model_v1.dat"}
    assert fetched | archives == set(REGISTRY) - asked_for - optional
    for name in optional:
        (source,) = REGISTRY[name].sources
        assert source.archive in archives


def test_lab_starts_with_the_projects_settings():
    (path,) = re.findall(r"^cp (\S+)", POST_BUILD, re.MULTILINE)
    assert (ROOT / path).is_file()
    assert (BINDER / "postBuild").stat().st_mode & 0o111
