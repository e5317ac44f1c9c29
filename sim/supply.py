"""Bid requests: when they come, by whom, with what floor, against which outside price; made here, or taken from a log."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .arrivals import SLICE, arrivals
from .auction.mechanisms import MECHANISMS
from .audience import COMMON, Visits, draw_types
from .cells import constant
from .landscape import Landscape, context_levels, is_level
from .scenario import (
    HOUR_US,
    MAX_MICROS,
    MICROS,
    MICROS_PER_CPM,
    Auction,
    LogSupply,
    Scenario,
    SyntheticSupply,
)
from .streams import Streams


@dataclass(frozen=True, slots=True)
class LogColumns:
    """A log ready for replay, one row a logged auction, in time order; every array of shape (n,).

    ``time_us`` from the replay's start; ``price_micros`` the highest competing bid and ``floor_micros`` per impression;
    ``weight`` how many impressions the row stands for (it is bought whole); ``value`` what one impression of the row
    turned out to be worth, in currency; ``click`` 0 or 1; ``columns`` what bidders may see, by name; ``mechanism`` the auction
    type's number, where the log knows it (None: the scenario says).
    """

    time_us: NDArray[np.int64]
    price_micros: NDArray[np.int64]
    floor_micros: NDArray[np.int64]
    weight: NDArray[np.float64]
    value: NDArray[np.float64]
    click: NDArray[np.float64]
    columns: dict[str, NDArray[np.float64]]
    mechanism: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns that bidders may see."""
        return tuple(self.columns)

    def rows(self, part: slice) -> LogColumns:
        """Some of the rows."""
        seen = {name: column[part] for name, column in self.columns.items()}
        times, money = self.time_us[part], (self.price_micros[part], self.floor_micros[part])
        known = None if self.mechanism is None else self.mechanism[part]
        return LogColumns(times, *money, self.weight[part], self.value[part], self.click[part], seen, known)


class Log(Protocol):
    """What a replay needs of a log: columns in memory, or rows that are read as they are asked for.

    Stretches are asked for once each, in order.
    """

    def __len__(self) -> int:
        """How many rows there are."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns that bidders may see."""

    def rows(self, part: slice) -> LogColumns:
        """Some of the rows."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Requests ``start`` to ``start + n - 1`` as columns of shape (n,); times strictly rise, money is in micros.

    ``mechanism`` is the auction type's number, ``visits`` says who makes the requests. ``price_micros`` is the highest
    outside bid, -1 without one. ``logged`` is empty unless rows come from a log.
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
NO_REQUESTS = Chunk(
    0, _NO_MONEY, np.empty(0, np.int8), _NO_MONEY, _NO_MONEY, Visits(0, 0, _NO_MONEY), NOT_LOGGED
)
"""No requests, for a world that has been shown none yet."""


def priced_contexts(scenario: Scenario, advertisers: Collection[str]) -> str:
    """Whose contexts outside prices follow: those of all, or of the one advertiser.

    With several advertisers and without common values, of no advertiser: prices are drawn like theirs and, with private values, independent of them.
    """
    alone = len(set(advertisers)) == 1
    return next(iter(advertisers)) if scenario.bidders.values != "common" and alone else COMMON


def chunks(
    scenario: Scenario, streams: Streams, log: Log | None, contexts_of: str = COMMON
) -> Iterator[Chunk]:
    """The requests of one run, in order; outside prices follow the contexts of ``contexts_of``, an owner of facts."""
    if isinstance(scenario.supply, LogSupply):
        if log is None:
            raise ValueError("supply.kind=log needs the log's columns: simulate(..., log=...)")
        return _from_log(scenario.auction, streams, log)
    return _synthetic(scenario, scenario.supply, streams, contexts_of)


def _synthetic(
    scenario: Scenario, supply: SyntheticSupply, streams: Streams, contexts_of: str
) -> Iterator[Chunk]:
    landscape = Landscape(scenario.rivals)
    start = 0
    for time_us in arrivals(supply, streams):
        n = len(time_us)
        visits = Visits.at(scenario, streams, start, n)
        yield Chunk(
            start=start,
            time_us=time_us,
            mechanism=mechanisms(scenario.auction, streams, start, n),
            floor_micros=_floors(scenario.auction, supply, streams, start, time_us),
            price_micros=_by_context(
                landscape.draw(streams, start, n), scenario, streams, visits, contexts_of
            ),
            visits=visits,
            logged=NOT_LOGGED,
        )
        start += n


def _by_context(
    price: NDArray[np.int64], scenario: Scenario, streams: Streams, visits: Visits, owner: str
) -> NDArray[np.int64]:
    """Outside prices at the level of each request's context; none stays none."""
    if is_level(scenario):
        return price
    level = context_levels(scenario)[draw_types(scenario, streams, owner, visits)["context"]]
    dear: NDArray[np.int64] = np.rint(np.minimum(price * level, MAX_MICROS)).astype(np.int64)
    return np.where(price < 0, price, dear)


