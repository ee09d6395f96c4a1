import numpy as np
import pytest

from eumlib.embeddings import MappedRows
from eumlib.embeddings.mapped_rows import ROWS_IN_PASSING, mapped_file

VALUES = np.random.default_rng(0).standard_normal((ROWS_IN_PASSING + 100, 3)).astype(np.float32)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "values"
    path.write_bytes(VALUES[:5].tobytes())
    file = mapped_file(path)
    return MappedRows([np.frombuffer(file, np.float32).reshape(-1, 3), VALUES[5:]], file)


def test_rows_come_in_the_order_asked_for_and_again_after_their_memory_was_let_go(rows):
    asked = np.random.default_rng(1).integers(0, len(VALUES), 2 * ROWS_IN_PASSING)
    for read in (rows.__getitem__, rows.read_in_passing):
        np.testing.assert_array_equal(read(asked), VALUES[asked])
        rows.let_go()
        np.testing.assert_array_equal(read(asked), VALUES[asked])


def test_joined_rows_stand_one_part_after_the_other_in_a_precision_that_holds_both(rows):
    halves = MappedRows([np.ones((2, 3), np.float16)])
    joined = MappedRows.joined(halves, rows)
    assert (len(joined), joined.dtype, joined.row_shape) == (len(VALUES) + 2, np.float32, (3,))
    np.testing.assert_array_equal(joined[[1, 2, 7]], [np.ones(3), VALUES[0], VALUES[5]])
    assert halves[[0]].dtype == np.float16
    assert rows.read_in_passing(np.empty(0, int)).shape == (0, 3)
