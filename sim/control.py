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
        self._always_open = all(allowance.is_always_open for allowance in self._allowances)
        self._asked = np.zeros(len(sessions), dtype=np.int64)
        self.seen = self.steps = 0

    def count(self, requests: int, is_open: NDArray[np.bool_]) -> None:
        """Count requests that went to the bidders that may bid (``is_open``, shape (bidders,))."""
        self.seen += requests
        if not self._always_open:
            self._asked[is_open] += requests

    def step(self, now_us: int) -> None:
        """Show each bidder whose step it is its account."""
        ledger, hour = self._ledger, now_us / HOUR_US
        spend, wins = (ledger.spend / MICROS).tolist(), ledger.wins.sum(axis=1).tolist()
        left = (ledger.left / MICROS).tolist()
        asked = [self.seen] * len(spend) if self._always_open else self._asked.tolist()
        step, self.steps = self.steps, self.steps + 1
        for number, session in enumerate(self._sessions):
            if step % session.control_every:
                continue
            allowance = self._allowances[number]
            known = session.learn(Standing(now_us, asked[number], spend[number], wins[number], left[number]))
            session.control(
                AccountState(
                    hour=hour,
                    horizon_h=self._horizon_h,
                    requests_seen=asked[number],
                    requests_expected=allowance.requests,
                    spend=known.spend,
                    wins=known.wins,
                    budget=allowance.total,
                    daily_budget=allowance.daily,
                    **allowance.limits(now_us, known)._asdict(),
                    clicks=session.clicks.known,
                    conversions=session.conversions.known,
                    margin=session.conversions.margin,
                    requests_unreported=asked[number] - known.requests,
                    report_age_h=(now_us - known.at_us) / HOUR_US,
                )
            )

    def budgets_left(self) -> NDArray[np.float64]:
        """Return what each bidder might have spent in the whole run and did not, currency; inf where that is unlimited."""
        spend = (self._ledger.spend / MICROS).tolist()
        pairs = zip(self._allowances, spend, strict=True)
        return np.array([allowance.left_of(allowance.total, spent) for allowance, spent in pairs])
