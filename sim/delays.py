"""How long things take: quantiles and distribution of the laws that ``scenario.Delay`` names."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .kept import kept
from .scenario import Delay


def quantile(delay: Delay, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """The time at probability ``u`` in [0, 1), in the delay's own unit; shape as ``u``."""
    if delay.law == "empirical":
        shares, times = _points(delay)
        return np.asarray(np.interp(u, shares, times))
    if delay.law == "constant" or delay.mean == 0:
        return np.full(u.shape, delay.mean)
    if delay.law == "lognormal":
        from scipy.special import ndtri

        return np.asarray(np.exp(_location(delay) + delay.shape * ndtri(u)))
    return np.asarray(_scale(delay) * (-np.log1p(-u)) ** (1.0 / _power(delay)))


def cdf(delay: Delay, time: float) -> float:
    """P(it takes no longer than ``time``)."""
    if delay.law == "empirical":
        shares, times = zip(*delay.points, strict=True)
        return float(np.interp(time, times, shares))
    if delay.law == "constant" or delay.mean == 0:
        return float(time >= delay.mean)
    if time <= 0:
        return 0.0
    if delay.law == "lognormal":
        from scipy.special import ndtr

        return float(ndtr((np.log(time) - _location(delay)) / delay.shape))
    return float(-np.expm1(-((time / _scale(delay)) ** _power(delay))))


@kept
def _points(delay: Delay) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The empirical law's probabilities, and the times at them; shape (points,) each."""
    shares, times = zip(*delay.points, strict=True)
    return np.array(shares, dtype=np.float64), np.array(times, dtype=np.float64)


def _power(delay: Delay) -> float:
    """Weibull's shape; an exponential is a Weibull of shape 1."""
    return delay.shape if delay.law == "weibull" else 1.0


def _scale(delay: Delay) -> float:
    """Weibull's scale, from the mean."""
    return float(delay.mean / math.gamma(1.0 + 1.0 / _power(delay)))


def _location(delay: Delay) -> float:
    """The mean of a lognormal's logarithm, from its own mean."""
    return float(np.log(delay.mean) - delay.shape**2 / 2.0)
