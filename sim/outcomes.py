"""What becomes of impressions: when clicks and conversions are due, and who knows of them by when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Responses
from .calendar import FOREVER
from .delays import quantile, weibull
from .responded import LONGEST_H, count_responses, exponential_delays, time_responses
from .scenario import HOUR_US, NO_DELAY, Delay, Scenario
from .streams import Streams
from .world import World


class Happened(NamedTuple):
    """The responses of one block, in the order of the requests; arrays of shape (n,).

    ``row`` is the place in the chunk. ``click_us`` and ``conversion_us`` say when; -1 without one. ``attributed``:
    the conversion comes within its window. ``margin`` is what that brings, in currency; 0 without one.
    """

    row: NDArray[np.int64]
    slot: NDArray[np.int64]
    bidder: NDArray[np.int64]
    weight: NDArray[np.float64]
    click_us: NDArray[np.int64]
    conversion_us: NDArray[np.int64]
    attributed: NDArray[np.bool_]
    margin: NDArray[np.float64]


def by_bidder(happened: Happened, bidders: int) -> Iterator[tuple[int, Happened]]:
    """Yield each bidder's number and own responses, where it has some."""
    if bidders == 1:
        yield 0, happened
        return
    order = np.argsort(happened.bidder, kind="stable")
    columns: tuple[NDArray[Any], ...] = happened
    ordered = [column[order] for column in columns]
    number = ordered[Happened._fields.index("bidder")]
    begins = np.searchsorted(number, np.arange(bidders + 1)).tolist()
    for k, (begin, end) in enumerate(pairwise(begins)):
        if begin < end:
            yield k, Happened(*(column[begin:end] for column in ordered))


class LateBy(NamedTuple):
    """How long something takes, by which stream; ``powers`` as ``delays.weibull``."""

    delay: Delay
    name: str
    key: np.uint64
    powers: tuple[float, float] | None


class Outcomes:
    """The clicks and conversions of one run, counted by bidder: what was known by the end, and what was not.

    Each count has shape (bidders,). A click or conversion that is due after the end is ``censored``; a conversion that
    comes too late for its window is ``unattributed``, whenever it comes. ``margin`` and ``margin_censored`` are what the conversions
    of these names bring, in currency.
    """

    def __init__(self, scenario: Scenario, streams: Streams, owners: Sequence[str]) -> None:
        self._streams, self._owners, self._slots = streams, tuple(owners), len(scenario.auction.slots)
        response, sale = scenario.response, scenario.response.conversion
        self._click_delay, self._conversion_delay = (
            LateBy(delay, name, streams.key64(name), weibull(delay))
            for delay, name in (
                (response.click_delay_h, "click delay"),
                (sale.delay_h if sale else NO_DELAY, "conversion delay"),
            )
        )
        windows_h = (sale.click_window_h, sale.view_window_h) if sale else (0.0, 0.0)
        self._windows_us = round(windows_h[0] * HOUR_US), round(windows_h[1] * HOUR_US)
        self.end_us = round(scenario.supply.horizon_h * HOUR_US)
        self._counts = np.zeros((7, len(owners)))
        self.clicks, self.clicks_censored, self.conversions, self.conversions_censored = self._counts[:4]
        self.conversions_unattributed, self.margin, self.margin_censored = self._counts[4:]

    def note(self, world: World, responses: Responses) -> Happened:
        """Work out when the responses of a block come, and count them."""
        chunk, n = world.chunk, int(responses.filled[0])
        row, slot, bidder = responses.row[:n].copy(), responses.slot[:n].copy(), responses.bidder[:n].copy()
        clicked, converts = responses.clicked[:n], responses.converts[:n]
        click_us = self._delay_us(self._click_delay, clicked, chunk.start, row, slot)
        conversion_us = self._delay_us(self._conversion_delay, converts, chunk.start, row, slot)
        attributed = np.empty(n, dtype=np.bool_)
        time_responses(
            row, clicked, converts, chunk.time_us, *self._windows_us, click_us, conversion_us, attributed
        )
        done = Happened(
            row=row,
            slot=slot,
            bidder=bidder,
            weight=chunk.logged.weight[row] if len(chunk.logged.weight) else np.ones(n),
            click_us=click_us,
            conversion_us=conversion_us,
            attributed=attributed,
            margin=self._margin(world, bidder, row, attributed),
        )
        count_responses(self.end_us, *done[2:], self._counts)
        return done

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Return the counts as columns of ``RunResult.bidders``."""
        return {
            "clicks": self.clicks,
            "clicks_censored": self.clicks_censored,
            "conversions": self.conversions,
            "conversions_censored": self.conversions_censored,
            "conversions_unattributed": self.conversions_unattributed,
            "margin": self.margin,
            "margin_censored": self.margin_censored,
        }

    def _margin(
        self, world: World, bidder: NDArray[np.int64], row: NDArray[np.int64], sold: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        margin = np.zeros(len(row))
        if world.flat_margin is not None:
            margin[sold] = world.flat_margin
            return margin
        rows = sold.nonzero()[0]
        sellers = bidder[rows]
        for number in set(sellers.tolist()):
            own = rows[sellers == number]
            margin[own] = world.margin(self._owners[number], row[own])
        return margin

    def _delay_us(
        self,
        late_by: LateBy,
        which: NDArray[np.bool_],
        start: int,
        row: NDArray[np.int64],
        slot: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """Return the delays in microseconds of the impressions ``which`` say so, shape as ``row``; ``start`` is the chunk's first position."""
        if late_by.delay.is_none:
            return np.zeros(len(row), dtype=np.int64)
        if late_by.powers is not None:
            out = np.empty(len(row), dtype=np.int64)
            exponential_delays(late_by.key, start, self._slots, *late_by.powers, which, row, slot, out)
            return out
        u = self._streams.at(late_by.name, (start + row) * self._slots + slot)
        hours = np.minimum(quantile(late_by.delay, u), LONGEST_H)
        return np.asarray(np.rint(hours * HOUR_US).astype(np.int64))


