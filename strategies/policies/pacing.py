"""Spend a budget evenly over the run, by a dual variable that follows what was spent."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..base import PRICE_INDEPENDENT_OF_BID, AccountState, Feedback
from ..market import MarketFacts
from ..parameters import above_0, at_least_0, one_of
from .fluid import DualPacing, FluidPacing
from .since import SinceControl


class AdaptivePacing(DualPacing):
    """Adaptive pacing (Balseiro & Gur 2019): bid v / (1 + mu), and at each control step move mu by what was overspent.

    mu <- clip(mu + step (spend - rho n), 0, ``mu_max``), with n requests and their spend since the last step and
    rho the budget per expected request. ``mu`` is where it starts. ``step`` is per unit of currency; left out, it is
    1 / (16 rho sqrt(T)) for T expected requests, which is 1.5 / sqrt(T) at rho = 1/24. Without a budget mu is 0. Where a daily
    budget binds, spend is compared with what was left of the day's money for each of the day's requests at the last step.

    ``start='fluid'``, where prices are known, begins anew at the first control step after requests were shown: at the mu that
    ``FluidPacing`` finds for the values of these, and with the rho of what is then left.
    """

    meant_for = PRICE_INDEPENDENT_OF_BID

    def __init__(
        self,
        mu: float = 0.5,
        step: float | None = None,
        mu_max: float = 1e6,
        start: str = "mu",
        market: MarketFacts | None = None,
    ) -> None:
        self.mu, self.mu_max = at_least_0("mu", mu), at_least_0("mu_max", mu_max)
        self.step = None if step is None else at_least_0("step", step)
        self.scales = step is None
        self._rho: float | None = None
        self._since = SinceControl()
        self._fluid = _fluid(one_of("start", start, ("mu", "fluid")), market, mu)
        if self._fluid is not None:
            self.reads = self._fluid.reads
            self.learns = True  # the values to start from

    def observe(self, feedback: Feedback) -> None:
        """Collect the values of all requests, to start from."""
        if self._fluid is not None:
            self._fluid.observe(feedback)

    def control(self, state: AccountState) -> None:
        """Compare spend with its target since the last step."""
        since = self._since.step(state)
        if not math.isfinite(state.budget):
            self.mu = 0.0
            return
        if self._fluid is not None and state.requests_reported:
            self._fluid.control(state)
            self.mu, self._fluid = min(self._fluid.mu, self.mu_max), None
            self._rho = state.pace
            return
        rho = state.budget / max(state.requests_expected, 1) if self._rho is None else self._rho
        step = default_step(rho, state.requests_expected) if self.step is None else self.step
        overspent = since.spend - since.planned(rho)
        self.mu = min(max(self._moved(step * overspent), 0.0), self.mu_max)

    def _moved(self, by: float) -> float:
        """Return the next mu, before it is kept within its limits."""
        return self.mu + by


class MirrorDescent(AdaptivePacing):
    """Dual mirror descent (Balseiro, Lu & Mirrokni 2020): bid v / (1 + mu); mu moves along the gradient in a mirror.

    With h the reference function, h'(mu) <- h'(mu) + step (spend - rho n), cut at ``mu_max``. ``geometry='euclid'``,
    h = mu^2 / 2, adds the step and is adaptive pacing; ``'entropy'``, h = mu log mu - mu, multiplies mu by the step's
    exponential, keeps it above 0, and must start there. Other parameters are those of ``AdaptivePacing``; the same
    ``step``, per unit of currency, is a relative one under entropy.
    """

    def __init__(
        self,
        geometry: str = "entropy",
        mu: float = 0.5,
        step: float | None = None,
        mu_max: float = 1e6,
        start: str = "mu",
        market: MarketFacts | None = None,
    ) -> None:
        super().__init__(mu, step, mu_max, start, market)
        self.geometry = one_of("geometry", geometry, tuple(MIRRORS))
        if self.geometry == "entropy":
            above_0("mu", mu)

    def _moved(self, by: float) -> float:
        there, back = MIRRORS[self.geometry]
        return back(there(self.mu) + by) if self.mu > 0 or self.geometry == "euclid" else 0.0


def _fluid(start: str, market: MarketFacts | None, mu: float) -> FluidPacing | None:
    """Return the plan that finds the mu to start from; None where ``mu`` is given."""
    if start == "mu":
        return None
    if market is None or market.landscape is None or market.auction_types != ("second_price",):
        raise ValueError(
            "start = fluid: needs second price and a price landscape (rivals.landscape); start from mu"
        )
    return FluidPacing(market, mu=mu)


MIRRORS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "euclid": (float, float),
    "entropy": (math.log, lambda x: math.exp(min(x, 700.0))),
}
"""Geometry -> (h', its inverse)."""


def default_step(rho: float, requests: int) -> float:
    """1 / (16 rho sqrt(T)) per unit of currency; 0 where there is no budget at all."""
    scale = 16.0 * rho * math.sqrt(max(requests, 1))
    return 1.0 / scale if scale > 0 else 0.0
