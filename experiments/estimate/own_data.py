"""From bought data to one's own: when to switch, whether to build at all, and when that has paid for itself.

In month t own data, built up so far, bring g(t) more than bought data, after what each costs in use. Building costs K once and M a
month. A firm that builds from month 0 and uses what it has built from month s on has, over a horizon of H months with discounts d(t),

    J(s) = -K - sum over t of d(t) M + sum over t >= s of d(t) g(t).

Only g is estimated. As g rises, the best s is the first month with g >= 0; where J(s) <= 0 it is best never to build.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .intervals import Estimate, mean_interval, ratio
from .money import NEVER, CostTerms, rising_break_even


@dataclass(frozen=True)
class Switching:
    """What own data bring more than bought ones, month by month, and what building them costs.

    ``gains`` are in currency, shape (replications, months of the horizon).
    """

    gains: NDArray[np.float64]
    terms: CostTerms

    @property
    def _discounts(self) -> NDArray[np.float64]:
        ends = np.arange(1, self.gains.shape[1] + 1)
        return np.asarray((1.0 + self.terms.discount_rate) ** (-ends / 12.0), dtype=np.float64)

    def worth(self, month: int) -> NDArray[np.float64]:
        """J(month), a value a replication; a month beyond the horizon: built and never used."""
        discounted = self.gains * self._discounts
        cost = self.terms.once + self.terms.monthly * float(self._discounts.sum())
        return np.asarray(discounted[:, month - 1 :].sum(axis=1) - cost, dtype=np.float64)

    def best_month(self) -> int:
        """The month from which own data are used, by the mean of these replications; where that is never, beyond the horizon."""
        better = self.gains.mean(axis=0) >= 0.0
        return int(np.argmax(better)) + 1 if better.any() else self.gains.shape[1] + 1

    def net_value(self, month: int) -> Estimate:
        """J(month), in currency."""
        return mean_interval(self.worth(month))

    def switch_month(self) -> Estimate:
        """The time of the switch in months; infinite where own data never bring more, or never bring back what they cost.

        Its interval holds all times at which g is not shown to differ from zero, and "never" unless J is shown to be above zero.
        """
        months = np.arange(1.0, self.gains.shape[1] + 1.0)
        when, net = rising_break_even(months, self.gains), self.net_value(self.best_month())
        estimate = when.estimate if net.estimate > 0 else NEVER
        if not net.has_interval:
            return Estimate(estimate, math.nan, math.nan, net.n)
        low = when.ci_low if net.ci_high > 0 else NEVER
        return Estimate(estimate, low, when.ci_high if net.ci_low > 0 else NEVER, net.n)

    def payback(self, month: int) -> Estimate:
        """Months until building has paid for itself, undiscounted; infinite where that is not within the horizon."""
        count = self.gains.shape[1]
        used = np.where(np.arange(1, count + 1) >= month, self.gains, 0.0)
        so_far = np.cumsum(used - self.terms.monthly, axis=1) - self.terms.once
        return rising_break_even(np.arange(1.0, count + 1.0), so_far)

    def break_even_volume(self, month: int) -> Estimate:
        """Requests a month from which building pays, all else equal: what it costs over what a request then brings (jackknife)."""
        free = replace(self, terms=replace(self.terms, once=0.0, monthly=0.0))
        brings = free.worth(month) / self.terms.requests_per_month
        if brings.mean() <= 0:
            return Estimate(NEVER, NEVER, NEVER, len(brings))
        return ratio(-self.worth(self.gains.shape[1] + 1), brings)
