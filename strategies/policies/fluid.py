"""What is best on average where prices are known and the law of values is: the multiplier of a budget, the gain that meets a return."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .. import bins
from ..base import VALUE, AccountState, Feedback, VectorisedPolicy, VisibleRequests
from ..market import MarketFacts
from ..parameters import at_least_0, one_of
from .prices import PriceTable, landscape_of
from .shading import PricesByCode, tabled

HIGHEST_LOG = math.log(1e9)
HALVINGS = 60
HALVINGS_OF_GAINS = 50


class DualPacing(VectorisedPolicy):
    """Bid v / (1 + ``mu``), the dual variable of the budget."""

    paces = True
    needs_budget = True
    mu: float

    @property
    def multiplier(self) -> float:
        """1 / (1 + mu)."""
        return 1.0 / (1.0 + self.mu)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value, divided by 1 + mu."""
        return requests[VALUE] / (1.0 + self.mu)


class FluidPacing(DualPacing):
    """Bid as if an impression were worth v / (1 + mu), with mu solving the fluid dual, min E[u(v, mu)] + mu rho.

    At the solution E[spend a request] = rho, or mu = 0 where that leaves money over. In second price the bid is v / (1 + mu)
    itself, in first price its best response to the landscape (``Shading``). With v and p both U[0, 1] in second price,
    1 / (1 + mu) = sqrt(6 rho): value sqrt(6 rho) / 3 (Balseiro, Besbes & Weintraub 2015, Balseiro & Gur 2019).

    The landscape is the market's, floors included, and where prices depend on the context that given what the bidder sees of
    the context. The law of values is ``values``, equally likely amounts in currency
    per impression, if they are given; then nothing is learned. Otherwise it is that of all requests shown so far, won
    or lost, as they were valued when they came. The dual is solved anew at each control step for what is left of the
    budget and of the expected requests (``plan='rest'``; of the day's where a daily budget binds), or for the whole of both
    (``'whole'``). Until values are known mu is ``mu``. Without a budget it is 0.
    """

    meant_for = ("first_price", "second_price")

    def __init__(
        self, market: MarketFacts, values: Sequence[float] | None = None, mu: float = 0.5, plan: str = "rest"
    ) -> None:
        landscape_of(market, "fluid pacing")
        if market.auction_types not in {("first_price",), ("second_price",)}:
            types = ", ".join(market.auction_types)
            raise ValueError(
                f"fluid pacing knows markets of first_price or of second_price alone, not of {types}"
            )
        self.mu, self.plan = at_least_0("mu", mu), one_of("plan", plan, ("rest", "whole"))
        self._shades, self.learns = market.auction_types == ("first_price",), values is None
        self._prices = PricesByCode(market if self.learns else replace(market, context="", by_code=()))
        self.reads = (VALUE, *self._prices.reads)
        self._payments = [_payments(part, shades=self._shades) for part in self._prices.parts]
        self._values = bins.SeenValues(len(self._payments))
        if values is not None:
            self._values.add(0, np.array([at_least_0("values", value) for value in values]))
            if not self._values.has_values:
                raise ValueError("values = []: must hold an amount at least, or be left out")

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value over 1 + mu, shaded where the auction is first price."""
        worth = super().bid(requests)
        return self._prices.shaded(requests, worth) if self._shades else worth

    def observe(self, feedback: Feedback) -> None:
        """Add the values of all requests."""
        if self.learns and feedback.requests.n:
            for part, rows in self._prices.rows(feedback.requests):
                self._values.add(part, feedback.requests[VALUE][rows])

    def control(self, state: AccountState) -> None:
        """Solve for mu, where values are known and requests are left."""
        if not math.isfinite(state.budget):
            self.mu = 0.0
            return
        if self.plan == "rest":
            money, requests = state.due, state.due_requests
        else:
            money, requests = state.budget, state.requests_expected
        if requests > 0 and self._values.has_values:
            self.mu = self._solve(money / requests)

    def _solve(self, rho: float) -> float:
        """The least mu >= 0 at which a request costs no more than rho on average, by bisection on log(1 + mu)."""
        laws = list(zip(self._values.laws(), self._payments, strict=True))

        def spends(log: float) -> float:
            low = math.exp(-log)
            return sum(float(weight @ np.interp(value * low, *paid)) for (weight, value), paid in laws)

        if spends(0.0) <= rho:
            return 0.0
        return math.expm1(_halved(0.0, HIGHEST_LOG, lambda log: spends(log) > rho, HALVINGS)[1])


def _payments(market: MarketFacts, *, shades: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What an impression may be worth, rising, and the mean payment, won or lost, of a bidder to whom it is worth that."""
    if not shades:
        prices = PriceTable(market)
        return prices.bids, prices.paid
    bids, _, _ = tabled(market)
    return bins.EDGES, bids * market.win_probability(bids)


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
    return high if holds(high) else _halved(low, high, holds, HALVINGS_OF_GAINS)[0]


def _halved(low: float, high: float, holds: Callable[[float], bool], times: int) -> tuple[float, float]:
    """Return two numbers between which something ceases to hold that holds at ``low``, by bisection."""
    for _ in range(times):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
