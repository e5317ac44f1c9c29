"""Bid less than the value where the winner pays its own bid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.auction.mechanisms import MECHANISMS
from sim.scenario import MICROS
from strategies.base import VALUE, Policy, VisibleRequests
from strategies.market import Market

GRID = 65
ROWS_AT_ONCE = 4096
"""The grids of so many rows fit into a processor's cache; those of a million would take gigabytes."""
ROUNDS = 4
SMALLEST_BID = 1.0 / MICROS
"""0 is no bid: where most impressions are free, this one wins them."""


class Shading(Policy):
    """The best response to a known price landscape: argmax over b of (v - b) P(win | b), b <= v.

    In a first-price auction that is b* = v - F(b*) / f(b*), found by a grid search that narrows four times (each round
    64-fold, so to some 1e-7 of v). In a second-price or VCG auction no shading is due, and it bids the value; in a mixed
    market it goes by each request's auction type.
    """

    meant_for = ("first_price", "second_price", "vcg")

    def __init__(self, market: Market) -> None:
        if "soft_floor" in market.auction_types:
            raise ValueError("shading knows no soft floors: choose another strategy (truthful, linear)")
        if "first_price" in market.auction_types and market.landscape is None:
            raise ValueError(
                "shading needs a price landscape: set rivals.landscape, or choose another strategy (truthful, linear)"
            )
        self._market = market
        self._mixed = len(market.auction_types) > 1
        if self._mixed:
            self.reads = (VALUE, "at")

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value, shaded where the auction is first price."""
        value = requests[VALUE]
        if "first_price" not in self._market.auction_types:
            return value
        if not self._mixed:
            return self._shaded(value)
        return np.where(requests["at"] == MECHANISMS["first_price"], self._shaded(value), value)

    def _shaded(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The best bids in a first-price auction; shape as ``value``."""
        best = np.empty_like(value)
        for start in range(0, len(value), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            best[rows] = self._search(value[rows])
        return best

    def _search(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The grid search for some rows."""
        low, width = (
            np.minimum(self._market.hard_floor, value),
            np.maximum(value - self._market.hard_floor, 0.0),
        )
        best = low
        for _ in range(ROUNDS):
            bids = low[:, None] + width[:, None] * np.linspace(0.0, 1.0, GRID)
            gain = (value[:, None] - bids) * self._market.win_probability(bids)
            best = np.take_along_axis(bids, np.argmax(gain, axis=1)[:, None], axis=1)[:, 0]
            step = width / (GRID - 1)
            low = np.maximum(best - step, np.minimum(self._market.hard_floor, value))
            width = np.minimum(best + step, value) - low
        answer: NDArray[np.float64] = np.maximum(best, np.minimum(SMALLEST_BID, value))
        return answer
