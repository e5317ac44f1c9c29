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
from .visible import AccountState


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
        ledger, hour = self._ledger, now_us / HOUR_US
        spend, left, wins = ledger.spend.tolist(), ledger.left.tolist(), ledger.wins.tolist()
        asked = [self.seen] * len(spend) if self.is_always_open else self._asked.tolist()
        step, self.steps = self.steps, self.steps + 1
        for number, session in enumerate(self._sessions):
            if step % session.control_every:
                continue
            if not session.reads_account:
                session.is_stale = True  # it is asked again, as each bidder is
                continue
            allowance = self._allowances[number]
            spent, left_today = float(spend[number]) / MICROS, float(left[number]) / MICROS
            known = session.learn(Standing(now_us, asked[number], spent, sum(wins[number]), left_today))
            limits = allowance.limits(now_us, known)
            session.control(
                AccountState(
                    hour=hour,
                    horizon_h=self._horizon_h,
                    requests_seen=asked[number],
                    requests_expected=allowance.requests,
                    spend=known.spend,
                    wins=known.wins,
                    budget=allowance.total,
                    budget_left=limits.budget_left,
                    clicks=session.clicks.known,
                    conversions=session.conversions.known,
                    margin=session.conversions.margin,
                    requests_unreported=asked[number] - known.requests,
                    report_age_h=(now_us - known.at_us) / HOUR_US,
                    daily_budget=allowance.daily,
                    left_today=limits.left_today,
                    hours_left_today=limits.hours_left_today,
                    flight_hours_left=limits.flight_hours_left,
                    due_today=limits.due_today,
                    due_requests_today=limits.due_requests_today,
                )
            )

    def budgets_left(self) -> NDArray[np.float64]:
        """Return what each bidder might have spent in the whole run and did not, currency; inf where that is unlimited."""
        spend = (self._ledger.spend / MICROS).tolist()
        pairs = zip(self._allowances, spend, strict=True)
        return np.array([allowance.left_of(allowance.total, spent) for allowance, spent in pairs])