class Awaited:
    """Outcomes of one bidder and kind that are under way; in the order of the requests."""

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[Any]] = {}
        """With room for more; in the first ``_n`` rows is what was put in, and where ``due_us`` is FOREVER it has been taken."""
        self._n = self._taken = 0
        self.soonest_us = FOREVER
        """When the next of them becomes known."""
        self.known = self.margin = 0.0
        """How many have become known so far (of a log's rows: impressions that they stand for), and what they bring."""

    def put(self, due_us: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> None:
        """Add outcomes that become known at ``due_us``; ``columns`` hold at least ``weight``."""
        if not len(due_us):
            return
        n, more = self._n, {"due_us": due_us, **columns}
        if n + len(due_us) > len(self._columns.get("due_us", ())):
            self._make_room(more)
            n = self._n
        self._n += len(due_us)
        for name, column in more.items():
            self._columns[name][n : self._n] = column
        self.soonest_us = min(self.soonest_us, int(due_us.min()))

    def take_rest(self, now_us: int) -> dict[str, NDArray[Any]]:
        """All that are left, in order: those known by now, which are counted, and those still ``pending``; no columns without one."""
        if self._n == self._taken:
            return {}
        whole = self._take(self._columns["due_us"][: self._n] != FOREVER)
        pending = whole["due_us"] > now_us
        self._count({name: column[~pending] for name, column in whole.items()})
        return {**whole, "pending": pending}

    def take(self, now_us: int) -> dict[str, NDArray[Any]]:
        """Those that have become known since the last time; no columns without one."""
        if now_us < self.soonest_us:
            return {}
        known = self.pop(now_us)
        self._count(known)
        return known

    def pop(self, now_us: int) -> dict[str, NDArray[Any]]:
        """Those that have become known since the last time, which are not counted here; at least one has."""
        return self._take(self._columns["due_us"][: self._n] <= now_us)

    def _take(self, which: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        rows = which.nonzero()[0]
        taken = {name: column[rows] for name, column in self._columns.items()}
        due_us = self._columns["due_us"][: self._n]
        due_us[rows] = FOREVER
        self._taken += len(rows)
        self.soonest_us = int(due_us.min())
        if self._taken == self._n:
            self._columns, self._n, self._taken = {}, 0, 0
        return taken

    def _make_room(self, more: dict[str, NDArray[Any]]) -> None:
        """Leave out what has been taken, and have room for twice what there is with ``more``."""
        old, left = self._columns, np.empty(0, np.int64)
        if old:
            left = (old["due_us"][: self._n] != FOREVER).nonzero()[0]
        self._n, self._taken = len(left), 0
        room = 2 * (len(left) + len(more["due_us"]))
        self._columns = {name: np.empty(room, column.dtype) for name, column in more.items()}
        for name, column in old.items():
            self._columns[name][: self._n] = column[left]

    def _count(self, known: dict[str, NDArray[Any]]) -> None:
        weights, margins = known["weight"], known.get("margin", np.zeros(1))
        self.known = _added_in_order(self.known, weights)
        self.margin = _added_in_order(self.margin, weights * margins)


def _added_in_order(first: float, numbers: NDArray[np.float64]) -> float:
    """Return ``first`` and the numbers, added one after the other: sums of parts could round differently."""
    return float(np.add.accumulate(np.concatenate([[first], numbers]))[-1])
