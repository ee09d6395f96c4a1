import threading
import time

import pytest
from threadpoolctl import threadpool_info

from eumlib._common.spreading import over_threads


def scaled(factor, piece):
    time.sleep(0.01 * (piece == 0))
    return factor * piece


def test_every_piece_is_done_once_with_what_all_share():
    assert sorted(over_threads(scaled, (3,), range(20), "scaling")) == [3 * n for n in range(20)]


def test_the_threads_share_the_cores_among_themselves():
    def blas_threads(_piece):
        return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}

    before = blas_threads(None)
    assert list(over_threads(blas_threads, (), range(2), "asking")) == [{1}, {1}]
    assert blas_threads(None) == before


def test_an_error_in_a_piece_comes_out_and_the_rest_is_not_begun():
    begun = []

    def fails(piece):
        begun.append(piece)
        time.sleep(0.01)
        raise OSError(f"piece {piece}")

    with pytest.raises(OSError, match="piece"):
        list(over_threads(fails, (), range(500), "failing"))
    assert len(begun) < 400
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
