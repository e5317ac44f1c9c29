"""Bids in proportion to the value."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from strategies.base import VALUE, Policy, VisibleRequests


class Truthful(Policy):
    """Bid the value: dominant in a second-price auction without a budget (Vickrey 1961)."""

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value itself."""
        return requests[VALUE]


class Linear(Policy):
    """Bid ``gain`` times the value (LIN; Perlich et al. 2012): optimal under a budget in second price if tuned.

    ``gain`` is a pure number, 0 or more.
    """

    def __init__(self, gain: float = 1.0) -> None:
        if not (math.isfinite(gain) and gain >= 0):
            raise ValueError(f"gain = {gain}: must be a finite number, 0 or more")
        self.gain = self.multiplier = float(gain)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """``gain`` x value."""
        return self.gain * requests[VALUE]
