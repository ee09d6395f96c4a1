"""Any spread does for stripes."""

import subprocess
import sys

import numpy as np
from builders import coarse_views

from eumlib._common.spreading import over_threads
from eumlib.verification import ON_ALL_CORES, Comparison, StripeCounter


def test_stripes_may_be_counted_anywhere_in_any_order():
    def backwards(work, given, pieces, what):
        return reversed(list(over_threads(work, given, pieces, what)))

    one = coarse_views(1, 2_000)
    sides, edges = Comparison(one, one).sides(np.arange(9)), np.array([-5, 0, 5])
    here, there = (
        counter.tally(sides, edges) for counter in (ON_ALL_CORES, StripeCounter(backwards))
    )
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one, other)


def test_neither_compiled_loops_nor_torch_are_loaded_before_they_count():
    code = (
        "import sys; from eumlib.verification import Comparison, StripeCounter; print(*sys.modules)"
    )
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not loaded & {
        "numba",
        "eumlib.verification.counting",
        "eumlib.verification.gpu_counting",
    }
