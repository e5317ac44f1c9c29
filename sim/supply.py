"""Bid requests: when they arrive, with what floor, against which outside price; made by the simulator or taken from a log.

Synthetic arrivals are a non-homogeneous Poisson process given its exact total: the daily curve's integral is cut into
equal slices of some 65,536 requests, a keyed binomial tree shares the total among them, and each slice spreads its own by
normalised exponential gaps (sorted uniforms without the sort; Devroye 1986, V.3). So memory does not grow with the number
of requests, and slice i can be made without slice i - 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrik

from sim.auction.mechanisms import MECHANISMS
from sim.audience import Visits
from sim.landscape import Landscape
from sim.scenario import (
    HOUR_US,
    MAX_MICROS,
    MICROS,
    MICROS_PER_CPM,
    Auction,
    LogSupply,
    Scenario,
    SyntheticSupply,
)
from sim.streams import Streams

SLICE = 65_536


@dataclass(frozen=True, slots=True)
class LogColumns:
    """A log ready for replay, one row a logged auction, in time order; every array of shape (n,).

    ``time_us`` from the replay's start; ``price_micros`` the highest competing bid and ``floor_micros`` per impression;
    ``weight`` how many impressions the row stands for (it is bought whole); ``value`` what one impression of the row
    turned out to be worth, in currency; ``click`` 0 or 1; ``columns`` what bidders may see, by name.
    """

    time_us: NDArray[np.int64]
    price_micros: NDArray[np.int64]
    floor_micros: NDArray[np.int64]
    weight: NDArray[np.float64]
    value: NDArray[np.float64]
    click: NDArray[np.float64]
    columns: dict[str, NDArray[np.float64]]

    def rows(self, part: slice) -> LogColumns:
        """Some of the rows."""
        seen = {name: column[part] for name, column in self.columns.items()}
        times, money = self.time_us[part], (self.price_micros[part], self.floor_micros[part])
        return LogColumns(times, *money, self.weight[part], self.value[part], self.click[part], seen)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Requests ``start`` to ``start + n - 1`` as columns of shape (n,); times strictly rise, money is in micros.

    ``mechanism`` is the auction type's number, ``visits`` says who makes the requests. ``price_micros`` is the highest outside bid, -1 where there is none. ``logged`` is empty unless rows come from a log.
    """

    start: int
    time_us: NDArray[np.int64]
    mechanism: NDArray[np.int8]
    floor_micros: NDArray[np.int64]
    price_micros: NDArray[np.int64]
    visits: Visits
    logged: LogColumns

    def __len__(self) -> int:
        return len(self.time_us)


_NO_MONEY, _NOTHING = np.empty(0, dtype=np.int64), np.empty(0)
NOT_LOGGED = LogColumns(_NO_MONEY, _NO_MONEY, _NO_MONEY, _NOTHING, _NOTHING, _NOTHING, {})


def chunks(scenario: Scenario, streams: Streams, log: LogColumns | None) -> Iterator[Chunk]:
    """The requests of one run, in order."""
    if isinstance(scenario.supply, LogSupply):
        if log is None:
            raise ValueError("supply.kind=log needs the log's columns: simulate(..., log=...)")
        return _from_log(scenario.auction, streams, log)
    return _synthetic(scenario, scenario.supply, streams)


def _synthetic(scenario: Scenario, supply: SyntheticSupply, streams: Streams) -> Iterator[Chunk]:
    landscape = Landscape.of(scenario.rivals)
    start, last = 0, -1
    for drawn in arrivals(supply, streams):
        n = len(drawn)
        if n == 0:
            continue
        time_us = _strictly_rising(drawn, last)
        last = int(time_us[-1])
        yield Chunk(
            start=start,
            time_us=time_us,
            mechanism=mechanisms(scenario.auction, streams, start, n),
            floor_micros=np.maximum(
                _placement_floors(supply, streams, start, n), hard_floor(scenario.auction, time_us)
            ),
            price_micros=landscape.draw(streams, start, n),
            visits=Visits.at(scenario, streams, start, n),
            logged=NOT_LOGGED,
        )
        start += n


