"""Value for money: win as much as can be had at a wanted return or cost per action, within the budget."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, VECTORISED, AccountState, Feedback, Policy, VisibleRequests
from ..parameters import above_0, at_least_0, one_of
from .linear import SECOND
from .pacing import default_step
from .since import SinceControl

LARGEST_MOVE = 1.0
"""Limit of a move of log lam at one control step, against few large steps."""


class _Coupled(Policy):
    """Bid (1 + lam) w / (lam + mu): the most of w, with E[w] >= E[p] and E[p] <= rho over the impressions won.

    The Lagrangian w + lam (w - p) - mu p is at least 0 up to that bid. lam is moved by entropic descent on what was won
    less what was paid, in units of what a request wins (or pays, if that is more), by 1 / (4 sqrt(T)) of it for T
    expected requests, or half of the mean since the last control step, if that is less. mu moves as in adaptive pacing, by the day
    where a daily budget binds.
    """

    bids_per_second = VECTORISED
    paces = True
    meant_for = SECOND

    def __init__(
        self, target: float = 1.0, lam: float = 1.0, mu: float = 0.0, gain_max: float = 10.0
    ) -> None:
        self.target = above_0("target", target)
        self.lam, self.mu = above_0("lam", lam), at_least_0("mu", mu)
        self.gain_max = above_0("gain_max", gain_max)
        self._times, self._over = 1.0, self.target  # w is v x times / over
        self._won, self._won_before = 0.0, 0.0
        self._since = SinceControl()

    @property
    def gain(self) -> float:
        """The bid as a multiple of w."""
        return min((1.0 + self.lam) / (self.lam + self.mu), self.gain_max)

    @property
    def multiplier(self) -> float:
        """The bid as a multiple of the value."""
        return self.gain * self._times / self._over

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value times the multiplier."""
        return self.multiplier * requests[VALUE]

    def control(self, state: AccountState) -> None:
        """Move both duals; ``_won`` is the w won so far."""
        since, requests = self._since.step(state), max(state.requests_expected, 1)
        if since.n <= 0:
            return
        won, self._won_before = self._won - self._won_before, self._won
        scale = max(self._won, state.spend) / state.requests_reported
        if scale > 0:
            move = (won - since.spend) / scale * min(1.0 / (4.0 * math.sqrt(requests)), 0.5 / since.n)
            self.lam *= math.exp(-min(max(move, -LARGEST_MOVE), LARGEST_MOVE))
            self.lam = min(max(self.lam, 1e-9), 1e9)
        if math.isfinite(state.budget):
            rho = state.budget / requests
            overspent = since.spend - since.planned(rho)
            self.mu = max(self.mu + default_step(rho, requests) * overspent, 0.0)


class TargetROS(_Coupled):
    """The most value at a return on spend of at least ``target``, within the budget: coupled duals.

    With w = v / R, R = ``target`` in value per currency, bid (1 + lam) w / (lam + mu): lam is the dual of the return and
    mu that of the budget, and both follow what was won, at the value it then had, and what was paid (Feng, Padmanabhan &
    Wang 2023; Lucier, Pattathil, Slivkins & Zhang 2024). ``lam`` and ``mu``, pure numbers, are where they start; lam = 1
    bids 2 w, which is right against uniform prices above all values. ``gain_max`` limits bid / w where neither binds.
    """

    learns = True
    scales = True

    def observe(self, feedback: Feedback) -> None:
        """Add up the value won."""
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
        lam: float = 1.0,
        mu: float = 0.0,
        gain_max: float = 10.0,
    ) -> None:
        super().__init__(target, lam, mu, gain_max)
        self.value_per_action = above_0("value_per_action", value_per_action)
        self.per = one_of("per", per, ("click", "conversion"))
        self._times, self._over = self.target, self.value_per_action

    def control(self, state: AccountState) -> None:
        """Move the duals by the actions known."""
        self._won = self.target * (state.clicks if self.per == "click" else state.conversions)
        super().control(state)
