"""What joining is worth after its costs: net value, present value, payback, and where it breaks even.

Two budgets pay: integration, once and monthly, and fees; and, request by request, look-ups and matches. With N requests
a month, v what joining is worth per request, c what the further data costs per request, M a month and K once, a month
brings m = N (v - c) - M, from the month on in which the joined data are there. Only v and c are estimated, so each
figure that rises with m has the interval of m, carried over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .intervals import Estimate, combined, mean_interval, ratio, t_quantile
from .ladder import PROFIT, arms_by_replication
from .sides import Sides

NEVER = math.inf
GRID = 2_001
"""Points of a curve at which its interval is compared with zero."""


@dataclass(frozen=True)
class CostTerms:
    """Costs and volume. ``once`` and ``monthly`` are in currency, ``discount_rate`` is a year's.

    ``once`` is paid at the start; what a month brings, and costs, begins after ``delay_months``.
    """

    requests_per_month: float
    once: float
    monthly: float
    horizon_months: int
    discount_rate: float
    delay_months: float = 0.0

    @property
    def working_months(self) -> float:
        """Months of the horizon in which joined data are there."""
        return max(self.horizon_months - self.delay_months, 0.0)

    @property
    def fixed_per_request(self) -> float:
        """Everything that does not go by the request, spread over the months in which there is something to show for it."""
        if self.working_months == 0.0:
            return NEVER
        return (self.monthly + self.once / self.working_months) / self.requests_per_month

    @property
    def annuity(self) -> float:
        """What one unit of currency at the end of each working month, or of what is left of it, is worth today."""
        month = (1.0 + self.discount_rate) ** (1.0 / 12.0) - 1.0
        if month == 0.0:
            return float(self.working_months)
        whole = (1.0 - (1.0 + month) ** -self.horizon_months) / month
        ends = np.arange(1, self.horizon_months + 1)
        missing = np.clip(self.delay_months - (ends - 1), 0.0, 1.0) @ (1.0 + month) ** -ends.astype(float)
        return float(whole - missing)

    def payback(self, month: float) -> float:
        """Return the months until a ``month``'s gain, undiscounted, has brought back the cost; infinite where it brings nothing."""
        return self.delay_months + self.once / month if month > 0 else NEVER

    def a_month(self, value: pd.Series[float], data_cost: pd.Series[float]) -> pd.Series[float]:
        """What a month brings, before the cost of joining once: a value a replication, from what a request brings and costs."""
        return self.requests_per_month * (value - data_cost) - self.monthly


def net_rows(
    terms: CostTerms, value: pd.Series[float], data_cost: pd.Series[float], lookups: pd.Series[float]
) -> Iterator[tuple[str, str, Estimate]]:
    """Estimand, metric and estimate of everything that needs no curve.

    Args:
        terms: costs and volume.
        value: profit with joint data less that of the silo, per request; one value a replication.
        data_cost: what the further data cost per request, in currency; the same replications.
        lookups: further look-ups per request.
    """
    month, horizon = mean_interval(terms.a_month(value, data_cost)), terms.horizon_months
    working = terms.working_months / horizon
    yield "net_value", "net_value", carried(month, lambda m: m * working - terms.once / horizon)
    yield "net_value", "npv", carried(month, lambda m: m * terms.annuity - terms.once)
    yield "payback_month", "payback_month", carried(month, terms.payback)
    if lookups.mean() > 0:
        yield (
            "break_even_data_price",
            "data_price_cpm",
            ratio(1e3 * (value - terms.fixed_per_request), lookups),
        )


def rising_break_even(x: NDArray[np.float64], net: NDArray[np.float64]) -> Estimate:
    """The least x from which a rising curve is at zero or above; its first x where it is there from the start, else never.

    Args:
        x: rising, shape (points,).
        net: net value at each point, shape (replications, points); straight lines between them.

    Returns:
        The interval holds every x at which the curve is not shown to differ from zero (test inversion, as Fieller 1954).
    """
    grid, mean, low, high = _between(x, net)
    ends = (_first(grid, high >= 0.0), _first(grid, low >= 0.0))
    return Estimate(_first(grid, mean >= 0.0), *(ends if len(net) > 1 else (math.nan, math.nan)), len(net))


def falling_break_even(x: NDArray[np.float64], net: NDArray[np.float64]) -> Estimate:
    """The greatest x up to which a falling curve is at zero or above; otherwise as ``rising_break_even``.

    Infinite where it still is at the last x, -infinite where it never was.
    """
    grid, mean, low, high = _between(x, net)
    ends = (_last(grid, low >= 0.0), _last(grid, high >= 0.0))
    return Estimate(_last(grid, mean >= 0.0), *(ends if len(net) > 1 else (math.nan, math.nan)), len(net))


def carried(found: Estimate, to: Callable[[float], float]) -> Estimate:
    """Return the estimate of a monotone function of what was estimated."""
    if not found.has_interval:
        return Estimate(to(found.estimate), math.nan, math.nan, found.n)
    ends = sorted((to(found.ci_low), to(found.ci_high)))
    return Estimate(to(found.estimate), ends[0], ends[1], found.n)


def _between(x: NDArray[np.float64], net: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """A fine grid, and the curve's mean and pointwise interval there."""
    grid = np.unique(np.concatenate([np.linspace(x[0], x[-1], GRID), x]))
    fine = np.stack([np.interp(grid, x, row) for row in net])
    n, mean = len(fine), fine.mean(axis=0)
    if n < 2:
        return grid, mean, mean, mean
    reach = t_quantile(n - 1) * fine.std(axis=0, ddof=1) / math.sqrt(n)
    return grid, mean, mean - reach, mean + reach


def _first(grid: NDArray[np.float64], there: NDArray[np.bool_]) -> float:
    return float(grid[np.argmax(there)]) if there.any() else NEVER


def _last(grid: NDArray[np.float64], there: NDArray[np.bool_]) -> float:
    """The last point before the first at which it is not so."""
    if there.all():
        return math.inf
    gone = int(np.argmin(there))
    return float(grid[gone - 1]) if gone else -math.inf


def per_request(
    cells: pd.DataFrame, sides: Sides
) -> tuple[pd.Series[float], pd.Series[float], pd.Series[float]]:
    """Profit, cost of data and look-ups per request that joint has beyond the silo, a value a replication each."""
    wide = arms_by_replication(cells, sides, unit_scale=1.0)
    profit = combined(wide[PROFIT], sides.weights)
    cost, lookups = (
        combined(wide[name], sides.weights).reindex(profit.index) if name in wide else 0.0 * profit
        for name in ("data_cost", "lookups")
    )
    return profit, cost, lookups
