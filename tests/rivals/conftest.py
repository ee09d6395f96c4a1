import pytest
from builders import both_ways, worn_table

from eumlib.study import Material, Size


@pytest.fixture(scope="session")
def material():
    return Material(
        lfw=both_ways("lfw", people=120, pictures=2),
        orl=both_ways("orl", people=12, pictures=3, seed=1),
        worn=(worn_table(people=12, pictures=4),),
        logged=None,
    )


@pytest.fixture(scope="session")
def small():
    return Size(steps_an_epoch=2, people=60)
