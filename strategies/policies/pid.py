"""Feedback control: a PID controller turns the error of a measured figure into a bid multiplier (Zhang et al. 2016)."""

from __future__ import annotations

import math

from ..base import AccountState
from ..parameters import above_0, at_least_0, one_of
from .linear import Proportional
from .since import SinceControl


class _PID(Proportional):
    """Bid gain exp(phi) v, phi = kp e + ki sum of e dt + kd de/dt, cut at +- ``phi_max``; dt in shares of the run."""

    def __init__(
        self, gain: float = 1.0, kp: float = 0.1, ki: float = 5.0, kd: float = 0.0, phi_max: float = 5.0
    ) -> None:
        self.gain = above_0("gain", gain)
        self.kp, self.ki, self.kd = at_least_0("kp", kp), at_least_0("ki", ki), at_least_0("kd", kd)
        self.phi_max = above_0("phi_max", phi_max)
        self.phi = self._integral = 0.0
        self._error: float | None = None
        self._since = SinceControl()

    @property
    def multiplier(self) -> float:  # type: ignore[override]
        """Gain x exp(phi)."""
        return self.gain * math.exp(self.phi)

    def _act(self, error: float, dt: float) -> None:
        """Move phi; the integral stops where it alone would reach the limit, so that it can turn back at once."""
        slope = 0.0 if self._error is None else (error - self._error) / dt
        self._error = error
        limit = self.phi_max / self.ki if self.ki > 0 else math.inf
        self._integral = min(max(self._integral + error * dt, -limit), limit)
        phi = self.kp * error + self.ki * self._integral + self.kd * slope
        self.phi = min(max(phi, -self.phi_max), self.phi_max)


class PIDSpend(_PID):
    """Hold the rate of spending: bid gain exp(phi) v, phi from the error e = 1 - spend / target since the last control step.

    The target is what was left of the budget for each request that was still expected then, times the requests since.
    Where a daily budget binds both are those of the day (``AccountState.due``), and e is relative to the plan for all
    days where that is more: the end of a day's money is weak evidence on the bids. phi = kp e + ki sum(e dt) + kd de/dt
    (Zhang, Rong, Wang, Zhu & Wang 2016), cut at +- ``phi_max``, and 0 at the start. dt is the share of the expected
    requests that came since the last step: ``ki`` is per run, ``kd`` in runs (per day and in days where a daily budget
    binds), ``kp`` and ``gain`` are pure numbers. The defaults suit control steps that see dozens of wins each; between
    two wins e is noise. Without a finite budget phi stays 0.
    """

    paces = True
    needs_budget = True
    scales = True

    def control(self, state: AccountState) -> None:
        """Compare what was spent since the last step with the target."""
        if not math.isfinite(state.budget):
            return
        n, spend, before, _ = self._since.step(state)
        expected = max(state.requests_expected, 1)
        target = before.planned(n)
        most = max(target, state.budget / expected * n) if state.is_renewed else target
        if n > 0 and most > 0:
            self._act((1.0 if most == target else target / most) - spend / most, n / expected * state.days)


class PIDCPA(_PID):
    """Hold the cost per action: bid gain exp(phi) v, phi from the error of the cost of all actions known so far.

    e = (target n - spend) / (max(target n, spend) + target grace) for n actions, so that it lies within [-1, 1] and is 0
    where an action costs ``target``, in currency; the first ``grace`` actions' worth of money moves it little, as the first
    actions come by chance. Actions are ``per='click'`` or ``'conversion'`` (a cost per click is the paper's
    figure). phi and the other parameters as in ``PIDSpend`` (Zhang, Rong, Wang, Zhu & Wang 2016). Where actions
    become known late it bids low at first, as their cost is known and they are not. It ignores the budget.
    """

    def __init__(
        self,
        target: float = 1.0,
        per: str = "click",
        gain: float = 1.0,
        kp: float = 2.0,
        ki: float = 10.0,
        kd: float = 0.0,
        phi_max: float = 5.0,
        grace: float = 5.0,
    ) -> None:
        super().__init__(gain, kp, ki, kd, phi_max)
        self.grace = at_least_0("grace", grace)
        self.target, self.per = above_0("target", target), one_of("per", per, ("click", "conversion"))

    def control(self, state: AccountState) -> None:
        """Compare the cost of all actions so far with the target."""
        n = self._since.step(state).n
        worth = self.target * (state.clicks if self.per == "click" else state.conversions)
        most = max(worth, state.spend)
        if n > 0 and most > 0:
            self._act(
                (worth - state.spend) / (most + self.target * self.grace), n / max(state.requests_expected, 1)
            )
