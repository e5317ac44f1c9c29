"""What levels of collaboration are worth after what they cost, and which one is chosen by whom.

At level c joined data bring v(c) per request beyond the silo and cost k(c) per request in use; they take K(c) once
and M(c) a month (the IT budget) and are there after T(c) months. With N requests a month, over a horizon of H months of
which A(c) = sum over T < t <= H of the discount of month t,

    B(c) = A(c) N (v(c) - k(c)),    C(c) = K(c) + A(c) M(c),    net(c) = B(c) - C(c).

The firm's best level is argmax net. A decider that bears C and is credited with a share s of B chooses argmax s B(c) - C(c); at s = 1
the two are the same. Only v and k are estimated. A level is chosen on pilot replications that no estimate uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .intervals import Estimate, jackknife, mean_interval
from .money import NEVER, CostTerms, carried
from .multiple import critical_value


@dataclass(frozen=True)
class Level:
    """One level: its costs and volume, and per request what joined data bring beyond the silo, and cost; a value a replication."""

    level: float
    terms: CostTerms
    value: pd.Series[float]
    data_cost: pd.Series[float]

    @property
    def benefit(self) -> pd.Series[float]:
        """B: over the horizon, after what use costs; a value a replication."""
        use = self.terms.requests_per_month * (self.value - self.data_cost)
        return self.terms.annuity * use

    @property
    def cost(self) -> float:
        """C: integration and running over the horizon."""
        return self.terms.once + self.terms.annuity * self.terms.monthly


@dataclass(frozen=True)
class Choice:
    """A level chosen on pilots, and the lowest and highest that are not shown to be worse than it."""

    level: float
    low: float
    high: float
    n: int

    @property
    def estimate(self) -> Estimate:
        """Return the choice with its interval."""
        return Estimate(self.level, self.low, self.high, self.n)


def choice(pilots: Sequence[Level], levels: Sequence[Level], credit: float = 1.0) -> Choice:
    """The level at which ``credit`` x benefit - cost is greatest; of several the lowest.

    Levels are ruled out by the simultaneous (max-t) intervals of their differences to the chosen one, so that the best of
    those tried is among the others in 95 of 100 studies.
    """
    tried = _gains(pilots, credit)
    best = int(np.argmax(tried.mean(axis=0)))
    gains = _gains(levels, credit)
    differences, n = gains - gains[:, [best]], len(gains)
    if n < 2:
        return Choice(levels[best].level, math.nan, math.nan, n)
    reach = critical_value(differences) * differences.std(axis=0, ddof=1) / math.sqrt(n)
    there = np.flatnonzero(differences.mean(axis=0) + reach >= 0.0)
    return Choice(levels[best].level, levels[there[0]].level, levels[there[-1]].level, n)


def net_value(level: Level) -> Estimate:
    """net(c), in currency over the horizon."""
    return mean_interval(level.benefit - level.cost)


def payback(level: Level) -> Estimate:
    """Months until what has been brought, undiscounted, is what it has cost; never where a month brings nothing."""
    month = mean_interval(level.terms.a_month(level.value, level.data_cost))
    if level.terms.once == 0.0 and level.level == 0.0:
        return Estimate(NEVER, NEVER, NEVER, month.n)
    return carried(month, level.terms.payback)


def left_on_the_table(best: Level, chosen: Level) -> Estimate:
    """What the firm would have had more at its best level than at the one that was chosen."""
    return mean_interval((best.benefit - best.cost) - (chosen.benefit - chosen.cost))


def credit_needed(levels: Sequence[Level], best: float) -> Estimate:
    """The least share of the value that makes the bearer of the cost choose at least the ``best`` level.

    s = max over c < best of (C(best) - C(c)) / (B(best) - B(c)), with a jackknife over replications; infinite where a lower level
    brings no less.
    """
    costs = np.array([one.cost for one in levels])
    benefits = _columns([one.benefit for one in levels])
    at = [one.level for one in levels].index(best)

    def share(means: NDArray[np.float64]) -> float:
        more, dearer = means[at] - means[:at], costs[at] - costs[:at]
        if not at:
            return 0.0
        return float(np.max(np.where(more > 0, dearer / np.where(more > 0, more, 1.0), NEVER)))

    return _jackknife(benefits, share)


def break_even_volume(levels: Sequence[Level]) -> Estimate:
    """Requests a month from which some level pays over the horizon: min over c of C(c) N / B(c), with a jackknife; else never."""
    per_request = _columns([one.benefit / one.terms.requests_per_month for one in levels])
    costs = np.array([one.cost for one in levels])

    def least(means: NDArray[np.float64]) -> float:
        pays = means > 0
        return float(np.min(np.where(pays, costs / np.where(pays, means, 1.0), NEVER)))

    return _jackknife(per_request, least)


def _gains(levels: Sequence[Level], credit: float) -> NDArray[np.float64]:
    """Return each level's gain to a decider that bears the cost for that ``credit``; shape (replications, levels)."""
    return _columns([credit * one.benefit - one.cost for one in levels])


def _columns(values: Sequence[pd.Series[float]]) -> NDArray[np.float64]:
    return np.stack([one.to_numpy(dtype=np.float64) for one in values], axis=1)


def _jackknife(columns: NDArray[np.float64], of: Callable[[NDArray[np.float64]], float]) -> Estimate:
    """A function of means, with Student's interval on its delete-one values; without one where it is not finite in each."""
    n = len(columns)
    without = (columns.sum(axis=0) - columns) / max(n - 1, 1)
    return jackknife(of(columns.mean(axis=0)), np.array([of(row) for row in without]))
