import pytest
from builders import both_ways

from eumlib.study import Material, Study


@pytest.fixture(scope="module")
def material():
    return Material(
        lfw=both_ways("lfw", people=120, pictures=2),
        orl=both_ways("orl", people=12, pictures=3, seed=1),
        synthetic=both_ways("synthetic", people=60, pictures=1, seed=2),
    )


@pytest.fixture(scope="module")
def study(material):
    return Study(material, seeds=2, resamples=10)
