"""Estimates with intervals, where the unit of randomness is the replication.

Arms of one replication meet the same market (common random numbers), so two arms are compared pair by pair:
the interval of a difference is Student's t on the pairs, that of a ratio a jackknife on the pairs. A percentile
bootstrap is not used: at ten replications it covers too rarely.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEVEL = 0.95
"""Confidence level of every interval."""

POWER = 0.8
"""Of the differences that are called detectable."""

ROUNDING = 1e-12
"""Differences below this share of what is compared are rounding errors of sums, and count as zero."""

Finding = Literal["positive", "negative", "no difference shown", "no interval"]
Values = pd.Series | Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate and its 95 % interval.

    Attributes:
        estimate: the point estimate; nan without one.
        ci_low: lower end of the interval; nan without one (fewer than two replications).
        ci_high: upper end.
        n: replications used; for a comparison, those that every arm of it completed.
    """

    estimate: float
    ci_low: float
    ci_high: float
    n: int

    @property
    def has_interval(self) -> bool:
        """Whether both ends are known."""
        return math.isfinite(self.ci_low) and math.isfinite(self.ci_high)

    @property
    def finding(self) -> Finding:
        """What may be said: a sign only where the interval excludes zero."""
        if not (math.isfinite(self.estimate) and self.has_interval):
            return "no interval"
        if self.ci_low > 0:
            return "positive"
        return "negative" if self.ci_high < 0 else "no difference shown"

    def times(self, factor: float) -> Estimate:
        """Return it in a unit of which this is a part, with its interval; the factor is positive."""
        return Estimate(factor * self.estimate, factor * self.ci_low, factor * self.ci_high, self.n)

    @property
    def standard_error(self) -> float:
        """Of the estimate, as its interval has it; nan without one."""
        return (self.ci_high - self.ci_low) / 2 / t_quantile(self.n - 1) if self.n > 1 else math.nan

    @property
    def p_value(self) -> float:
        """Two-sided, for a truth of zero: below .05 where the interval excludes zero; nan without an interval."""
        from scipy.special import stdtr

        if not self.has_interval or self.n < 2:
            return math.nan
        towards_zero = self.ci_low if self.estimate > 0 else self.ci_high
        error = abs(self.estimate - towards_zero) / t_quantile(self.n - 1)
        if error == 0.0:
            return float(self.estimate == 0.0)
        return float(2.0 * stdtr(self.n - 1, -abs(self.estimate) / error))

    @property
    def detectable(self) -> float:
        """The difference that as many replications, with this spread, would show with 80 % power; nan without an interval.

        The noncentral t distribution has a fifth of its mass below the critical value (Cohen 1988).
        """
        from scipy.special import nctdtrinc

        if not math.isfinite(self.standard_error):
            return math.nan
        return float(nctdtrinc(self.n - 1, 1.0 - POWER, t_quantile(self.n - 1))) * self.standard_error


def mean_interval(values: Values) -> Estimate:
    """Mean of replications with Student's t interval.

    Args:
        values: one value a replication; nan marks a missing one and is left out, and `n` says so.
    """
    known = _array(values)
    known = known[~np.isnan(known)]
    if known.size == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    if np.all(known == known[0]):  # exact, where the mean of equal numbers would be rounded
        return _around(float(known[0]), 0.0, known.size)
    return _around(float(known.mean()), float(known.std(ddof=1)) / math.sqrt(known.size), known.size)


def least(found: Sequence[Estimate]) -> Estimate:
    """The least of several means, the first of which was expected to be it, beforehand and on other replications.

    The estimate and the upper end are the first one's, as the least is at most that; the lower end is the lowest of all. Each
    end is missed at most 2.5 times in 100, also where the expectation was wrong: above, as the first mean is at least the
    least; below, as the least one's own end is among them (Berger's intersection-union, 1982). Where one mean is clearly the
    least, this is its own interval.
    """
    first = found[0]
    lows = [one.ci_low for one in found if one.has_interval]
    return replace(first, ci_low=min(lows)) if first.has_interval else first


def greatest(found: Sequence[Estimate]) -> Estimate:
    """The greatest of several means, the first of which was expected to be it: as ``least``, with both ends exchanged."""
    first = found[0]
    highs = [one.ci_high for one in found if one.has_interval]
    return replace(first, ci_high=max(highs)) if first.has_interval else first


def paired_difference(a: Values, b: Values) -> Estimate:
    """Mean of `a - b` over pairs, with Student's t interval on the pairs.

    Args:
        a: one value a replication; two Series are paired by their index (the replication), else by position.
        b: the same for the arm compared with.

    Raises:
        ValueError: sequences of different lengths, or a Series with a replication twice.
    """
    return contrast(_pairs(a, b), {"a": 1.0, "b": -1.0})


def contrast(wide: pd.DataFrame, weights: Mapping[str, float]) -> Estimate:
    """Weighted sum of arms, paired by replication, with Student's t interval.

    Args:
        wide: one row a replication and one column an arm; rows where a needed arm is nan are left out.
        weights: weight of each arm in the sum; `{"joint": 1, "none": -1}` is a difference.
    """
    return mean_interval(combined(wide, weights))


