"""What a bidder may spend, and on which part of the demand: the budget of the run, cut into days, flights and day parts.

The exchange holds these limits by itself (``Ledger.left``); this is what the bidder's account shows of them.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .account import AccountDraft, AccountState, Standing
from .arrivals import demand
from .opening_hours import DAY_H, changes, is_always_open
from .outcomes import Awaited
from .scenario import HOUR_US, MICROS, LogSupply, Scenario, Terms

Floats = NDArray[np.float64]


Limits = tuple[float, float, float, int]
"""What a daily budget leaves at a moment, as ``AccountState`` has it, money in currency: ``budget_left``, ``left_today``, ``due_today``,
``due_requests_today``."""


class Allowance:
    """The limits of one bidder.

    Attributes:
        total: what it may spend in the whole run, currency: its budget, or the sum of its days' if that is less; inf for no limit.
        daily: its daily budget, currency; inf for no limit.
        requests: bid requests that are expected while it may bid.
        is_always_open: whether no flight or day part keeps it from bidding.
    """

    def __init__(self, scenario: Scenario, terms: Terms, budget: float | None, requests: int) -> None:
        self._horizon_h = scenario.supply.horizon_h
        self._last_day = math.ceil(self._horizon_h / DAY_H) - 1
        self._budget = math.inf if budget is None else budget
        self.daily = math.inf if terms.daily_budget is None else terms.daily_budget
        self._is_limited, self._is_daily = budget is not None, terms.daily_budget is not None
        self.is_always_open = is_always_open(terms)
        self.total, self.requests = self._budget, requests
        if self.is_always_open and terms.daily_budget is None:
            return
        self._edges, self._hours, self._expected = _open_demand(scenario, terms, requests)
        midnights = np.arange(math.ceil(self._horizon_h / DAY_H) + 1, dtype=np.float64) * DAY_H
        self._by_day = np.diff(self._requests_by(midnights))
        if terms.daily_budget is not None:
            days = int((self._by_day > 0).sum())
            self.total = min(self._budget, round(self.daily * MICROS) * days / MICROS)
        if not self.is_always_open:
            self.requests = round(float(self._expected[-1]))

    def account(
        self, standing: Standing, known: Standing, clicks: Awaited, conversions: Awaited
    ) -> AccountState:
        """Return the account as its bidder sees it at the moment of ``standing``: made for each bidder at each control step.

        ``known`` is what has been reported to it, ``clicks`` and ``conversions`` count its outcomes. Money of today
        that was spent after that counts as left, and all of today's where that was before midnight.
        """
        at_us, seen, _, _, _ = standing
        known_us, reported, spend, wins, _ = known
        hour, end, left = at_us / HOUR_US, self._horizon_h, self._budget
        if self._is_limited:
            micros = round((left - spend) * MICROS)
            left = micros / MICROS if micros > 0 else 0.0
        ends = min((hour // DAY_H + 1.0) * DAY_H, end)
        hours_left, flight_left = ends - hour, end - hour
        if not self.is_always_open:
            done, by_midnight, by_end = self._hours_by(np.array([hour, ends, end])).tolist()
            hours_left, flight_left = by_midnight - done, by_end - done
        left_today, due, requests = left, 0.0, 0
        if self._is_daily:
            today = min(int(hour // DAY_H), self._last_day)
            left, left_today, due, requests = self._of_day(today, ends, left, known)
        draft = AccountDraft()
        draft.hour, draft.horizon_h = hour, end
        draft.requests_seen, draft.requests_expected = seen, self.requests
        draft.spend, draft.wins = spend, wins
        draft.budget, draft.budget_left = self.total, left
        draft.clicks, draft.conversions = clicks.known, conversions.known
        draft.margin = conversions.margin
        draft.requests_unreported = seen - reported
        draft.report_age_h = (at_us - known_us) / HOUR_US
        draft.daily_budget, draft.left_today = self.daily, left_today
        draft.hours_left_today, draft.flight_hours_left = hours_left, flight_left
        draft.due_today, draft.due_requests_today = due, requests
        draft.__class__ = AccountState  # type: ignore[assignment]  # both have the same slots
        return draft  # type: ignore[return-value]

    def _of_day(self, today: int, ends: float, left: float, known: Standing) -> Limits:
        """Return what is left on a day of a bidder with a daily budget, which may bid until hour ``ends`` of the run."""
        known_h = known.at_us / HOUR_US
        is_of_today = known_h >= today * DAY_H
        left_today = known.left_today if is_of_today else min(self.daily, left)
        since = max(known_h, today * DAY_H)
        weights = self._by_day[today:].copy()
        weights[0] = np.diff(self._requests_by(np.array([since, ends])))[0]
        caps = np.where(weights > 0, self.daily, 0.0)
        caps[0] = left_today if weights[0] > 0 else 0.0
        left = min(left, float(caps.sum()))
        if not self.daily < self.total:
            return left, left_today, 0.0, 0
        day = int(np.argmax(weights > 0))
        due = min(float(caps[day]), float(weights[day]) * _level(caps, weights, left))
        return left, left_today, due, int(np.ceil(weights[day] - 1e-6))

    @staticmethod
    def left_of(budget: float, spend: float) -> float:
        """What is left of a budget, in whole micros, at least 0."""
        return budget if math.isinf(budget) else max(round((budget - spend) * MICROS), 0) / MICROS

    def _requests_by(self, hours: Floats) -> Floats:
        return np.interp(hours, self._edges, self._expected)

    def _hours_by(self, hours: Floats) -> Floats:
        return np.interp(hours, self._edges, self._hours)


def _open_demand(scenario: Scenario, terms: Terms, requests: int) -> tuple[Floats, Floats, Floats]:
    """Hours of the run, and up to each the hours and the expected requests in which the bidder may bid; shape (n,) each."""
    supply = scenario.supply
    horizon_h = supply.horizon_h
    curve = (np.array([0.0, horizon_h]),) * 2 if isinstance(supply, LogSupply) else demand(supply)
    moments = [(time_us / HOUR_US, may_bid) for time_us, may_bid in changes(terms, horizon_h)]
    edges = np.unique(
        np.concatenate([np.minimum(curve[0], horizon_h), [hour for hour, _ in moments], [horizon_h]])
    )
    open_at = np.zeros(len(edges) - 1, dtype=np.bool_)
    for (hour, may_bid), (until, _) in pairwise([*moments, (horizon_h, False)]):
        open_at[np.searchsorted(edges, hour) : np.searchsorted(edges, until)] = may_bid
    mass = np.interp(edges, *curve)
    share = np.diff(mass) / max(float(mass[-1]), 1e-300)
    sums = [
        np.concatenate([[0.0], np.cumsum(np.where(open_at, part, 0.0))])
        for part in (np.diff(edges), share * requests)
    ]
    return edges, sums[0], sums[1]


def _level(caps: Floats, weights: Floats, money: float) -> float:
    """The rate r at which the sum of min(r weight, cap) is ``money``; inf where all caps together are no more than that."""
    if money >= float(caps.sum()) * (1.0 - 1e-12):
        return float("inf")
    held = weights > 0
    order = np.argsort(caps[held] / weights[held], kind="stable")
    cap, weight = caps[held][order], weights[held][order]
    full = np.concatenate([[0.0], np.cumsum(cap)[:-1]])
    rest = np.cumsum(weight[::-1])[::-1]
    rates = (money - full) / rest  # the rate where the first k caps are reached
    return float(rates[np.argmax(rates <= cap / weight)])