def arrivals(supply: SyntheticSupply, streams: Streams) -> Iterator[NDArray[np.int64]]:
    """Arrival times in microseconds, slice by slice, sorted; the slices' lengths add up to ``supply.requests``."""
    days = supply.horizon_h / 24.0
    steps = np.linspace(0.0, 24.0, len(supply.hourly) + 1)[1:]
    cycles = int(np.ceil(days))
    edges_h = np.concatenate([[0.0], (24.0 * np.arange(cycles)[:, None] + steps).ravel()])
    mass = np.concatenate([[0.0], np.cumsum(np.tile(supply.hourly, cycles))])
    total = np.interp(supply.horizon_h, edges_h, mass)
    counts = _share(supply.requests, max(1, supply.requests // SLICE), streams)
    start = 0
    for index, n in enumerate(counts):
        gaps = np.cumsum(-np.log(1.0 - streams.uniform("arrival", start + index, int(n) + 1)))
        level = (index + gaps[:-1] / gaps[-1]) / len(counts)
        hours = _interpolate_sorted(level * total, mass, edges_h)
        yield np.minimum((hours * HOUR_US).astype(np.int64), int(supply.horizon_h * HOUR_US) - 1)
        start += n


def _interpolate_sorted(
    x: NDArray[np.float64], at: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``np.interp`` for rising ``x`` within ``at``: one search a segment and not one a point."""
    cuts = np.searchsorted(x, at)
    cuts[[0, -1]] = 0, len(x)
    rows = np.diff(cuts)
    used = rows > 0
    slope = np.diff(height)[used] / np.diff(at)[used]
    return np.repeat(height[:-1][used] - slope * at[:-1][used], rows[used]) + np.repeat(slope, rows[used]) * x


def _share(total: int, slices: int, streams: Streams) -> NDArray[np.int64]:
    """Multinomial counts of equally likely slices by binomial halving, keyed by the node; shape (slices,)."""
    if slices == 1:
        return np.array([total], dtype=np.int64)
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
    """The least k with P(Binomial(n, p) <= k) >= u; from ``scipy.special``, as ``scipy.stats`` takes a second to import."""
    above = int(np.ceil(bdtrik(u, n, p)))
    return above - 1 if above > 0 and bdtr(above - 1, n, p) >= u else above


def _strictly_rising(time_us: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    """No two requests share a microsecond, so that calendar and requests have one total order."""
    steps = np.arange(len(time_us))
    return np.maximum(np.maximum.accumulate(time_us - steps), last + 1) + steps


def mechanisms(auction: Auction, streams: Streams, start: int, n: int) -> NDArray[np.int8]:
    """The auction type of each request, by number: one for all, or drawn by the shares of a mixed market."""
    share = auction.shares
    numbers = np.array([MECHANISMS[name] for name in share], dtype=np.int8)
    if len(numbers) == 1:
        return np.full(n, numbers[0])
    edges = np.cumsum(list(share.values()))
    drawn = np.searchsorted(edges / edges[-1], streams.uniform("mechanism", start, n), side="right")
    return numbers[drawn]


def hard_floor(auction: Auction, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The hard floor in micros at each time; shape as ``time_us``."""
    if not auction.floor_steps:
        return np.full(len(time_us), round(auction.floor_cpm * MICROS_PER_CPM), dtype=np.int64)
    steps = sorted(auction.floor_steps, key=lambda step: step.hour)
    level = [auction.floor_cpm, *(step.floor_cpm for step in steps)]
    since = np.searchsorted([round(step.hour * HOUR_US) for step in steps], time_us, side="right")
    micros: NDArray[np.int64] = np.rint(np.array(level) * MICROS_PER_CPM).astype(np.int64)
    return np.asarray(micros[since])


def _placement_floors(supply: SyntheticSupply, streams: Streams, start: int, n: int) -> NDArray[np.int64]:
    if supply.floor_share == 0.0:
        return np.zeros(n, dtype=np.int64)
    from scipy.special import ndtri

    has = streams.uniform("floor/has", start, n) < supply.floor_share
    level = np.exp(supply.floor_mu + supply.floor_sigma * ndtri(streams.uniform("floor/level", start, n)))
    return np.where(has, np.rint(np.minimum(level * MICROS, MAX_MICROS)), 0.0).astype(np.int64)


def _from_log(auction: Auction, streams: Streams, log: LogColumns) -> Iterator[Chunk]:
    last = -1
    for start in range(0, len(log.time_us), SLICE):
        logged = log.rows(slice(start, start + SLICE))
        time_us = _strictly_rising(logged.time_us, last)
        last = int(time_us[-1])
        mechanism = mechanisms(auction, streams, start, len(time_us))
        everybody_new = Visits(start, len(time_us), np.empty(0, dtype=np.int64))
        yield Chunk(
            start, time_us, mechanism, logged.floor_micros, logged.price_micros, everybody_new, logged
        )
