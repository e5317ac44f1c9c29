"""Rank by bid x quality, the quality squashed by an exponent (Lahaie & Pennock 2007): 1 in full, 0 not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEUTRAL, LEAST, MOST = 1.0, 1e-3, 1e3
USES = ("by_bidder", "exponent")


def weights(number: NDArray[np.float64], exponent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope quality ** exponent, offset 0."""
    return number**exponent, np.zeros(len(number))
