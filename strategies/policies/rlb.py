"""Bidding as a dynamic programme over auctions and money left (RLB; Cai et al. 2017)."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..base import VALUE, AccountState, Feedback, VectorisedPolicy, VisibleRequests
from ..market import MarketFacts
from ..parameters import above_0, at_least_0, whole
from .prices import landscape_of

INSIDE = 0.01
"""The least distance of a bid from the next price level, in levels."""


def value_function(price: NDArray[np.float64], auctions: int, budget: int) -> NDArray[np.float64]:
    """V(t, b): the most wins to be had on average in t second-price auctions with b units of money; (auctions + 1, budget + 1).

    ``price`` holds P(price = d) for d = 0, 1, ... units. V(t, b) = V(t - 1, b) + sum over d <= b of
    P(d) max(0, 1 + V(t - 1, b - d) - V(t - 1, b)): a win is taken where it is worth more than the money.
    """
    table = np.zeros((auctions + 1, budget + 1))
    for t in range(1, auctions + 1):
        before = table[t - 1]
        short = np.concatenate([np.full(len(price) - 1, -np.inf), before])
        after = sliding_window_view(short, len(price))[:, ::-1]  # [b, d] -> V(t - 1, b - d)
        table[t] = before + np.maximum(1.0 + after - before[:, None], 0.0) @ price
    return table


class RLB(VectorisedPolicy):
    """Bid the highest price d at which winning gains: v / mean v + V(t - 1, b - d) - V(t - 1, b) >= 0 (Cai et al. 2017).

    V is the value function of ``value_function`` against the market's known landscape and floors in a second-price
    auction; it counts wins of mean value, so that this maximises value won, not profit. Money is cut into units of
    ``unit`` currency (left out: the 99 % quantile of the price over ``levels``); prices above ``levels`` units are not
    bought. The programme looks at most ``auctions`` auctions ahead, with the share of the money left that falls to
    them, and is looked up anew at each control step; where a daily budget binds both are the day's. The mean value is
    ``mean``, in currency per impression, or, left out, that of all requests shown so far; before any was, each counts
    as average. Without a budget it bids the value.
    """

    paces = True
    needs_budget = True
    meant_for = ("second_price",)

    def __init__(
        self,
        market: MarketFacts,
        mean: float | None = None,
        unit: float | None = None,
        levels: int = 128,
        auctions: int = 200,
    ) -> None:
        high = float(landscape_of(market, "rlb").quantile(np.array(0.99)))
        self.mean = None if mean is None else above_0("mean", mean)
        self.levels, self.auctions = whole("levels", levels), whole("auctions", auctions)
        self.unit = above_0("unit", high / self.levels if unit is None else unit)
        self.learns = mean is None
        ends = market.win_probability(
            np.asarray((np.arange(self.levels + 1) + 0.5) * self.unit, dtype=np.float64)
        )
        self._price = np.diff(ends, prepend=0.0)
        self._table = np.zeros((1, 1))
        self._cost: NDArray[np.float64] | None = None
        self._seen, self._total = 0, 0.0

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The highest price worth paying, of those that the money allows; between two levels as far as the value lies."""
        value = requests[VALUE]
        if self._cost is None:
            return value
        mean = self.mean if self.mean is not None else (self._total / self._seen if self._total else None)
        worth = value / mean if mean is not None else np.ones(requests.n)
        level = np.searchsorted(self._cost, worth, side="right") - 1
        ahead = np.append(np.diff(self._cost), np.inf)[level]
        part = np.clip((worth - self._cost[level]) / np.maximum(ahead, 1e-300), INSIDE, 1.0 - INSIDE)
        part = np.where(level == len(self._cost) - 1, 0.5, part)
        return np.where(value > 0, (level + part) * self.unit, 0.0)

    def observe(self, feedback: Feedback) -> None:
        """Add the values of all requests."""
        if self.learns and feedback.requests.n:
            self._total += float(feedback.requests[VALUE].sum())
            self._seen += feedback.requests.n

    def control(self, state: AccountState) -> None:
        """Look up the worth of the money left, by its amount and the number of auctions left."""
        left = state.due_requests
        if not math.isfinite(state.budget) or left <= 0:
            self._cost = None if not math.isfinite(state.budget) else np.zeros(1)
            return
        t = min(left, self.auctions)
        money = at_least_0("budget_left", max(state.due, 0.0)) * t / left / self.unit
        b = int(min(money + 1e-9, self.auctions * self.levels))
        if b >= self._table.shape[1] or t >= self._table.shape[0]:
            most = min(max(2 * b, self.levels), self.auctions * self.levels)
            self._table = value_function(self._price, min(left, self.auctions), most)
        row = self._table[t - 1]
        self._cost = row[b] - row[b - np.arange(min(b, self.levels) + 1)]
