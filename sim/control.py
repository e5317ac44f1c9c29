"""The control step: each bidder looks at its account and learns what became of its bids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .allowance import Allowance
from .auction.arrays import Ledger
from .bidder_session import BidderSession
from .reports import Standing
from .scenario import MICROS, Scenario


class Control:
    """The accounts of one run. ``steps`` counts the control steps so far."""

    def __init__(
        self, scenario: Scenario, sessions: Sequence[BidderSession], ledger: Ledger, expected: int
    ) -> None:
        self._sessions, self._ledger = sessions, ledger
        self._every = [session.control_every for session in sessions]
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
        numbers = [number for number, every in enumerate(self._every) if not step % every]
        for number, standing in self._standings(now_us, numbers):
            session = self._sessions[number]
            known = session.learn(standing)
            if session.looks_at_account:
                account = self._allowances[number].account
                session.control(account(standing, known, session.clicks, session.conversions))

    def tell(self, now_us: int) -> None:
        """Pass on to each bidder that learns what is reported by now, between two control steps."""
        learning = [number for number, session in enumerate(self._sessions) if session.strategy.learns]
        for number, standing in self._standings(now_us, learning):
            self._sessions[number].learn(standing)
            self._sessions[number].is_stale = True

    def finish(self, now_us: int) -> None:
        """Show each bidder its closing account, with all that it has not been told yet."""
        for number, standing in self._standings(now_us, range(len(self._sessions))):
            session, account = self._sessions[number], self._allowances[number].account
            feedback = session.last_feedback(standing)
            session.finish(feedback, account(standing, standing, session.clicks, session.conversions))

    def allowance(self, number: int) -> Allowance:
        """Return what a bidder may spend."""
        return self._allowances[number]

    def requests(self, number: int) -> int:
        """Return the requests so far while a bidder might bid."""
        return self.seen if self.is_always_open else self._asked.item(number)

    def _standings(self, now_us: int, numbers: Iterable[int]) -> list[tuple[int, Standing]]:
        """Return these bidders' numbers and accounts."""
        ledger = self._ledger
        spend, left, wins = ledger.spend.tolist(), ledger.left.tolist(), ledger.wins.tolist()
        asked = [self.seen] * len(spend) if self.is_always_open else self._asked.tolist()
        return [
            (one, Standing(now_us, asked[one], spend[one] / MICROS, sum(wins[one]), left[one] / MICROS))
            for one in numbers
        ]

    def budgets_left(self) -> NDArray[np.float64]:
        """Return what each bidder might have spent in the whole run and did not, currency; inf where that is unlimited."""
        spend = (self._ledger.spend / MICROS).tolist()
        pairs = zip(self._allowances, spend, strict=True)
        return np.array([allowance.left_of(allowance.total, spent) for allowance, spent in pairs])
