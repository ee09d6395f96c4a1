import pytest
from builders import study_material

from eumlib.embeddings import PeopleOfNobody
from eumlib.study import Size, Study


@pytest.fixture(scope="session")
def material():
    return study_material()


@pytest.fixture(scope="session")
def nobody(material):
    return PeopleOfNobody.of_tables(*material.of_lfw("train"))


@pytest.fixture(scope="session")
def small():
    """A few steps on a few people."""
    return Size(steps_an_epoch=2, people=60, steps=(100, 200), draws=(30, 60))


@pytest.fixture(scope="session")
def study(material, nobody, small):
    return Study(material, nobody, 2, 10, small)
