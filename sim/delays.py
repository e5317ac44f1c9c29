"""How long things take: quantiles and distribution of the laws that ``scenario.Delay`` names, a line of ``LAWS`` each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kept import kept
from .scenario import Delay
from .scenario.delay import LawName

Times = NDArray[np.float64]


class Law(NamedTuple):
    """A law of delays: the time at each probability in [0, 1), and the probability of at most a time."""

    quantile: Callable[[Delay, NDArray[np.float64]], Times]
    cdf: Callable[[Delay, float], float]


def quantile(delay: Delay, u: NDArray[np.float64]) -> Times:
    """The time at probability ``u`` in [0, 1), in the delay's own unit; shape as ``u``."""
    return np.zeros(u.shape) if delay.is_none else LAWS[delay.law].quantile(delay, u)


def cdf(delay: Delay, time: float) -> float:
    """P(it takes no longer than ``time``)."""
    return float(time >= 0) if delay.is_none else LAWS[delay.law].cdf(delay, time)


def _constant(delay: Delay, u: NDArray[np.float64]) -> Times:
    return np.full(u.shape, delay.mean)


def _constant_cdf(delay: Delay, time: float) -> float:
    return float(time >= delay.mean)


def _weibull(delay: Delay, u: NDArray[np.float64]) -> Times:
    return np.asarray(_scale(delay) * (-np.log1p(-u)) ** (1.0 / _power(delay)))


def _weibull_cdf(delay: Delay, time: float) -> float:
    return float(-np.expm1(-((time / _scale(delay)) ** _power(delay)))) if time > 0 else 0.0


def weibull(delay: Delay) -> tuple[float, float] | None:
    """Return the factor and the power that make a delay of an exponential variable; None for a law that is none of its powers."""
    return (_scale(delay), 1.0 / _power(delay)) if LAWS[delay.law].quantile is _weibull else None


def _power(delay: Delay) -> float:
    """Weibull's shape; an exponential is a Weibull of shape 1."""
    return delay.shape if delay.law == "weibull" else 1.0


def _scale(delay: Delay) -> float:
    """Weibull's scale, from the mean."""
    return float(delay.mean / math.gamma(1.0 + 1.0 / _power(delay)))


def _lognormal(delay: Delay, u: NDArray[np.float64]) -> Times:
    from scipy.special import ndtri

    return np.asarray(np.exp(_location(delay) + delay.shape * ndtri(u)))


def _lognormal_cdf(delay: Delay, time: float) -> float:
    from scipy.special import ndtr

    return float(ndtr((np.log(time) - _location(delay)) / delay.shape)) if time > 0 else 0.0


def _location(delay: Delay) -> float:
    """The mean of a lognormal's logarithm, from its own mean."""
    return float(np.log(delay.mean) - delay.shape**2 / 2.0)


def _empirical(delay: Delay, u: NDArray[np.float64]) -> Times:
    shares, times = _points(delay)
    return np.asarray(np.interp(u, shares, times))


def _empirical_cdf(delay: Delay, time: float) -> float:
    shares, times = zip(*delay.points, strict=True)
    return float(np.interp(time, times, shares))


@kept
def _points(delay: Delay) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The empirical law's probabilities, and the times at them; shape (points,) each."""
    shares, times = zip(*delay.points, strict=True)
    return np.array(shares, dtype=np.float64), np.array(times, dtype=np.float64)


LAWS: dict[LawName, Law] = {
    "constant": Law(_constant, _constant_cdf),
    "exponential": Law(_weibull, _weibull_cdf),
    "weibull": Law(_weibull, _weibull_cdf),
    "lognormal": Law(_lognormal, _lognormal_cdf),
    "empirical": Law(_empirical, _empirical_cdf),
}
"""The laws by their names in a scenario."""
