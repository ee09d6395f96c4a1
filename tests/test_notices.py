"""Licences, citation and changelog say what the package says."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import eumlib
from eumlib._common.named_files import REGISTRY
from eumlib._common.npm import NpmPackage
from eumlib._common.sources import ArchiveMember, IndexWheel

ROOT = Path(__file__).parent.parent
NOTICES = (ROOT / "NOTICES.md").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
ROWS = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", NOTICES, re.MULTILINE))


def test_the_notices_name_every_file_that_is_fetched_and_no_other():
    assert list(ROWS) == list(REGISTRY)


@pytest.mark.parametrize("name", REGISTRY)
def test_a_notice_has_the_source_and_the_licence_of_the_registry(name):
    file = REGISTRY[name]
    about, named, licence = ROWS[name].split(" | ")
    assert file.about.startswith(about)
    assert licence == file.licence
    for source, words in zip(file.sources, named.split(", or "), strict=True):
        match source:
            case IndexWheel():
                assert words == f"wheel `{source.distribution}` {source.version}"
            case NpmPackage():
                assert words == f"npm package `{source.package}` {source.version}"
            case ArchiveMember():
                assert words == f"`{source.member}` in `{source.archive}`"
            case _:
                assert words in source.url


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (newest, *_) = re.findall(r"^## ([\d.]+)", changes, re.MULTILINE)
    assert project["version"] == eumlib.__version__ == CITATION["version"] == newest
    assert project["license"] == CITATION["license"]


def test_the_citation_has_what_its_format_asks_for_and_the_paper():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["message"]
    assert CITATION["title"]
    assert CITATION["authors"]
    (paper,) = CITATION["references"]
    assert paper["type"] == "article"
    assert [author["family-names"] for author in paper["authors"]] == [
        "Boutros", "Damer", "Kirchbuchner", "Kuijper",
    ]  # fmt: skip
    assert paper["identifiers"][0]["value"] == "arXiv:2103.01716"


@pytest.mark.parametrize("name", ["NOTICES.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", text):
        assert (ROOT / link).exists(), link
