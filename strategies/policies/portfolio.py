"""A budget that moves between campaigns: each has its part and a pace of its own, and money follows what it brings."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..base import PRICE_INDEPENDENT_OF_BID, VALUE, AccountState, Feedback, VectorisedPolicy, VisibleRequests
from ..market import MarketFacts
from ..parameters import above_0, at_least_0, one_of, share
from .history import CampaignResults, longer, sums

LARGEST_MOVE = 1.0
"""A campaign's part of the money changes at most by the factor e at once, before all parts are made whole."""
LOWEST = -5.0
"""The log of the lowest multiplier of a campaign."""
PAGES = 24
"""Ages of impressions are kept to this fraction of ``move_h``."""


class Portfolio(VectorisedPolicy):
    """Bid m v, with a multiplier m for each campaign that spends the campaign's part of the budget evenly over the run.

    Campaigns are products, identified by the column of the source that shows the context; where the bidder's data do
    not show it all requests are one campaign, and the budget is one pot. All begin with the same part. log m starts at
    log ``gain`` and moves at each control step by ``ki`` e dt: e = 1 - spend / target since the last step, the target
    being what is left of the part for the requests left, and dt the share of the run, as the integral of ``PIDSpend``;
    where a daily budget binds, the parts are of what all days allow, the target is a campaign's part of what is due on
    the day, and dt the share of a day. m stays at or below ``gain``; a campaign whose part is spent does not bid.

    Every ``move_h`` the parts w of the money left move, w_c <- w_c exp(``move`` r_c / (w . r)), and are made whole again
    (the exponentiated gradient of Helmbold, Schapire, Singer & Warmuth 1998), each at least ``least`` / campaigns. r_c is what the
    last unit of money brings there: in second price it buys an impression of value v at m v, so r_c = q_c / m_c. q_c is the margin
    of the campaign's known conversions (``per='click'``: its clicks) for each unit of value won, over what it is in all campaigns;
    drawn to 1 by ``prior`` average conversions, and forgotten by half every ``memory_h``. Budgets alone are enough to reach the best
    split (Deng, Golrezaei, Jaillet, Liang & Mirrokni 2023, who learn them from what each channel returns). ``move`` = 0 leaves them.

    ``labels='corrected'`` expects of an impression only the share of conversions that usually is known at its age, learned from the
    delays of its own (``history.known_share``); ``'raw'`` expects all at once. Ages are known to a control step, and not finer than
    ``move_h`` / 24. Without a finite budget it bids ``gain`` v.
    """

    learns = True
    paces = True
    needs_budget = True
    scales = True
    meant_for = PRICE_INDEPENDENT_OF_BID

    def __init__(
        self,
        move: float = 0.5,
        move_h: float = 24.0,
        labels: str = "corrected",
        per: str = "conversion",
        memory_h: float = 72.0,
        prior: float = 5.0,
        least: float = 0.05,
        gain: float = 1.0,
        ki: float = 5.0,
        market: MarketFacts | None = None,
    ) -> None:
        self.may_read = (market.context_source if market else "context",)
        self.move, self.move_h = at_least_0("move", move), above_0("move_h", move_h)
        self.labels = one_of("labels", labels, ("corrected", "raw"))
        self.per = one_of("per", per, ("conversion", "click"))
        self.memory_h, self.prior = above_0("memory_h", memory_h), above_0("prior", prior)
        self.least, self.gain, self.ki = share("least", least), above_0("gain", gain), above_0("ki", ki)
        self._log, self._money, self._spent, self._paid, self._offered = np.empty((5, 0))
        self._seen, self._spend, self._moved_h = 0, 0.0, 0.0
        self._before: AccountState | None = None
        self._history = CampaignResults(self.move_h / PAGES)

    @property
    def split(self) -> NDArray[np.float64]:
        """Each campaign's part of the whole budget, spent and left, by code, shape (campaigns,); they sum to 1, once any was seen."""
        return self._money / max(float(self._money.sum()), 1e-300)

    @property
    def multipliers(self) -> NDArray[np.float64]:
        """The multiplier of each campaign's values, by code, shape (campaigns,)."""
        return np.asarray(self.gain * np.exp(self._log))

    @property
    def multiplier(self) -> float:
        """The mean of m over the requests seen."""
        seen = self._offered.sum()
        return float(self.multipliers @ self._offered / seen) if seen else self.gain

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value times the campaign's multiplier."""
        value = requests[VALUE]
        if not self._money.any():
            return self.gain * value
        times = np.where(
            self._spent < self._money, self.multipliers, np.where(self._offered > 0, 0.0, self.gain)
        )
        code = self._campaign(requests)
        return np.asarray(value * np.append(times, self.gain)[np.minimum(code, len(times))])

    def observe(self, feedback: Feedback) -> None:
        """Add the offers, wins and payments of each campaign, and the outcomes that became known."""
        code, value = self._campaign(feedback.requests), feedback.requests[VALUE]
        sold = feedback.conversions if self.per == "conversion" else feedback.clicks
        sold_by = self._campaign(sold.requests)
        self._grow(int(max(code.max(initial=-1), sold_by.max(initial=-1))) + 1)
        n = len(self._log)
        self._offered = self._offered + np.bincount(code, minlength=n)
        self._paid = self._paid + sums(code, feedback.price_paid, n)
        self._history.note(feedback.position, sums(code, np.where(feedback.won, value, 0.0), n))
        self._history.sold(sold, sold_by)

    def control(self, state: AccountState) -> None:
        """Pace each campaign; from time to time, move the money."""
        reported_h, n = state.hour - state.report_age_h, state.requests_reported - self._seen
        self._history.close(reported_h)
        before, self._before = self._before or state, state
        if not math.isfinite(state.budget) or n <= 0:
            return
        self._seen = state.requests_reported
        spent = self._paid * ((state.spend - self._spend) / max(self._paid.sum(), 1e-300))
        self._spend, self._paid = state.spend, np.zeros(len(self._paid))
        self._join(state.budget)
        even = n / max(state.requests_expected - self._seen + n, n)
        due = min(before.planned(n) / max(before.budget_left, 1e-300), 1.0) if state.is_renewed else even
        self._steer(spent, due, even, n / max(state.requests_expected, 1) * state.days)
        if state.is_renewed:  # what was not spent on a day is gone
            left = np.maximum(self._money - self._spent, 0.0)
            self._money = self._spent + left * (state.budget_left / max(float(left.sum()), 1e-300))
        if self.move > 0 and state.hour >= self._moved_h + self.move_h:
            self._moved_h = state.hour
            self._redistribute(state.hour)

    def _campaign(self, requests: VisibleRequests) -> NDArray[np.int64]:
        """Return the campaign of each request; one for all where the data do not show it."""
        (column,) = self.may_read
        return (
            requests[column].astype(np.int64) if column in requests else np.zeros(requests.n, dtype=np.int64)
        )

    def _grow(self, campaigns: int) -> None:
        n = max(campaigns, len(self._log))
        self._log, self._money, self._spent, self._paid, self._offered = (
            longer(part, n) for part in (self._log, self._money, self._spent, self._paid, self._offered)
        )

    def _join(self, budget: float) -> None:
        """Give each campaign that is seen for the first time an equal part of what is left."""
        here, new = self._offered > 0, (self._offered > 0) & (self._money == 0)
        if new.any():
            left = np.where(new, 0.0, np.maximum(self._money - self._spent, 0.0))
            joining = new.sum() / here.sum() if left.any() else 1.0
            part = new * (joining / new.sum()) + left * ((1.0 - joining) / max(left.sum(), 1e-300))
            self._money = self._spent + (budget - self._spent.sum()) * part

    def _steer(self, spent: NDArray[np.float64], due: float, even: float, dt: float) -> None:
        """Each campaign ``spent`` that since the last step, where ``due`` of what it had left was; ``even`` over the whole rest."""
        left = self._money - self._spent
        most, wanted = left * max(due, even), 1.0 if due >= even else due / even
        error = wanted - np.divide(spent, most, out=np.full(len(left), wanted), where=most > 0)
        self._log = np.clip(self._log + self.ki * error * dt, LOWEST, 0.0)
        self._spent = self._spent + spent

    def _redistribute(self, hour: float) -> None:
        """Move the money that is left towards where its last unit brings more."""
        here = self._offered > 0
        left = np.maximum(self._money - self._spent, 0.0)[here]
        if len(left) < 2 or left.sum() <= 0:
            return
        part = left / left.sum()
        brings = self._history.corrections(hour, self.memory_h, self.prior, raw=self.labels == "raw")
        returns = longer(brings, len(here), 1.0)[here] / self.multipliers[here]
        gain = self.move * (returns / (part @ returns) - 1.0)
        part = part * np.exp(np.clip(gain, -LARGEST_MOVE, LARGEST_MOVE))
        part = (1.0 - self.least) * part / part.sum() + self.least / len(part)
        money = self._spent.copy()
        money[here] += float((self._money - self._spent).sum()) * part
        self._money = money
