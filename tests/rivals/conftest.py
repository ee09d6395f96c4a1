import pytest
from builders import study_material

from eumlib.study import Size


@pytest.fixture(scope="session")
def material():
    return study_material()


@pytest.fixture(scope="session")
def small():
    return Size(steps_an_epoch=2, people=60)
