"""Bids that rise less than in proportion to the value (Zhang, Yuan & Wang 2014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, VectorisedPolicy, VisibleRequests
from ..market import MarketFacts
from ..parameters import above_0
from .prices import median_price


class ORTB1(VectorisedPolicy):
    """b = sqrt(c v / lam + c^2) - c: maximises (v / lam - b) w(b) for the win probability w(b) = b / (c + b).

    So it is exact first-price shading at the value v / ``lam``. ``c``, in currency per impression, is the bid that wins
    half of the auctions; left out, it is the median of the known price landscape. ``lam``, a pure number, is the
    multiplier of the budget: to be tuned so that it lasts, 1 where it does not bind. In a true second-price auction the
    linear bid v / lam is better at equal spend.
    """

    meant_for = ("first_price",)

    def __init__(self, c: float | None = None, lam: float = 1.0, market: MarketFacts | None = None) -> None:
        self.c = above_0("c", median_price("c", market) if c is None else c)
        self.lam = above_0("lam", lam)
        self.multiplier = 1.0 / self.lam

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The formula with x = v / lam; written as c x / (sqrt(c x + c^2) + c), which loses no digits at small x."""
        x = requests[VALUE] / self.lam
        return np.asarray(self.c * x / (np.sqrt(self.c * x + self.c**2) + self.c))


class ORTB2(ORTB1):
    """b = c (k^(1/3) - k^(-1/3)), k = (v + sqrt(c^2 lam^2 + v^2)) / (c lam), for w(b) = b^2 / (c^2 + b^2).

    Exact first-price shading at the value v / ``lam``, as with ``ORTB1``; parameters as there.
    """

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The formula; k = exp(arcsinh(v / (c lam))), so the bid is 2 c sinh(arcsinh(v / (c lam)) / 3)."""
        return np.asarray(2.0 * self.c * np.sinh(np.arcsinh(requests[VALUE] / (self.c * self.lam)) / 3.0))
