"""Changes of an account since the last control step."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ..base import AccountState


class Since(NamedTuple):
    """Requests and spend (currency) since the last control step, and the account as it stood ``before``."""

    n: int
    spend: float
    before: AccountState
    is_first: bool

    def planned(self, rho: float) -> float:
        """Return what these requests were to cost: ``rho`` each, or the day's plan where a daily budget binds."""
        has_day = not self.is_first and self.before.is_renewed
        return self.before.planned(self.n) if has_day else rho * self.n


class SinceControl:
    """Compare an account with that of the last control step; at the first one, with that of the start of the run."""

    def __init__(self) -> None:
        self._before: AccountState | None = None

    def step(self, state: AccountState) -> Since:
        """Return what happened since the last call."""
        before, self._before = self._before, state
        is_first = before is None
        if before is None:
            before = replace(
                state, requests_seen=0, requests_unreported=0, spend=0.0, budget_left=state.budget
            )
        shown = state.requests_seen - state.requests_unreported
        n = shown - (before.requests_seen - before.requests_unreported)
        return tuple.__new__(Since, (n, state.spend - before.spend, before, is_first))