def mechanisms(auction: Auction, streams: Streams, start: int, n: int) -> NDArray[np.int8]:
    """The auction type of each request, by number: one for all, or drawn by the shares of a mixed market."""
    share = auction.shares
    if len(share) == 1:
        (name,) = share
        return constant(n, MECHANISMS[name], np.int8)
    numbers = np.array([MECHANISMS[name] for name in share], dtype=np.int8)
    edges = np.cumsum(list(share.values()))
    drawn = np.searchsorted(edges / edges[-1], streams.uniform("mechanism", start, n), side="right")
    return numbers[drawn]


def hard_floor(auction: Auction, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The hard floor in micros at each time; shape as ``time_us``."""
    if not auction.floor_steps:
        return constant(len(time_us), round(auction.floor_cpm * MICROS_PER_CPM), np.int64)
    steps = sorted(auction.floor_steps, key=lambda step: step.hour)
    level = [auction.floor_cpm, *(step.floor_cpm for step in steps)]
    since = np.searchsorted([round(step.hour * HOUR_US) for step in steps], time_us, side="right")
    micros: NDArray[np.int64] = np.rint(np.array(level) * MICROS_PER_CPM).astype(np.int64)
    return np.asarray(micros[since])


def _floors(
    auction: Auction, supply: SyntheticSupply, streams: Streams, start: int, time_us: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The floor of each request in micros: the placement's own or the exchange's, the higher."""
    hard, n = hard_floor(auction, time_us), len(time_us)
    if supply.floor_share == 0.0:
        return hard
    from scipy.special import ndtri

    has = streams.uniform("floor/has", start, n) < supply.floor_share
    there = has.nonzero()[0]
    level = np.exp(
        supply.floor_mu + supply.floor_sigma * ndtri(streams.uniform("floor/level", start, n)[there])
    )
    own = np.rint(np.minimum(level * MICROS, MAX_MICROS)).astype(np.int64)
    hard[there] = np.maximum(own, hard[there])
    return hard


def _from_log(auction: Auction, streams: Streams, log: Log) -> Iterator[Chunk]:
    last = -1
    for start in range(0, len(log), SLICE):
        logged = log.rows(slice(start, start + SLICE))
        time_us = _strictly_rising(logged.time_us, last)
        last = int(time_us[-1])
        known = logged.mechanism
        mechanism = mechanisms(auction, streams, start, len(time_us)) if known is None else known
        everybody_new = Visits(start, len(time_us), np.empty(0, dtype=np.int64))
        yield Chunk(
            start, time_us, mechanism, logged.floor_micros, logged.price_micros, everybody_new, logged
        )


def _strictly_rising(time_us: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    """No two requests share a microsecond, so that calendar and requests have one total order."""
    steps = np.arange(len(time_us))
    return np.maximum(np.maximum.accumulate(time_us - steps), last + 1) + steps
