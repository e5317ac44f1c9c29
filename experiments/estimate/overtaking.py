"""When one plan has brought more than another for good: from the money that each has brought by the end of every month.

With g(t) the lead of the first at the end of month t, the sum of what it has brought by then less what it has spent, less the same of the
second, it stays ahead from the first month T with g(t) > 0 for all t >= T that were looked at. Where g ends at or below zero it never
overtakes within the horizon, which is all that a simulation of that length can say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .intervals import Estimate, mean_interval
from .money import NEVER


@dataclass(frozen=True)
class Lead:
    """``gap`` is the lead in currency, shape (replications, periods); a period's end is at ``months``, shape (periods,)."""

    gap: NDArray[np.float64]
    months: NDArray[np.float64]

    def by_month(self) -> list[Estimate]:
        """The lead at the end of each period."""
        return [mean_interval(self.gap[:, number]) for number in range(self.gap.shape[1])]

    def at_the_end(self) -> Estimate:
        """The lead at the end of the horizon."""
        return mean_interval(self.gap[:, -1])

    def month(self) -> Estimate:
        """The month from which the mean lead stays above zero; infinite where it ends at or below.

        The interval reaches from the month from which the lead is not shown to be at or below zero to that from which it is shown to be
        above (the pointwise intervals of all months, inverted).
        """
        found = self.by_month()
        mean, low, high = (
            np.array([getattr(one, end) for one in found]) for end in ("estimate", "ci_low", "ci_high")
        )
        if len(self.gap) < 2:
            return Estimate(self._from(mean > 0), math.nan, math.nan, len(self.gap))
        return Estimate(self._from(mean > 0), self._from(high > 0), self._from(low > 0), len(self.gap))

    def _from(self, ahead: NDArray[np.bool_]) -> float:
        behind = np.flatnonzero(~ahead)
        first = int(behind[-1]) + 1 if len(behind) else 0
        return float(self.months[first]) if first < len(self.months) else NEVER
