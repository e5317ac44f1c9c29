"""All bidders' bids, laid out for the kernel: asked once per visible cell where that is possible, row by row where not.

Where all bidders see cells that are few when put together (one column of joint cells serves them all), a shortlist per cell
spares the kernel from looking at every bidder on every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import LINE, Bids, Shortlist
from .auction.rounding import enter_bids
from .bidder_session import MAX_CELLS, BidderSession, VisibleColumn
from .cells import join_codes
from .public_columns import EXPOSURES
from .scenario import HOUR_US
from .scenario.base import MAX_CHARGE_MICROS, MAX_MONEY, MICROS
from .visible import BidError, VisibleRequests, is_fixed
from .world import World

SPARE = 2
"""A shortlist is this much longer than the bids that an auction needs."""
FEW = 4
"""With no more bidders than this, looking at all of them is as fast."""
CAPPED = 16
"""A shortlist has at least as many bids (or one a bidder) where frequency caps may leave out those of the first."""

AT_ONCE = 64
"""Cells whose shortlists are made at once: the bids of some tens of bidders in them fit into a processor's nearest cache."""
_AS_ASKED = np.empty(0, dtype=np.int64)
_NOBODY_CHOOSES = np.empty(0, dtype=np.int16)
ROTATED = -1


class BidTables:
    """Cells and bids of one run. ``cells`` is the chunk's visible cells, shape (columns, n)."""

    def __init__(
        self, sessions: Sequence[BidderSession], world: World, rows: int, slots: int, *, asks_ahead: bool
    ) -> None:
        self._sessions = sessions
        self._most_bid = MAX_MONEY
        visible = list(dict.fromkeys(one for session in sessions for one in session.visible_columns))
        joint = prod(one.codes for one in visible)
        shared = bool(sessions) and all(session.cells for session in sessions) and joint <= MAX_CELLS
        self.columns, self._own_cell, self.bids = (
            _joint_cells(sessions, visible, joint) if shared else _own_cells(sessions, rows)
        )
        self._settled: list[int] = []
        self._moving: list[int] = []
        for number, column in enumerate(self.columns):
            is_settled = all(one.column != EXPOSURES and world.is_settled(one.column) for one in column)
            (self._settled if is_settled else self._moving).append(number)
        self.cells = np.empty((len(self.columns), 0), dtype=np.int32)
        self._begins: list[int] = self.bids.offset.tolist()
        sizes = [len(own) or one.cells or 0 for own, one in zip(self._own_cell, sessions, strict=True)]
        self.sizes = np.array(sizes, dtype=np.int64)
        """On how many cells each bidder bids; 0 of one that is asked row by row."""
        places = zip(self._begins, sizes, strict=True)
        self._by_cell = [self.bids.numbers[begin : begin + n] for begin, n in places]
        """Where bids on all cells are written, of each bidder that has some; one after the other."""
        self._rows = rows
        self._filled = [0] * len(self.columns)
        """Up to which row of the chunk the cells of each column are there."""
        self._asked = [0] * len(sessions)
        """Up to which row of the chunk the bids are there, of bidders that are asked row by row."""
        self.version = 0
        """How often bids on cells have been written."""
        self._entered: list[object] = [None] * len(sessions)
        """Each bidder's last bids on all its cells, where they cannot change."""
        self._asks_ahead = asks_ahead
        """Whether a bidder that learns nothing in the run is asked about all requests that are known by now."""
        if any(session.chooses for session in sessions):
            self.bids = self.bids._replace(creative=np.full(len(self.bids.numbers), ROTATED, dtype=np.int16))
        is_capped = any(session.terms.caps for session in sessions)
        length = max(min(len(sessions), CAPPED) if is_capped else 0, slots + 1 + SPARE)
        is_listed = shared and len(sessions) > FEW
        self.shortlist = _shortlist(joint, length) if is_listed else _no_shortlist(length)

    def load(self, cells: NDArray[np.int32], scale: float) -> None:
        """Turn to the visible cells of a new chunk, shape (columns, n).

        ``scale`` is the most that a bid of 1 can cost there: rows that stand for many impressions lower the highest bid.
        """
        most = MAX_CHARGE_MICROS / MICROS / scale
        if most < self._most_bid:
            self._most_bid = most
            self._entered = [None] * len(self._sessions)
            for session in self._sessions:
                session.is_stale = True
        self.cells = cells
        self._filled = [0] * len(self.columns)
        self._asked = [0] * len(self._sessions)

    def ask(self, world: World, part: slice, now_us: int, is_open: NDArray[np.bool_]) -> None:
        """Fill in what is only known now, and ask each bidder that must be asked; bids are rounded half to even.

        One that is asked row by row and may not bid now (``is_open``) is not asked: an exchange would not send it these requests.
        """
        for number in self._moving:
            if self._filled[number] < part.stop:
                self._filled[number] = _known_until(
                    world, [one.column for one in self.columns[number]], part.stop
                )
                self._fill(world, number, self.cells[number], slice(part.start, self._filled[number]))
        for number, session in enumerate(self._sessions):
            begin = self._begins[number]
            if session.cells is None:
                if not is_open[number]:
                    self.bids.offset[number] = begin - part.start
                    self._asked[number] = 0
                    self._enter_none(begin, part.stop - part.start)
                elif session.is_stale or self._asked[number] < part.stop:
                    self.bids.offset[number] = begin - part.start
                    self._asked[number] = self._ask_rows(number, world, part)
            elif session.is_stale:
                session.is_stale = False
                self.version += 1
                self._enter(number, session.every_cell, now_us / HOUR_US, self._by_cell[number])

    def _ask_rows(self, number: int, world: World, part: slice) -> int:
        """Ask a bidder row by row, about all rows that can be asked about now; return up to which row its bids are there."""
        session, last, hour = (
            self._sessions[number],
            int(part.stop),
            world.chunk.time_us[part.start] / HOUR_US,
        )
        session.is_stale = False
        if self._asks_ahead and session.is_blind:
            until = min(int(part.start) + self._rows, _known_until(world, session.reads, last))
            if until > last:
                self._asks_ahead = self._asks_all(number, world, slice(part.start, until), float(hour))
                if self._asks_ahead:
                    return until
        self._enter(number, session.rows(world, part), float(hour), self._places(number, last - part.start))
        return last

    def _asks_all(self, number: int, world: World, rows: slice, hour: float) -> bool:
        """Enter a bidder's bids on these rows; False where one is wrong: that error belongs to the block in which it is met."""
        requests = self._sessions[number].rows(world, rows)
        try:
            return self._enter(number, requests, hour, self._places(number, requests.n), refuses=False)
        except BidError:
            return False

    def _places(self, number: int, n: int) -> NDArray[np.int64]:
        """Where a bidder's bids on ``n`` rows are written."""
        begin = self._begins[number]
        return self.bids.numbers[begin : begin + n]

    def _enter(
        self,
        number: int,
        requests: VisibleRequests,
        hour: float,
        micros: NDArray[np.int64],
        *,
        refuses: bool = True,
    ) -> bool:
        """Ask a bidder about requests, and write its bids and creatives; return whether all are bids (or raise ``BidError``)."""
        session, own_cell = self._sessions[number], self._own_cell[number]
        bids = session.bids(requests, hour)
        if session.cells is None or bids is not self._entered[number]:
            wrong = enter_bids(bids, self._most_bid, own_cell, micros)
            if wrong >= 0:
                if refuses:
                    session.refuse(float(bids[wrong]), wrong, requests, hour, self._most_bid)
                return False
            self._entered[number] = bids if is_fixed(bids) else None
        if session.chooses:
            answer = session.creatives(requests, hour)
            if session.chooses_anew:
                self._enter_creatives(answer, own_cell, self._begins[number], len(bids))
        return True

    def _enter_none(self, begin: int, n: int) -> None:
        """Write from ``begin`` on that a bidder makes no bid on ``n`` rows."""
        self.bids.numbers[begin : begin + n] = 0

    def _enter_creatives(
        self, creatives: NDArray[np.int16] | None, own_cell: NDArray[np.int64], begin: int, n: int
    ) -> None:
        """Write the creatives of ``n`` bids beside them."""
        places = self.bids.creative[begin : begin + (len(own_cell) or n)]
        if creatives is None:
            places[:] = ROTATED
        else:
            places[:] = creatives[own_cell] if len(own_cell) else creatives

    def of(self, number: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """One bidder's bids on some rows of the chunk, in micros; shape as ``rows``."""
        column, offset = self.bids.column[number], self.bids.offset[number]
        at = self.cells[column, rows] if column >= 0 else rows
        return np.asarray(self.bids.numbers[offset + at])

    def fill_settled(self, world: World, cells: NDArray[np.int32]) -> None:
        """Fill in the visible cells of a chunk that are known ahead."""
        for number in self._settled:
            self._fill(world, number, cells[number], slice(0, cells.shape[1]))

    def _fill(self, world: World, number: int, row: NDArray[np.int32], part: slice) -> None:
        def shown(one: VisibleColumn) -> NDArray[Any]:
            if one.column == EXPOSURES and world.exposures is not None:
                return world.exposures.of(one.owner)
            return world.column(one.owner, one.column, part)

        join_codes(((shown(one), one.codes) for one in self.columns[number]), row[part])


Layout = tuple[list[tuple[VisibleColumn, ...]], list[NDArray[np.int64]], Bids]
"""What each column of cells is made of, each bidder's own cell in it, and the bids."""


def _joint_cells(sessions: Sequence[BidderSession], visible: list[VisibleColumn], joint: int) -> Layout:
    """One column of cells for all. Tables begin a line of the cache further on than a power of two, so that they do not share its places."""
    bidders, apart = len(sessions), joint + LINE
    bids = Bids(
        numbers=np.zeros(apart * bidders, dtype=np.int64),
        offset=apart * np.arange(bidders),
        column=np.zeros(bidders, dtype=np.int64),
        shared=True,
        creative=_NOBODY_CHOOSES,
    )
    return [tuple(visible)], [_projection(visible, session.visible_columns) for session in sessions], bids


def _own_cells(sessions: Sequence[BidderSession], rows: int) -> Layout:
    """A table for each bidder, by its own cells or by row; bidders that see the same cells share the column."""
    columns = list(dict.fromkeys(session.visible_columns for session in sessions if session.cells))
    sizes = np.array([session.cells or rows for session in sessions], dtype=np.int64)
    column = [columns.index(session.visible_columns) if session.cells else -1 for session in sessions]
    bids = Bids(
        numbers=np.zeros(int(sizes.sum()), dtype=np.int64),
        offset=np.cumsum(sizes) - sizes,
        column=np.array(column, dtype=np.int64),
        shared=False,
        creative=_NOBODY_CHOOSES,
    )
    return columns, [_AS_ASKED] * len(sessions), bids


def _known_until(world: World, columns: Sequence[str], first: int) -> int:
    """Up to which row of the chunk all these columns are known now; ``first`` is the next to be settled."""
    if EXPOSURES in columns:
        return first
    return min([world.known_until(column, first) for column in columns], default=len(world.chunk))


@lru_cache(maxsize=64)
def _no_shortlist(length: int) -> Shortlist:
    """Return the shortlist of no cells, in which nothing changes: all runs share it."""
    return _shortlist(0, length)


def _shortlist(cells: int, length: int) -> Shortlist:
    who, bid = np.zeros((cells, length), dtype=np.int16), np.zeros((cells, length), dtype=np.int64)
    lowest, above = np.zeros((2, AT_ONCE), dtype=np.int64)
    return Shortlist(
        who,
        bid,
        np.zeros(cells, dtype=np.int16),
        np.full(cells, -1, dtype=np.int64),
        np.full(1, -1),
        lowest,
        above,
    )


def _projection(joint: Sequence[VisibleColumn], own: Sequence[VisibleColumn]) -> NDArray[np.int64]:
    """For each joint cell, the cell that a session with the visible ``own`` sees, shape (joint cells,); empty: the same."""
    sizes = [one.codes for one in joint]
    if tuple(joint) == tuple(own):
        return _AS_ASKED
    cell = np.zeros(prod(sizes), dtype=np.int64)
    grid = np.unravel_index(np.arange(len(cell)), sizes) if sizes else ()
    for one in own:
        cell = cell * one.codes + grid[joint.index(one)]
    return cell
