import numpy as np
import pytest
from builders import masked_table, study_material

from eumlib.embeddings import FeatureMaps, MappedRows
from eumlib.rivals import MapPairs
from eumlib.study import Size


@pytest.fixture(scope="session")
def material():
    return study_material()


@pytest.fixture(scope="session")
def small():
    return Size(steps_an_epoch=2, people=60)


@pytest.fixture(scope="session")
def maps(backbone):
    """Feature maps of four people, two pictures each, bare and in two masks: noise."""
    rows = masked_table(["a", "surgical"], people=4, pictures=2).rows
    random = np.random.default_rng(0)
    early = 3 * random.standard_normal((len(rows), 128, 14, 14))
    chips = random.integers(0, 256, (len(rows), 64, 64, 3), np.uint8)
    blocks = np.split(early.astype(np.float16), [5]), np.split(chips, [5])
    return FeatureMaps(rows, *map(MappedRows, blocks), backbone.fingerprint)


@pytest.fixture(scope="session")
def pairs(backbone, maps):
    return MapPairs(backbone.module, [maps])


@pytest.fixture(scope="session")
def recogniser(backbone):
    return backbone.module
