"""What a trained policy sees at a control step: a few scaled numbers of the bidder's own account, and of its feedback.

Each kind is made anew for a run: ``names`` has the order of its numbers, ``low`` and ``high`` their bounds, ``learns``
whether it needs feedback, ``reads`` the columns of feedback that it needs beside ``value``; ``observe`` notes feedback,
and ``look`` returns the numbers (``action`` is the mean of the last one, in [-1, 1]). ``account`` needs the account
alone, so that its bidder is asked by visible cell and no feedback is kept. ``auctionnet`` has the 16 numbers of
AuctionNet (Su et al. 2024) in their order, and needs feedback.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import SIGMA, VALUE, AccountState, Feedback

MOST = 10.0
"""Ratios and logarithms end here, so that every observation is finite."""
PER_THOUSAND = 1_000.0
WHOLE = math.log1p(PER_THOUSAND)

Vector = NDArray[np.float64]


class AccountNumbers:
    """Time, money, wins, prices and known outcomes of the bidder's own account; since the last control step, and in all.

    ``pace`` is the spend over that of an even plan, and ``spend_last`` the same since the last step. ``cost_last`` is log(1 + price of a
    win / unit) since the last step, with the budget for each expected request as the unit (without a budget: the mean price paid).
    ``clicks_last`` and ``conversions_last`` are log(1 + 1000 x) / log(1001) of those that became known for each win. The state of
    RTBGym (Kiyohara et al. 2022) has the same kinds of numbers.
    """

    names = ("time_left", "budget_left", "pace", "spend_last", "win_rate", "win_rate_last", "cost_last", "clicks_last", "conversions_last", "action", "action_change")  # fmt: skip
    low = (0.0,) * 9 + (-1.0, -2.0)
    high = (1.0, 1.0, MOST, MOST, 1.0, 1.0, MOST, 1.0, 1.0, 1.0, 2.0)
    learns = False
    reads: tuple[str, ...] = ()
    _bounds = low, high

    def __init__(self) -> None:
        self._before: AccountState | None = None
        self._action, self._reported = 0.0, 0

    def observe(self, feedback: Feedback) -> None:
        """Nothing: the account is enough."""

    def look(self, state: AccountState, action: float) -> Vector:
        """Return the 11 numbers; before the first request nothing was spent, and the pace is even."""
        before, reported = self._before, state.requests_reported
        if before is None:
            before, self._reported = state, reported
        requests = reported - self._reported
        self._before, self._reported = state, reported
        change, self._action = action - self._action, action
        wins_in_all, spend_in_all, budget = state.wins, state.spend, state.budget
        wins, spend = wins_in_all - before.wins, max(spend_in_all - before.spend, 0.0)
        even, planned = 0.0, 0.0
        if budget < math.inf:
            even = budget * reported / max(state.requests_expected, 1)
            planned = before.planned(requests) if requests > 0 else 0.0
        paid = clicks = conversions = 0.0
        if wins > 0:
            unit = money_unit(state, spend_in_all / wins_in_all)
            paid = logarithm(ratio(spend, wins * unit, 0.0))
            clicks = known(state.clicks - before.clicks, wins)
            conversions = known(state.conversions - before.conversions, wins)
        pace, pace_last = ratio(spend_in_all, even, 1.0), ratio(spend, planned, 1.0)
        win_rate, win_rate_last = ratio(wins_in_all, reported, 0.0), ratio(wins, requests, 0.0)
        shares = time_left(state), budget_left(state), pace, pace_last, win_rate, win_rate_last
        return within((*shares, paid, clicks, conversions, action, change), *self._bounds)


class AuctionNet:
    """The 16 numbers of AuctionNet's state, in its order.

    Means are of steps' means, as there. Three things differ. A bidder here cannot know the requests of the step that begins: ``current_*``
    are of the step that has ended. Money (bids, least winning costs, values) is log(1 + x / unit), with the budget for each expected
    request as the unit (without a budget: the mean value so far), and numbers of requests are shares of those expected. Conversions
    are those that became known in the step; while no conversion has become known, clicks. Where the exchange does not tell the minimum bid
    to win, least winning costs are the prices of wins.
    """

    names: tuple[str, ...] = (
        "time_left", "budget_left", "historical_bid_mean", "last_three_bid_mean", "historical_LeastWinningCost_mean", "historical_pValues_mean",
        "historical_conversion_mean", "historical_xi_mean", "last_three_LeastWinningCost_mean", "last_three_pValues_mean",
        "last_three_conversion_mean", "last_three_xi_mean", "current_pValues_mean", "current_pv_num", "last_three_pv_num_total",
        "historical_pv_num_total",
    )  # fmt: skip
    low: tuple[float, ...] = (0.0,) * 16
    high: tuple[float, ...] = (
        *(1.0, 1.0),
        *(MOST,) * 5,
        *(1.0, MOST, MOST, MOST, 1.0),
        *(MOST,) * 4,
    )
    learns = True
    reads: tuple[str, ...] = ()
    _bounds = low, high

    def __init__(self) -> None:
        self._steps: list[tuple[float, ...]] = []
        self._total = np.zeros(7)
        self._has_conversions = False

    def observe(self, feedback: Feedback) -> None:
        """Add a step: means of its bids, least winning costs, values, outcomes and wins, and its number of requests."""
        n = feedback.requests.n
        clicks, conversions = (float(found.weight.sum()) for found in (feedback.clicks, feedback.conversions))
        if not n:
            step: tuple[float, ...] = (0.0,) * 6
        else:
            columns = (feedback.bid, least_winning_cost(feedback), feedback.requests[VALUE], feedback.won)
            bid, cost, value, won = map(mean, columns)
            self._has_conversions |= conversions > 0
            step = (bid, cost, value, (conversions if self._has_conversions else clicks) / n, won, float(n))
        self._total[:6] += step
        self._total[6] += n > 0
        self._steps = [*self._steps, step][-3:]

    def look(self, state: AccountState, action: float) -> Vector:  # noqa: ARG002 - the bid says what it was
        """Return the 16 numbers; before the first request all but time and money are 0."""
        asked = self._total[6]
        all_steps = self._total[:5] / max(asked, 1.0)
        shown = [step for step in self._steps if step[5]] or [(0.0,) * 6]
        last = [sum(column) / len(shown) for column in zip(*shown, strict=True)]
        unit = money_unit(state, float(all_steps[2]))
        expected = max(state.requests_expected, 1)

        def money(amount: float) -> float:
            return logarithm(ratio(float(amount), unit, 0.0))

        numbers = (
            time_left(state), budget_left(state), money(all_steps[0]), money(last[0]), money(all_steps[1]), money(all_steps[2]),
            all_steps[3], all_steps[4], money(last[1]), money(last[2]), last[3], last[4], money(shown[-1][2]),
            shown[-1][5] / expected, sum(step[5] for step in shown) / expected, self._total[5] / expected,
        )  # fmt: skip
        return within(numbers, *self._bounds)


class AuctionNetSigma(AuctionNet):
    """The 16 numbers of ``AuctionNet``, then how sure the values are: the mean of ``value_sigma`` (AuctionNet's ``pValueSigma``).

    It is on the scale of money, over all steps and in the last one with requests.
    """

    names = (*AuctionNet.names, "historical_pValueSigmas_mean", "current_pValueSigmas_mean")
    low = (*AuctionNet.low, 0.0, 0.0)
    high = (*AuctionNet.high, MOST, MOST)
    reads = (SIGMA,)

    def __init__(self) -> None:
        super().__init__()
        self._sigma, self._sigma_last = 0.0, 0.0

    def observe(self, feedback: Feedback) -> None:
        """Add a step."""
        super().observe(feedback)
        if feedback.requests.n:
            self._sigma_last = float(feedback.requests[SIGMA].mean())
            self._sigma += self._sigma_last

    def look(self, state: AccountState, action: float) -> Vector:
        """Return the 18 numbers."""
        asked = max(self._total[6], 1.0)
        unit = money_unit(state, float(self._total[2] / asked))
        own = [logarithm(ratio(amount, unit, 0.0)) for amount in (self._sigma / asked, self._sigma_last)]
        return np.append(super().look(state, action), np.minimum(own, MOST))


OBSERVATIONS: dict[str, type[AccountNumbers | AuctionNet]] = {
    "account": AccountNumbers,
    "auctionnet": AuctionNet,
    "auctionnet_sigma": AuctionNetSigma,
}


def mean(column: NDArray[Any]) -> float:
    """Return the mean, as ``column.mean()`` is and in half the time; 0 of nothing."""
    return float(column.sum()) / len(column) if len(column) else 0.0


def least_winning_cost(feedback: Feedback) -> Vector:
    """Return the least bid that would have won each request; where the exchange does not tell it, the price of each win."""
    least = feedback.minimum_bid_to_win
    return feedback.price_paid[feedback.won] if np.isnan(least).any() else least


def within(numbers: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Vector:
    """Return the numbers, each moved to its bounds where it is beyond them, shape (n,)."""
    bounds = zip(numbers, low, high, strict=True)
    return np.array([least if x < least else min(x, most) for x, least, most in bounds], float)


def time_left(state: AccountState) -> float:
    """Return the share of the run's hours that is left."""
    horizon_h = state.horizon_h
    return (horizon_h - state.hour) / horizon_h if horizon_h > 0 else 0.0


def budget_left(state: AccountState) -> float:
    """Return the share of the budget that is left; 1 without a budget."""
    budget = state.budget
    return ratio(state.budget_left, budget, 0.0) if budget < math.inf else 1.0


def money_unit(state: AccountState, without: float) -> float:
    """Return the budget for each expected request, in currency; ``without`` a budget that."""
    finite = math.isfinite(state.budget) and state.budget > 0
    return state.budget / max(state.requests_expected, 1) if finite else without


def ratio(part: float, whole: float, otherwise: float) -> float:
    """Return part / whole; ``otherwise`` where whole is 0."""
    return part / whole if whole > 0 else otherwise


def logarithm(x: float) -> float:
    """Return log(1 + x)."""
    return math.log1p(max(x, 0.0))


def known(outcomes: float, wins: float) -> float:
    """Return log(1 + 1000 outcomes / wins) / log(1001), of one win or more."""
    return logarithm(PER_THOUSAND * (outcomes / wins)) / WHOLE if outcomes > 0 else 0.0
