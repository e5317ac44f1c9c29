"""Fluid-optimal pacing: the best multiplier on average, where prices are known and the law of values is."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


class FluidPacing(VectorisedPolicy):
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

    paces = True
    needs_budget = True
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

    @property
    def multiplier(self) -> float:
        """1 / (1 + mu)."""
        return 1.0 / (1.0 + self.mu)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value over 1 + mu, shaded where the auction is first price."""
        worth = requests[VALUE] / (1.0 + self.mu)
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
        low, high = 0.0, HIGHEST_LOG
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if spends(middle) > rho else (low, middle)
        return math.expm1(high)


def _payments(market: MarketFacts, *, shades: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What an impression may be worth, rising, and the mean payment, won or lost, of a bidder to whom it is worth that."""
    if not shades:
        prices = PriceTable(market)
        return prices.bids, prices.paid
    bids, _, _ = tabled(market)
    return bins.EDGES, bids * market.win_probability(bids)
