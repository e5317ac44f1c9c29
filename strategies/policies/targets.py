"""Value for money: win as much as can be had at a wanted return or cost per action, within the budget."""

from __future__ import annotations

import math

import numpy as np

from ..base import PRICE_INDEPENDENT_OF_BID, VALUE, AccountState, Feedback
from ..market import MarketFacts
from ..parameters import above_0, at_least_0, one_of
from .fluid import FluidReturn
from .linear import Proportional
from .pacing import default_step
from .since import SinceControl

SLACK = 0.01
"""Where lam starts when the budget binds before the return: its optimum is then 0, and from here it still finds back."""
LARGEST_MOVE = 1.0
"""Limit of a move of log lam at one control step, against few large steps."""


class _Coupled(Proportional):
    """Bid (1 + lam) w / (lam + mu): the most of w, with E[w] >= E[p] and E[p] <= rho over the impressions won.

    The Lagrangian w + lam (w - p) - mu p is at least 0 up to that bid. lam is moved by entropic descent on what was won
    less what was paid, in units of what a request wins (or pays, if that is more), by 1 / (4 sqrt(T)) of it for T
    expected requests, or half of the mean since the last control step, if that is less. mu moves as in adaptive pacing, by the day
    where a daily budget binds.

    Without ``lam`` and ``mu`` they start at 1 and 0. Where prices are known it begins anew at the first control step after requests
    were shown: at the lam that meets the target on average for the values of these; or, where the budget binds before that, at the mu
    that spends it evenly.
    """

    paces = True
    meant_for = PRICE_INDEPENDENT_OF_BID

    def __init__(
        self,
        target: float = 1.0,
        lam: float | None = None,
        mu: float | None = None,
        gain_max: float = 10.0,
        market: MarketFacts | None = None,
    ) -> None:
        self.target = above_0("target", target)
        self.lam, self.mu = above_0("lam", 1.0 if lam is None else lam), at_least_0("mu", mu or 0.0)
        self.gain_max = above_0("gain_max", gain_max)
        self._start = FluidReturn.where_known(market) if lam is None and mu is None else None
        self.scales = self._start is None  # values are kept in bins of .54 %
        if self._start is not None:
            self.reads = self._start.reads
            self.learns = True  # the values to start from
        self._won, self._won_before = 0.0, 0.0
        self._since = SinceControl()

    @property
    def gain(self) -> float:
        """The bid as a multiple of w."""
        return min((1.0 + self.lam) / (self.lam + self.mu), self.gain_max)

    @property
    def multiplier(self) -> float:  # type: ignore[override]
        """The bid as a multiple of the value."""
        times, over = self._w_per_value
        return self.gain * times / over

    @property
    def _w_per_value(self) -> tuple[float, float]:
        """The numerator and the denominator of w / v."""
        return 1.0, self.target

    def observe(self, feedback: Feedback) -> None:
        """Collect the values of all requests, to start from."""
        if self._start is not None and feedback.requests.n:
            self._start.add(feedback.requests)

    def control(self, state: AccountState) -> None:
        """Move both duals; ``_won`` is the w won so far."""
        since, requests = self._since.step(state), max(state.requests_expected, 1)
        if since.n <= 0:
            return
        won, self._won_before = self._won - self._won_before, self._won
        if self._start is not None:
            times, over = self._w_per_value
            found = self._start.gain(times / over, state.pace, self.gain_max)
            self._start = None
            if found is not None:
                self._begin(*found)
                return
        scale = max(self._won, state.spend) / state.requests_reported
        if scale > 0:
            move = (won - since.spend) / scale * min(1.0 / (4.0 * math.sqrt(requests)), 0.5 / since.n)
            self.lam *= math.exp(-min(max(move, -LARGEST_MOVE), LARGEST_MOVE))
            self.lam = min(max(self.lam, 1e-9), 1e9)
        if math.isfinite(state.budget):
            rho = state.budget / requests
            overspent = since.spend - since.planned(rho)
            self.mu = max(self.mu + default_step(rho, requests) * overspent, 0.0)

    def _begin(self, gain: float, is_of_budget: bool) -> None:
        """Set both duals so that bids are ``gain`` x w, and one of them is that of a bound that does not bind."""
        if is_of_budget:
            self.lam = SLACK
            self.mu = max((1.0 + SLACK) / max(gain, 1e-9) - SLACK, 0.0)
        else:
            self.lam = min(1.0 / max(gain - 1.0, 1e-9), 1e9)


class TargetROS(_Coupled):
    """The most value at a return on spend of at least ``target``, within the budget: coupled duals.

    With w = v / R, R = ``target`` in value per currency, bid (1 + lam) w / (lam + mu): lam is the dual of the return and
    mu that of the budget, and both follow what was won, at the value it then had, and what was paid (Feng, Padmanabhan &
    Wang 2023; Lucier, Pattathil, Slivkins & Zhang 2024). ``lam`` and ``mu``, pure numbers, are where they start; lam = 1, where
    none is given, bids 2 w, which is right against uniform prices above all values; where the landscape is known the first
    values correct them. ``gain_max`` limits bid / w where neither binds.
    """

    learns = True

    def observe(self, feedback: Feedback) -> None:
        """Add up the value won."""
        super().observe(feedback)
        if feedback.requests.n:
            self._won += float(np.where(feedback.won, feedback.requests[VALUE], 0.0).sum()) / self.target


class TargetCPA(_Coupled):
    """The most actions at no more than ``target`` each on average, within the budget: coupled duals.

    The chance of an action is v / ``value_per_action``, both in currency; w is that times ``target``, and the bid
    (1 + lam) w / (lam + mu). The duals follow the actions that are known so far, and what was paid: sources,
    ``lam``, ``mu`` and ``gain_max`` as in ``TargetROS``. Actions are ``per='click'`` or ``'conversion'``. Where they become
    known late it bids low at first.
    """

    def __init__(
        self,
        target: float = 1.0,
        value_per_action: float = 1.0,
        per: str = "click",
        lam: float | None = None,
        mu: float | None = None,
        gain_max: float = 10.0,
        market: MarketFacts | None = None,
    ) -> None:
        super().__init__(target, lam, mu, gain_max, market)
        self.scales = False
        self.value_per_action = above_0("value_per_action", value_per_action)
        self.per = one_of("per", per, ("click", "conversion"))

    @property
    def _w_per_value(self) -> tuple[float, float]:
        return self.target, self.value_per_action

    def control(self, state: AccountState) -> None:
        """Move the duals by the actions known."""
        self._won = self.target * (state.clicks if self.per == "click" else state.conversions)
        super().control(state)
