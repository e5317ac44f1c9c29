"""The control step: each bidder looks at its account and learns what became of its bids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .account import Standing
from .allowance import Allowance
from .auction.arrays import Ledger
from .bidder_session import BidderSession
from .counting import Counting
from .scenario import MICROS, Scenario

made = tuple.__new__
"""Makes a named tuple with a single call."""


class Control:
    """The accounts of one run. ``steps`` counts the control steps so far."""

    def __init__(
        self,
        scenario: Scenario,
        sessions: Sequence[BidderSession],
        ledger: Ledger,
        counting: Counting,
        expected: int,
    ) -> None:
        self._sessions, self._ledger, self._counting = sessions, ledger, counting
        self._allowances = [Allowance(scenario, one.terms, one.budget, expected) for one in sessions]
        self._accounts = [one.account for one in self._allowances]
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
        self._counting.take(now_us, step)
        for number, session, standing in self._standings(now_us, step):
            known = standing if session.is_prompt else session.hear(standing)
            if session.looks_at_account:
                session.control(self._accounts[number](standing, known, session.clicks, session.conversions))

    def tell(self, now_us: int) -> None:
        """Pass on to each bidder that learns what is reported by now, between two control steps."""
        for _, session, standing in self._standings(now_us):
            if session.strategy.learns:
                session.hear(standing)

    def count_outcomes(self, now_us: int) -> None:
        """Count the clicks and conversions that are known by now, which then need not be kept, where no bidder asks for them."""
        self._counting.take(now_us)
        for _, session, standing in self._standings(now_us):
            session.hear(standing)

    def close_accounts(self, now_us: int) -> None:
        """Show each bidder its closing account, with all that it has not received yet."""
        self._counting.take(now_us)
        for number, session, standing in self._standings(now_us):
            account = self._allowances[number].account
            feedback = session.feedback.hear_rest(standing)
            session.finish(feedback, account(standing, standing, session.clicks, session.conversions))

    def allowance(self, number: int) -> Allowance:
        """Return what a bidder may spend."""
        return self._allowances[number]

    def requests(self, number: int) -> int:
        """Return the requests so far while a bidder might bid."""
        return self.seen if self.is_always_open else self._asked.item(number)

    def _standings(self, now_us: int, step: int = 0) -> list[tuple[int, BidderSession, Standing]]:
        """Return the bidders whose control step it is, by number, and their accounts; all of them at step 0."""
        ledger, found = self._ledger, []
        spend, left, wins = ledger.spend.tolist(), ledger.left.tolist(), ledger.wins.tolist()
        seen = self.seen
        asked = None if self.is_always_open else self._asked.tolist()
        for number, session in enumerate(self._sessions):
            if step % session.control_every:
                continue
            requests = seen if asked is None else asked[number]
            account = now_us, requests, spend[number] / MICROS, sum(wins[number]), left[number] / MICROS
            found.append((number, session, made(Standing, account)))
        return found

    def budgets_left(self) -> NDArray[np.float64]:
        """Return what each bidder might have spent in the whole run and did not, currency; inf where that is unlimited."""
        pairs = zip(self._allowances, self._ledger.spend.tolist(), strict=True)
        return np.array([one.left_of(one.total, spent / MICROS) for one, spent in pairs])
