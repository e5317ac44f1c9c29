"""Where a target of return starts: the gain at which it is met on average, where prices are known and values were seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, VisibleRequests
from ..market import Market
from . import bins
from .prices import PriceTable
from .shading import PricesByCode

HALVINGS = 50


class FluidReturn:
    """Second-price landscapes, and the values of all requests shown so far, won or lost."""

    def __init__(self, market: Market) -> None:
        self._prices = PricesByCode(market)
        self.reads = (VALUE, *self._prices.reads)
        self._tables = [PriceTable(part) for part in self._prices.parts]
        self._count = np.zeros((len(self._tables), bins.BINS), dtype=np.int64)
        self._total = np.zeros((len(self._tables), bins.BINS))

    @classmethod
    def where_known(cls, market: Market | None) -> FluidReturn | None:
        """Return a start in a market of second price whose landscape is known; else None."""
        known = market is not None and market.landscape is not None
        return cls(market) if known and market and market.auction_types == ("second_price",) else None

    def add(self, requests: VisibleRequests) -> None:
        """Add the values of these requests."""
        count, total = self._count.copy(), self._total.copy()
        for part, rows in self._prices.rows(requests):
            value = requests[VALUE][rows]
            count[part] += bins.count(value)
            total[part] += bins.total(value)
        self._count, self._total = count, total

    def gain(self, times: float, pace: float, most: float) -> float | None:
        """Return the greatest gain up to ``most`` at which bids gain x w win E[w] >= E[p], with w = value x ``times``.

        E[w - p] falls in a gain above 1, where it is at least 0. None before values were seen, and where a request then costs
        more than ``pace`` on average: the budget binds first.
        """
        if not self._count.any() or most <= 1.0:
            return None
        low, high = 1.0, most
        if self._means(most, times)[0] >= 0:
            low = most
        else:
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                low, high = (middle, high) if self._means(middle, times)[0] >= 0 else (low, middle)
        return low if self._means(low, times)[1] <= pace else None

    def _means(self, gain: float, times: float) -> NDArray[np.float64]:
        """Return E[w - p] and E[p] of a request, over those that are won; shape (2,)."""
        won = paid = 0.0
        for count, total, table in zip(self._count, self._total, self._tables, strict=True):
            held = count > 0
            weight, w = count[held] / self._count.sum(), total[held] / count[held] * times
            won += float(weight @ (w * np.interp(gain * w, table.bids, table.win)))
            paid += float(weight @ np.interp(gain * w, table.bids, table.paid))
        return np.array([won - paid, paid])
