"""Where a target of return or cost starts: the gain that meets it on average, where prices are known and values were seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import bins
from ..base import VALUE, VisibleRequests
from ..market import MarketFacts
from .prices import PriceTable
from .shading import PricesByCode

HALVINGS = 50


class FluidReturn:
    """Second-price landscapes, and the values of all requests shown so far, won or lost."""

    def __init__(self, market: MarketFacts) -> None:
        self._prices = PricesByCode(market)
        self.reads = (VALUE, *self._prices.reads)
        self._tables = [PriceTable(part) for part in self._prices.parts]
        self._values = bins.SeenValues(len(self._tables))

    @classmethod
    def where_known(cls, market: MarketFacts | None) -> FluidReturn | None:
        """Return a start in a market of second price whose landscape is known; else None."""
        known = market is not None and market.landscape is not None
        return cls(market) if known and market and market.auction_types == ("second_price",) else None

    def add(self, requests: VisibleRequests) -> None:
        """Add the values of these requests."""
        for part, rows in self._prices.rows(requests):
            self._values.add(part, requests[VALUE][rows])

    def gain(self, times: float, pace: float, most: float) -> tuple[float, bool] | None:
        """Return the gain at which to start, and whether the budget binds there before the return.

        Bids are gain x w, with w = value x ``times``. It is the greatest gain up to ``most`` at which E[w - p] >= 0 over what is
        won, or if a request then costs more than ``pace`` on average, the gain at which it costs that. None before values were
        seen that are worth anything, and where there is no pace to keep.
        """
        if not self._values.has_worth or most <= 1.0 or pace <= 0.0:
            return None
        gain = _last(1.0, most, lambda gain: self._means(gain, times)[0] >= 0.0)
        if self._means(gain, times)[1] <= pace:
            return gain, False
        return _last(0.0, gain, lambda gain: self._means(gain, times)[1] <= pace), True

    def _means(self, gain: float, times: float) -> tuple[float, float]:
        """Return E[w - p] and E[p] of a request, over those that are won. The first falls in a gain above 1, the second rises."""
        won = paid = 0.0
        for (weight, value), table in zip(self._values.laws(), self._tables, strict=True):
            w = value * times
            won += float(weight @ (w * np.interp(gain * w, table.bids, table.win)))
            paid += float(weight @ np.interp(gain * w, table.bids, table.paid))
        return won - paid, paid


def _last(low: float, high: float, holds: Callable[[float], bool]) -> float:
    """Return the greatest number from ``low`` to ``high`` at which something holds that holds up to there and not beyond."""
    if holds(high):
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
