import pytest
from builders import both_ways, worn_table

from eumlib.embeddings import PeopleOfNobody
from eumlib.study import Material, Size, Study


@pytest.fixture(scope="session")
def material():
    return Material(
        lfw=both_ways("lfw", people=120, pictures=2),
        orl=both_ways("orl", people=12, pictures=3, seed=1),
        worn=(worn_table(people=12, pictures=4),),
        logged=None,
    )


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
