"""Rank by bid: the highest bid is first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEUTRAL, LEAST, MOST = 1.0, 1.0, 1.0
USES = ()


def weights(number: NDArray[np.float64], exponent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # noqa: ARG001
    """Slope 1, offset 0."""
    return np.ones(len(number)), np.zeros(len(number))
