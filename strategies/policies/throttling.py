"""Spend a budget evenly over the run by staying out of some auctions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, AccountState, VectorisedPolicy, VisibleRequests
from ..parameters import share as within_0_1
from .since import SinceControl


class Throttling(VectorisedPolicy):
    """Probabilistic throttling (Agarwal, Ghosh, Wei & You 2014): take part with probability ``share``, and bid the value.

    At each control step the spend so far is compared with the budget's part for the requests so far. Where it is higher,
    share <- share (1 - rate); otherwise share <- min(share (1 + rate), 1). ``share`` is where it starts (a slow start is a
    small one) and ``rate`` the relative change a control step; both are pure numbers from 0 to 1. It takes part where the
    column ``uniform`` lies below the share. Without a finite budget it takes part in every auction.

    Where a daily budget binds, the spend since the last step is compared with what was then left of the day's money for each of its
    requests; the share stays where nothing was spent and less than the plan was left, as the day's money is gone.
    """

    reads = (VALUE, "uniform")
    paces = True
    stochastic = True
    needs_budget = True
    scales = True

    def __init__(self, share: float = 0.5, rate: float = 0.1) -> None:
        self.share, self.rate = within_0_1("share", share), within_0_1("rate", rate)
        self._since = SinceControl()

    @property
    def multiplier(self) -> float:
        """The share of the auctions that it takes part in."""
        return self.share

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value where u < share, elsewhere nothing."""
        return np.where(requests["uniform"] < self.share, requests[VALUE], 0.0)

    def control(self, state: AccountState) -> None:
        """Compare spend with its plan."""
        if not math.isfinite(state.budget):
            self.share = 1.0
            return
        if state.is_renewed:
            n, spend, before, is_first = self._since.step(state)
            is_gone = spend <= 0 and before.pace < state.budget / max(state.requests_expected, 1)
            if n <= 0 or is_first or is_gone:
                return
            is_over = spend > before.planned(n)
        elif state.requests_reported:
            planned = state.budget * state.requests_reported / max(state.requests_expected, 1)
            is_over = state.spend > planned
        else:
            return
        self.share = min(self.share * (1.0 - self.rate if is_over else 1.0 + self.rate), 1.0)
