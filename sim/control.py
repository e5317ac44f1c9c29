"""The control step: each bidder looks at its account and learns what became of its bids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .allowance import Allowance
from .auction.arrays import Ledger
from .bidder_session import BidderSession
from .reports import Standing
from .scenario import HOUR_US, MICROS, Scenario
from .visible import AccountState, account_state


class Control:
    """The accounts of one run. ``steps`` counts the control steps so far."""

    def __init__(
        self, scenario: Scenario, sessions: Sequence[BidderSession], ledger: Ledger, expected: int
    ) -> None:
        self._sessions, self._ledger, self._horizon_h = sessions, ledger, scenario.supply.horizon_h
        self._allowances = [Allowance(scenario, one.terms, one.budget, expected) for one in sessions]
        self.is_always_open = all(allowance.is_always_open for allowance in self._allowances)
        self._asked = np.zeros(len(sessions), dtype=np.int64)
        self.seen = self.steps = 0

    def count(self, requests: int, is_open: NDArray[np.bool_]) -> None:
        """Count requests that went to the bidders that may bid (``is_open``, shape (bidders,))."""
        self.seen += requests
        if not self.is_always_open:
            self._asked[is_open] += requests

    def step(self, now_us: int) -> None:
        """Show each bidder whose step it is its account."""
        step, self.steps = self.steps, self.steps + 1
        for number, (session, standing) in enumerate(
            zip(self._sessions, self._standings(now_us), strict=True)
        ):
            if step % session.control_every:
                continue
            known = session.learn(standing)
            if session.looks_at_account:
                session.control(self._account(number, standing, known))

    def tell(self, now_us: int) -> None:
        """Pass on to each bidder that learns what is reported by now, between two control steps."""
        standings = self._standings(now_us)
        for session, standing in zip(self._sessions, standings, strict=True):
            if session.strategy.learns:
                session.learn(standing)
                session.is_stale = True

    def finish(self, now_us: int) -> None:
        """Show each bidder its closing account, with all that it has not been told yet."""
        standings = self._standings(now_us)
        for number, session in enumerate(self._sessions):
            standing = standings[number]
            feedback = session.last_feedback(standing)
            session.finish(feedback, self._account(number, standing, standing))

    def allowance(self, number: int) -> Allowance:
        """Return what a bidder may spend."""
        return self._allowances[number]

    def requests(self, number: int) -> int:
        """Return the requests so far while a bidder might bid."""
        return self.seen if self.is_always_open else self._asked.item(number)

    def _standings(self, now_us: int) -> list[Standing]:
        ledger = self._ledger
        spend, left, wins = ledger.spend.tolist(), ledger.left.tolist(), ledger.wins.tolist()
        asked = [self.seen] * len(spend) if self.is_always_open else self._asked.tolist()
        return [
            Standing(now_us, requests, spent / MICROS, sum(won), money / MICROS)
            for requests, spent, won, money in zip(asked, spend, wins, left, strict=True)
        ]

    def _account(self, number: int, standing: Standing, known: Standing) -> AccountState:
        session, allowance, now_us = self._sessions[number], self._allowances[number], standing.at_us
        conversions = session.conversions
        left, today, hours, flight, due, requests = allowance.limits(now_us, known)
        return account_state(
            now_us / HOUR_US,
            self._horizon_h,
            standing.requests,
            allowance.requests,
            known.spend,
            known.wins,
            allowance.total,
            left,
            session.clicks.known,
            conversions.known,
            conversions.margin,
            standing.requests - known.requests,
            (now_us - known.at_us) / HOUR_US,
            allowance.daily,
            today,
            hours,
            flight,
            due,
            requests,
        )

    def budgets_left(self) -> NDArray[np.float64]:
        """Return what each bidder might have spent in the whole run and did not, currency; inf where that is unlimited."""
        spend = (self._ledger.spend / MICROS).tolist()
        pairs = zip(self._allowances, spend, strict=True)
        return np.array([allowance.left_of(allowance.total, spent) for allowance, spent in pairs])
