"""The grid of scores: a product in float32 is no more exact, and what lies on it can be counted."""

from __future__ import annotations

import numpy as np

STEPS = 2**23  # of which 1.0 has so many
STEP = 1 / STEPS


def in_steps(cosines: np.ndarray) -> np.ndarray:
    """Cosines, an array, as whole numbers of `STEP`: int32, from −`STEPS` to `STEPS`."""
    scaled = np.multiply(cosines, np.float32(STEPS), dtype=np.float32)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -STEPS, STEPS, out=scaled).astype(np.int32)
