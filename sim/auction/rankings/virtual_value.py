"""Rank by virtual value, for values uniform on [0, high], each bidder with its own high (Myerson 1981).

The virtual value of v is v - (1 - F(v)) / f(v) = 2 v - high. Half of it is the score: the order is the same, and the slope is 1.
As no score below 0 wins, each bidder has the reserve high / 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEUTRAL, LEAST, MOST = 0.0, 0.0, 1e9
USES = ("by_bidder",)


def weights(number: NDArray[np.float64], exponent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # noqa: ARG001
    """Slope 1, offset -high / 2."""
    return np.ones(len(number)), -number / 2.0
