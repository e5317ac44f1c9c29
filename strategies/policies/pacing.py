"""Spend a budget evenly over the run."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from strategies.base import VALUE, AccountState, Policy, VisibleRequests


class AdaptivePacing(Policy):
    """Adaptive pacing (Balseiro & Gur 2019): bid v / (1 + mu), and at each control step move mu by what was overspent.

    mu <- clip(mu + step (spend - rho n), 0, ``mu_max``), with n requests and their spend since the last step and
    rho the budget per expected request. ``mu`` is where it starts. ``step`` is per unit of currency; left out, it is
    1 / (16 rho sqrt(T)) for T expected requests, which is 1.5 / sqrt(T) at rho = 1/24. Without a budget mu is 0.
    """

    paces = True

    def __init__(self, mu: float = 0.5, step: float | None = None, mu_max: float = 1e6) -> None:
        for name, value in (("mu", mu), ("step", step), ("mu_max", mu_max)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} = {value}: must be a finite number, 0 or more")
        self.mu, self.step, self.mu_max = float(mu), step, float(mu_max)
        self._spend, self._seen = 0.0, 0

    @property
    def multiplier(self) -> float:  # type: ignore[override]
        """1 / (1 + mu)."""
        return 1.0 / (1.0 + self.mu)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value, divided by 1 + mu."""
        return requests[VALUE] / (1.0 + self.mu)

    def control(self, state: AccountState) -> None:
        """Compare spend with its target since the last step."""
        if not math.isfinite(state.budget):
            self.mu = 0.0
            return
        rho = state.budget / max(state.requests_expected, 1)
        scale = 16.0 * rho * math.sqrt(max(state.requests_expected, 1))
        step = self.step if self.step is not None else (1.0 / scale if scale > 0 else 0.0)
        overspent = (state.spend - self._spend) - rho * (state.requests_seen - self._seen)
        self.mu = min(max(self.mu + step * overspent, 0.0), self.mu_max)
        self._spend, self._seen = state.spend, state.requests_seen