def combined(wide: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    """The weighted sum of arms in each replication that has all of them; what is mere rounding is zero.

    Args:
        wide: one row a replication and one column an arm.
        weights: weight of each arm in the sum.
    """
    complete = wide[list(weights)].dropna()
    terms = complete.to_numpy(np.float64) * np.array(list(weights.values()), dtype=np.float64)
    sums = terms.sum(axis=1)
    sums[np.abs(sums) <= ROUNDING * np.abs(terms).max(axis=1, initial=0.0)] = 0.0
    return pd.Series(sums, index=complete.index)


def percent_difference(a: Values, b: Values) -> Estimate:
    """100 (mean(a) - mean(b)) / mean(b) over pairs, with a jackknife interval (delete one pair, Student's t).

    Nan where mean(b) is zero or negative: a percentage of a loss means nothing. The interval alone is nan
    where leaving out a single pair makes it so, because then the sign of the denominator is not known.
    """
    pairs = _pairs(a, b).dropna().to_numpy(np.float64)
    difference = pairs[:, 0] - pairs[:, 1]
    difference[np.abs(difference) <= ROUNDING * np.abs(pairs).max(axis=1, initial=0.0)] = 0.0
    return ratio(100.0 * difference, pairs[:, 1])


def ratio(above: Values, below: Values) -> Estimate:
    """mean(above) / mean(below) over pairs, with a jackknife interval; nan as in `percent_difference`."""
    pairs = _pairs(above, below).dropna().to_numpy(np.float64)
    n = len(pairs)
    if n == 0 or pairs[:, 1].mean() <= 0:
        return Estimate(math.nan, math.nan, math.nan, n)
    estimate = float(pairs[:, 0].mean() / pairs[:, 1].mean())
    if n == 1:
        return Estimate(estimate, math.nan, math.nan, n)
    others = (pairs.sum(axis=0) - pairs) / (n - 1)
    if np.any(others[:, 1] <= 0):
        return Estimate(estimate, math.nan, math.nan, n)
    return jackknife(estimate, others[:, 0] / others[:, 1])


def jackknife(estimate: float, without: NDArray[np.float64]) -> Estimate:
    """Return an estimate with Student's interval from its values ``without`` each replication in turn, shape (n,)."""
    n = len(without)
    if n < 2 or not (math.isfinite(estimate) and np.isfinite(without).all()):
        return Estimate(estimate, math.nan, math.nan, n)
    return _around(estimate, math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum())), n)


def percent_values(a: Values, b: Values) -> pd.Series:
    """One value a replication, whose mean with Student's t is `percent_difference`: that estimate plus what the pair moves it by.

    They are the jackknife's pseudo-values (Tukey 1958), put round the estimate itself: so a percentage can be averaged, and
    banded along a curve, like any other metric. Empty where `percent_difference` has no interval.
    """
    pairs = _pairs(a, b).dropna()
    found, n = percent_difference(pairs["a"], pairs["b"]), len(pairs)
    if not found.has_interval:
        return pd.Series(dtype=np.float64)
    others = (pairs.sum() - pairs) / (n - 1)
    without = 100.0 * (others["a"] - others["b"]) / others["b"]
    return found.estimate + (n - 1) * (without.mean() - without)


def required_replications(pilot_differences: Values, half_width: float) -> int:
    """Replications, none of them the pilot's, whose mean is within `half_width` of the truth with 95 % confidence.

    Stein's two-stage rule (1945): the pilot's standard deviation and its own degrees of freedom, so that this holds
    exactly for normal differences and not merely on average. At least as many as the pilot had. The pilot stays out of
    the estimate: replications that have decided on their own number give an interval that covers less often than 95 %.

    Args:
        pilot_differences: paired differences of a pilot, one a replication, at least two.
        half_width: wanted half-width, in the unit of the differences.

    Raises:
        ValueError: a pilot of fewer than two known differences, or a half-width that is not positive.
    """
    known = _array(pilot_differences)
    known = known[~np.isnan(known)]
    if known.size < 2:
        raise ValueError(f"a pilot needs at least 2 paired differences, and has {known.size}")
    if not (half_width > 0 and math.isfinite(half_width)):
        raise ValueError(f"half_width must be a positive number, and is {half_width}")
    reach = t_quantile(known.size - 1) * float(known.std(ddof=1))
    return max(known.size, math.ceil((reach / half_width) ** 2))


def _around(estimate: float, standard_error: float, n: int) -> Estimate:
    if n < 2:
        return Estimate(estimate, math.nan, math.nan, n)
    reach = t_quantile(n - 1) * standard_error
    return Estimate(estimate, estimate - reach, estimate + reach, n)


@functools.cache
def t_quantile(degrees: int) -> float:
    """Return the quantile of Student's t that an interval of `LEVEL` reaches to."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + LEVEL / 2))


def _array(values: Values) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _pairs(a: Values, b: Values) -> pd.DataFrame:
    if isinstance(a, pd.Series) and isinstance(b, pd.Series):
        for side in (a, b):
            if not side.index.is_unique:
                raise ValueError(f"a replication occurs twice: {side.index[side.index.duplicated()][0]}")
        return pd.DataFrame({"a": a, "b": b}, dtype=np.float64)
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, and have {len(a)} and {len(b)}")
    return pd.DataFrame({"a": _array(a), "b": _array(b)})
