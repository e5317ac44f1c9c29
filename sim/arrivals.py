"""When synthetic bid requests arrive: a non-homogeneous Poisson process given its exact total.

The daily curve's integral is cut into equal slices of some 65,536 requests, a keyed binomial tree shares the total among
them, and each slice spreads its own by normalised exponential gaps (sorted uniforms without the sort; Devroye 1986, V.3). So
memory does not grow with the number of requests, and a slice's draws need no other slice's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .compiled import kernel
from .exponential import exponential
from .kept import kept
from .scenario import HOUR_US, SyntheticSupply
from .streams import STEP, Streams, counter, unit_in_row

SLICE = 65_536


def arrivals(supply: SyntheticSupply, streams: Streams) -> Iterator[NDArray[np.int64]]:
    """Arrival times in microseconds, slice by slice, strictly rising; the slices' lengths add up to ``supply.requests``."""
    edges_h, mass = demand(supply)
    total = np.interp(supply.horizon_h, edges_h, mass)
    counts = _share(supply.requests, max(1, supply.requests // SLICE), streams)
    start, last, end_us = 0, -1, int(supply.horizon_h * HOUR_US)
    key, room = streams.key64("arrival"), np.empty(max(counts.tolist()) + 1)
    for index, n in enumerate(counts.tolist()):
        share = total / len(counts)
        time_us = np.empty(n, dtype=np.int64)
        _spread(key, start + index, room[: n + 1], index * share, share, mass, edges_h, end_us, last, time_us)
        if n:
            start, last = start + n, int(time_us[-1])
            yield time_us


@kept
def demand(supply: SyntheticSupply) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The integral of the daily curve: hours from 0 to the end of the last day, and the sum of weights up to each; shape (n,)."""
    steps = np.linspace(0.0, 24.0, len(supply.hourly) + 1)[1:]
    cycles = int(np.ceil(supply.horizon_h / 24.0))
    edges_h = np.concatenate([[0.0], (24.0 * np.arange(cycles)[:, None] + steps).ravel()])
    return edges_h, np.concatenate([[0.0], np.cumsum(np.tile(supply.hourly, cycles))])


@kernel
def _spread(
    key: np.uint64,
    position: int,
    gaps: NDArray[np.float64],
    low: float,
    width: float,
    mass: NDArray[np.float64],
    edges_h: NDArray[np.float64],
    end_us: int,
    last: int,
    time_us: NDArray[np.int64],
) -> None:
    """Place arrivals by exponential gaps on the curve's integral from ``low`` on, and read the clock there.

    The gaps are drawn at ``position`` and on into ``gaps``, shape (n + 1,). ``mass`` is the integral at ``edges_h``. No two requests
    share a microsecond, and the first comes after ``last``, so that calendar and requests have one total order. Each loop does one thing,
    so that most of them work on several numbers at a time.
    """
    z = counter(key, position)
    for i in range(len(gaps)):
        gaps[i] = unit_in_row(key, z)
        z += STEP
    for i in range(len(gaps)):
        gaps[i] = exponential(gaps[i])
    whole = 0.0
    for i in range(len(gaps)):
        whole += gaps[i]
        gaps[i] = whole
    for i in range(len(gaps)):
        gaps[i] = low + width * (gaps[i] / whole)
    n = len(time_us)
    i, j = 0, 0
    while i < n:
        while j + 2 < len(mass) and mass[j + 1] <= gaps[i]:
            j += 1
        end = n if j + 2 == len(mass) else i
        while end < n and gaps[end] < mass[j + 1]:
            end += 1
        for row in range(i, end):
            hour = edges_h[j] + (gaps[row] - mass[j]) * (edges_h[j + 1] - edges_h[j]) / (
                mass[j + 1] - mass[j]
            )
            gaps[row] = hour * HOUR_US
        i = end
    for i in range(n):
        last = max(min(int(gaps[i]), end_us - 1), last + 1)
        time_us[i] = last


def _share(total: int, slices: int, streams: Streams) -> NDArray[np.int64]:
    """Multinomial counts of equally likely slices by binomial halving, keyed by the node; shape (slices,)."""
    if slices == 1:
        return np.array([total])
    u = streams.uniform("arrival/tree", 0, 4 * slices)
    counts = np.zeros(slices, dtype=np.int64)
    nodes = [(0, 0, slices, total)]
    while nodes:
        node, low, high, n = nodes.pop()
        if high - low == 1:
            counts[low] = n
            continue
        middle = (low + high) // 2
        left = _binomial_quantile(u[node], n, (middle - low) / (high - low)) if n else 0
        nodes += [(2 * node + 1, low, middle, left), (2 * node + 2, middle, high, n - left)]
    return counts


def _binomial_quantile(u: float, n: int, p: float) -> int:
    """The least k with P(Binomial(n, p) <= k) >= u."""
    from scipy.special import bdtr, bdtrik  # and not scipy.stats, which takes a second to import

    above = int(np.ceil(bdtrik(u, n, p)))
    return above - 1 if above > 0 and bdtr(above - 1, n, p) >= u else above
