"""How an answer to an exercise is judged: right, or not yet, with a hint that fits the mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy

import numpy as np
import torch

Answer = Callable[..., object]
Check = Callable[[Answer], str | None]
ROUNDS = 20  # fresh cases that an answer is tried on
NO_RETURN = "Your function returns None. Does every way through it end with a return?"


def compare(
    oracle: Answer,
    draw: Callable[[np.random.Generator], tuple],
    mistakes: Mapping[Answer, str],
    otherwise: str,
    tolerance: float = 1e-4,
) -> Check:
    """A check that calls the answer on fresh random cases and expects what the oracle gives.

    Args:
        oracle: what a right answer returns for the same arguments.
        draw: from a random generator to the arguments of one case.
        mistakes: a likely wrong answer → its hint, which is given where the answer agrees with it
            in all cases.
        otherwise: the hint for all other wrong answers.
        tolerance: how far apart two numbers may be.

    Returns:
        A function from the answer to a hint, or to None where the answer is right.

    >>> check = compare(abs, lambda random: (random.normal(),), {float: "Mind the sign."}, "No.")
    >>> check(lambda x: (x * x) ** 0.5), check(lambda x: x), check(lambda x: 0)
    (None, 'Mind the sign.', 'No.')
    """

    def check(answer: Answer) -> str | None:
        random = np.random.default_rng()
        cases = [draw(random) for _ in range(ROUNDS)]
        given = []
        for case in cases:
            given.append(answer(*deepcopy(case)))
            if given[-1] is None:  # one call is enough: an answer that prints would do it each time
                return NO_RETURN

        def agrees_with(function: Answer) -> bool:
            wanted = (function(*deepcopy(case)) for case in cases)
            return all(same(*pair, tolerance) for pair in zip(given, wanted, strict=True))

        if agrees_with(oracle):
            return None
        return next((hint for mistake, hint in mistakes.items() if agrees_with(mistake)), otherwise)

    return check


def same(given: object, wanted: object, tolerance: float = 1e-4) -> bool:
    """Whether two numbers, arrays, tensors or plain objects are equal, numbers up to `tolerance`.

    >>> same([0.1 + 0.2, True], [0.3, 1]), same([0.3], 0.3), same({"a": 1}, {"a": 2})
    (True, False, False)
    """
    try:
        one, other = np.asarray(given), np.asarray(wanted)
    except (ValueError, RuntimeError):  # ragged lists; tensors that carry a gradient
        return False
    if one.dtype.kind not in "biuf" or other.dtype.kind not in "biuf":
        return bool(np.array_equal(one, other))
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-4, atol=tolerance)


def tensors(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    """The arrays as tensors of float32, to be the arguments of an answer."""
    return tuple(torch.from_numpy(array.astype(np.float32)) for array in arrays)
