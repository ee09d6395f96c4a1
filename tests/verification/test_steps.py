import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eumlib.verification.steps import STEP, STEPS, in_steps


@given(st.floats(-1, 1, width=32))
def test_a_score_on_the_grid_is_half_a_step_aside_at_most(cosine):
    (steps,) = in_steps(np.array([cosine]))
    assert abs(steps * STEP - cosine) <= STEP / 2
    assert in_steps(np.array([steps * STEP])) == [steps]


@pytest.mark.parametrize(("cosine", "steps"), [(1.5, STEPS), (-1.5, -STEPS), (0.0, 0)])
def test_rounding_errors_do_not_leave_the_range(cosine, steps):
    found = in_steps(np.full((2, 3), cosine))
    assert found.dtype == np.int32
    assert (found == steps).all()
