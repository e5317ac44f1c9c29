"""Bid less than the value where the winner pays its own bid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario import MICROS

from ..base import VALUE, VectorisedPolicy, VisibleRequests
from ..bins import EDGES, bin_of
from ..market import MarketFacts
from ..parameters import points

GRID = 65
ROWS_AT_ONCE = 4096
"""Rows worked on at a time: their grids fit into a processor's cache; those of a million would take gigabytes."""
ROUNDS = 4
STRAIGHT = 1e-5
"""Entries of the table that lie on the line of their neighbours to this part of the value are interpolated between."""
SMALLEST_BID = 1.0 / MICROS
"""0 is no bid: where most impressions are free, this one wins them."""


class FirstPriceShading(VectorisedPolicy):
    """Bid the value, and less where a request's auction is first price, by ``_shaded``; ``who`` it is, for messages."""

    meant_for = ("first_price", "second_price", "vcg")

    def __init__(self, types: Sequence[str], who: str) -> None:
        if "soft_floor" in types:
            raise ValueError(f"{who} knows no soft floors: choose another strategy (truthful, linear)")
        self._shades, self._mixed = "first_price" in types, len(types) > 1
        self.reads: tuple[str, ...] = (VALUE, *(["auction_type"] if self._mixed else []))

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value, shaded where the auction is first price."""
        if not self._shades:
            return requests[VALUE]
        bids = self._shaded(requests)
        if self._mixed:
            bids = np.where(requests["auction_type"] == MECHANISMS["first_price"], bids, requests[VALUE])
        return bids

    def _shaded(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return the bids in a first-price auction, shape (requests.n,)."""
        raise NotImplementedError


class Shading(FirstPriceShading):
    """The best response to a known price landscape: argmax over b of (v - b) P(win | b), b <= v.

    In a first-price auction that is b* = v - F(b*) / f(b*), found by a grid search that narrows four times (each round
    64-fold, so to some 1e-7 of v). It is made once for a table of values .54 % apart; between two entries the bid is
    interpolated, which is right to some 3e-6 of v, and searched for where it jumps or bends. In a second-price or VCG
    auction no shading is due, and it bids the value; in a mixed market it goes by each request's auction type. Where
    prices depend on the context, the landscape is that given what the bidder sees of the context.

    Where rivals are bidders no landscape is known. ``curve`` then gives the bids in a first-price auction, as [value, bid]
    pairs in currency per impression, with straight lines between and level beyond its ends; ``study.tune`` fits it.
    """

    def __init__(self, market: MarketFacts, curve: Sequence[Sequence[float]] | None = None) -> None:
        self._curve = None if curve is None else points("curve", curve)
        super().__init__(market.auction_types, "shading")
        if self._shades and market.landscape is None and curve is None:
            raise ValueError(
                "shading needs a price landscape or a bid curve: set rivals.landscape, or curve=[[0, 0], [2, 1]] with what to "
                "bid for a value, or choose another strategy (truthful, linear)"
            )
        self._prices = PricesByCode(market)
        if self._shades and curve is None:
            self.reads = (*self.reads, *self._prices.reads)

    def _shaded(self, requests: VisibleRequests) -> NDArray[np.float64]:
        if self._curve is not None:
            return np.asarray(np.interp(requests[VALUE], *self._curve))
        return self._prices.shaded(requests, requests[VALUE])


class PricesByCode:
    """A market where the landscape may differ by what the bidder sees of the context."""

    def __init__(self, market: MarketFacts) -> None:
        self._column, self.parts = market.context, market.parts

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of the context, where it matters."""
        return (self._column,) if self._column else ()

    def rows(self, requests: VisibleRequests) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield each part that occurs, with its rows."""
        code = requests[self._column] if self._column else np.zeros(requests.n, dtype=np.int64)
        for part in np.unique(code).tolist():
            yield part, np.flatnonzero(code == part)

    def shaded(self, requests: VisibleRequests, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """The best bids in a first-price auction for what each request is worth; shape as ``worth``."""
        if not self._column:
            return shaded(self.parts[0], worth)
        bids = np.zeros(requests.n)
        for part, rows in self.rows(requests):
            bids[rows] = shaded(self.parts[part], worth[rows])
        return bids


def shaded(market: MarketFacts, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """The best bids in a first-price auction, from the table where it is straight; shape as ``value``."""
    bids, slope, straight = tabled(market)
    place = bin_of(value)
    answer = bids[place] + slope[place] * (value - EDGES[place])
    where = np.flatnonzero(~straight[place])
    for start in range(0, len(where), ROWS_AT_ONCE):
        rows = where[start : start + ROWS_AT_ONCE]
        answer[rows] = best_bids(market, value[rows])
    return answer


def best_bids(market: MarketFacts, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """The b <= v of the highest (v - b) P(win | b), by search; shape as ``value``."""
    low, width = np.minimum(market.hard_floor, value), np.maximum(value - market.hard_floor, 0.0)
    best = low
    for _ in range(ROUNDS):
        bids = low[:, None] + width[:, None] * np.linspace(0.0, 1.0, GRID)
        gain = (value[:, None] - bids) * market.win_probability(bids)
        best = np.take_along_axis(bids, np.argmax(gain, axis=1)[:, None], axis=1)[:, 0]
        step = width / (GRID - 1)
        low = np.maximum(best - step, np.minimum(market.hard_floor, value))
        width = np.minimum(best + step, value) - low
    answer: NDArray[np.float64] = np.maximum(best, np.minimum(SMALLEST_BID, value))
    return answer


@lru_cache(maxsize=256)
def tabled(market: MarketFacts) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """The best bids at ``EDGES``; in each interval up to one of them, its slope, and whether the bid runs straight through it."""
    bids = best_bids(market, EDGES)
    part = np.diff(EDGES)[:-1] / (EDGES[2:] - EDGES[:-2])
    off = np.abs(bids[1:-1] - bids[:-2] - part * (bids[2:] - bids[:-2]))
    even = off < STRAIGHT * EDGES[1:-1]
    straight = np.zeros(len(EDGES), dtype=np.bool_)
    straight[2:-1] = even[:-1] & even[1:]
    slope = np.diff(bids, prepend=0.0) / np.diff(EDGES, prepend=0.0)
    for column in (bids, slope, straight):
        column.flags.writeable = False
    return bids, slope, straight
