"""All bidders' bids, laid out for the kernel: asked once per visible cell where that is possible, row by row where not.

Where all bidders see cells that are few when put together (one column of joint cells serves them all), a shortlist per cell
spares the kernel from looking at every bidder on every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Bids, Shortlist
from .auction.rounding import enter_bids
from .bidder_session import MAX_CELLS, BidderSession, VisibleColumn
from .exposures import EXPOSURES
from .scenario import HOUR_US
from .scenario.base import MAX_CHARGE_MICROS, MAX_MONEY, MICROS
from .trial import BidResponse
from .visible import BidError
from .world import World

SPARE = 3
"""A shortlist is this much longer than the bids that an auction needs."""
FEW = 4
"""With no more bidders than this, looking at all of them is as fast."""


_AS_ASKED = np.empty(0, dtype=np.int64)
_NOBODY_CHOOSES = np.empty(0, dtype=np.int16)
ROTATED = -1


class BidTables:
    """Cells and bids of one run. ``cells`` is the chunk's visible cells, shape (columns, n)."""

    def __init__(self, sessions: Sequence[BidderSession], world: World, rows: int, slots: int) -> None:
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
        self._begins = self.bids.offset.copy()
        self._rows = rows
        self._filled = [0] * len(self.columns)
        """Up to which row of the chunk the cells of each column are there."""
        self._asked = [0] * len(sessions)
        """Up to which row of the chunk the bids are there, of bidders that are asked row by row."""
        self.asks_ahead = False
        """Whether a bidder that learns nothing in the run is asked about all requests that are known by now."""
        if any(session.chooses for session in sessions):
            self.bids = self.bids._replace(creative=np.full(len(self.bids.numbers), ROTATED, dtype=np.int16))
        self.shortlist = _shortlist(joint if shared and len(sessions) > FEW else 0, slots + 1 + SPARE)

    def load(self, cells: NDArray[np.int32], scale: float) -> None:
        """Turn to the visible cells of a new chunk, shape (columns, n).

        ``scale`` is the most that a bid of 1 can cost there: rows that stand for many impressions lower the highest bid.
        """
        most = MAX_CHARGE_MICROS / MICROS / scale
        if most < self._most_bid:
            self._most_bid = most
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
            if session.cells is None:
                if not is_open[number]:
                    self.bids.offset[number] = self._begins[number] - part.start
                    self._asked[number] = 0
                    self._enter_none(number, part.stop - part.start)
                    continue
                if session.is_stale or self._asked[number] < part.stop:
                    self.bids.offset[number] = self._begins[number] - part.start
                    until = self._ask_until(number, world, part)
                    if until > part.stop and self._asks_all(number, world, slice(part.start, until)):
                        self._asked[number] = until
                    else:
                        self._asked[number] = part.stop
                        self._enter(number, session.bid_rows(world, part), world, part, now_us)
            elif session.is_stale:
                self._enter(number, session.bid_cells(now_us / HOUR_US), world, part, now_us)

    def _ask_until(self, number: int, world: World, part: slice) -> int:
        """Up to which row a bidder that is asked row by row can be asked about now."""
        session, last = self._sessions[number], int(part.stop)
        if not (self.asks_ahead and session.is_blind):
            return last
        return min(int(part.start) + self._rows, _known_until(world, session.reads, last))

    def _asks_all(self, number: int, world: World, rows: slice) -> bool:
        """Enter a bidder's bids on these rows; where one is wrong return False, and ask no bidder ahead any more.

        The error belongs to the block in which it is met.
        """
        try:
            response = self._sessions[number].bid_rows(world, rows)
        except BidError:
            self.asks_ahead = False
            return False
        self.asks_ahead = self._enter_numbers(number, response) < 0
        return self.asks_ahead

    def _enter(self, number: int, response: BidResponse, world: World, part: slice, now_us: int) -> None:
        """Write a bidder's bids, on its cells or on these rows, and its creatives beside them."""
        wrong = self._enter_numbers(number, response)
        if wrong >= 0:
            bid, hour = float(response.bids[wrong]), now_us / HOUR_US
            self._sessions[number].refuse(bid, wrong, world, part, hour, self._most_bid)

    def _enter_numbers(self, number: int, response: BidResponse) -> int:
        """Write bids and creatives; return the place of the first bid that is wrong, or -1."""
        begin, own_cell = int(self._begins[number]), self._own_cell[number]
        wrong = enter_bids(
            response.bids, self._most_bid, own_cell, self.bids.numbers, begin, self.bids.stride
        )
        if wrong < 0 and self._sessions[number].chooses:
            self._enter_creatives(response, own_cell, begin)
        return int(wrong)

    def _enter_none(self, number: int, n: int) -> None:
        """Write that a bidder makes no bid on ``n`` rows."""
        begin, stride = int(self._begins[number]), self.bids.stride
        self.bids.numbers[begin : begin + stride * n : stride] = 0

    def _enter_creatives(self, response: BidResponse, own_cell: NDArray[np.int64], begin: int) -> None:
        """Write the creatives beside the bids that they are for."""
        n, stride = len(own_cell) or len(response.bids), self.bids.stride
        places = self.bids.creative[begin : begin + stride * n : stride]
        if response.creatives is None:
            places[:] = ROTATED
        else:
            places[:] = response.creatives[own_cell] if len(own_cell) else response.creatives

    def of(self, number: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """One bidder's bids on some rows of the chunk, in micros; shape as ``rows``."""
        column, offset = self.bids.column[number], self.bids.offset[number]
        at = self.bids.stride * self.cells[column, rows] if column >= 0 else rows
        return np.asarray(self.bids.numbers[offset + at])

    def fill_settled(self, world: World, cells: NDArray[np.int32]) -> None:
        """Fill in the visible cells of a chunk that are known ahead."""
        for number in self._settled:
            self._fill(world, number, cells[number], slice(0, cells.shape[1]))

    def _fill(self, world: World, number: int, row: NDArray[np.int32], part: slice) -> None:
        cell = row[part]
        cell[:] = 0
        for one in self.columns[number]:
            cell *= np.int32(one.codes)
            if one.column == EXPOSURES and world.exposures is not None:
                cell += world.exposures.of(one.owner)
            else:
                cell += world.column(one.owner, one.column, part)


Layout = tuple[list[tuple[VisibleColumn, ...]], list[NDArray[np.int64]], Bids]
"""What each column of cells is made of, each bidder's own cell in it, and the bids."""


def _joint_cells(sessions: Sequence[BidderSession], visible: list[VisibleColumn], joint: int) -> Layout:
    """One column of cells for all: a cell's bids lie side by side."""
    bidders = len(sessions)
    bids = Bids(
        numbers=np.zeros(joint * bidders, dtype=np.int64),
        offset=np.arange(bidders),
        column=np.zeros(bidders, dtype=np.int64),
        stride=bidders,
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
        stride=1,
        shared=False,
        creative=_NOBODY_CHOOSES,
    )
    return columns, [_AS_ASKED] * len(sessions), bids


def _known_until(world: World, columns: Sequence[str], first: int) -> int:
    """Up to which row of the chunk all these columns are known now; ``first`` is the next to be settled."""
    if EXPOSURES in columns:
        return first
    return min([world.known_until(column, first) for column in columns], default=len(world.chunk))


def _shortlist(cells: int, length: int) -> Shortlist:
    who, bid = np.zeros((cells, length), dtype=np.int16), np.zeros((cells, length), dtype=np.int64)
    return Shortlist(who, bid, np.zeros(cells, dtype=np.int16), np.full(cells, -1, dtype=np.int64))


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
