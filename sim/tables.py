"""All desks' bids, laid out for the kernel: asked once per visible cell where that is possible, row by row where not.

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
from .desk import MAX_CELLS, Desk, Facet
from .scenario import HOUR_US
from .scenario.base import MAX_CHARGE_MICROS, MAX_MONEY, MICROS
from .supply import Chunk
from .trial import Answer
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

    bids: Bids

    def __init__(self, desks: Sequence[Desk], world: World, rows: int, slots: int) -> None:
        self._desks, self._world = desks, world
        self._most_bid = MAX_MONEY
        facets = list(dict.fromkeys(facet for desk in desks for facet in desk.facets))
        joint = prod(facet.codes for facet in facets)
        shared = bool(desks) and all(desk.cells for desk in desks) and joint <= MAX_CELLS
        if shared:
            self._lay_out_joint_cells(facets, joint)
        else:
            self._lay_out_own_cells(rows)
        self._begins = self.bids.offset.copy()
        if any(desk.chooses for desk in desks):
            self.bids = self.bids._replace(creative=np.full(len(self.bids.numbers), ROTATED, dtype=np.int16))
        self.shortlist = _shortlist(joint if shared and len(desks) > FEW else 0, slots + 1 + SPARE)

    def _lay_out_joint_cells(self, facets: list[Facet], joint: int) -> None:
        """One column of cells for all: a cell's bids lie side by side."""
        bidders = len(self._desks)
        self.columns = [tuple(facets)]
        self._own_cell = [_projection(facets, desk.facets) for desk in self._desks]
        self.bids = Bids(
            numbers=np.zeros(joint * bidders, dtype=np.int64),
            offset=np.arange(bidders),
            column=np.zeros(bidders, dtype=np.int64),
            stride=bidders,
            shared=True,
            creative=_NOBODY_CHOOSES,
        )

    def _lay_out_own_cells(self, rows: int) -> None:
        """A table for each bidder, by its own cells or by row; bidders who see the same cells share the column."""
        self.columns = list(dict.fromkeys(desk.facets for desk in self._desks if desk.cells))
        self._own_cell = [_AS_ASKED] * len(self._desks)
        sizes = np.array([desk.cells or rows for desk in self._desks], dtype=np.int64)
        column = [self.columns.index(desk.facets) if desk.cells else -1 for desk in self._desks]
        self.bids = Bids(
            numbers=np.zeros(int(sizes.sum()), dtype=np.int64),
            offset=np.cumsum(sizes) - sizes,
            column=np.array(column, dtype=np.int64),
            stride=1,
            shared=False,
            creative=_NOBODY_CHOOSES,
        )

    def load(self, cells: NDArray[np.int32], scale: float) -> None:
        """Fill in the visible cells of a new chunk, shape (columns, n), as far as they are settled.

        ``scale`` is the most that a bid of 1 can cost there: rows that stand for many impressions lower the highest bid.
        """
        most = MAX_CHARGE_MICROS / MICROS / scale
        if most < self._most_bid:
            self._most_bid = most
            for desk in self._desks:
                desk.stale = True
        self.cells = cells
        self._fill(slice(0, cells.shape[1]), settled=True)

    def ask(self, chunk: Chunk, part: slice, now_us: int) -> None:
        """Fill in what is only known now, and ask every desk that must be asked; bids are rounded half to even."""
        self._fill(part, settled=False)
        for number, desk in enumerate(self._desks):
            if desk.cells is None:
                answer = desk.bid_rows(chunk, part)
                self.bids.offset[number] = self._begins[number] - part.start
            elif desk.stale:
                answer = desk.bid_cells(now_us / HOUR_US)
            else:
                continue
            begin, stride = int(self._begins[number]), self.bids.stride
            own_cell, bids = self._own_cell[number], answer.bids
            wrong = enter_bids(bids, self._most_bid, own_cell, self.bids.numbers, begin, stride)
            if wrong >= 0:
                desk.refuse(float(bids[wrong]), wrong, chunk, part, now_us / HOUR_US, self._most_bid)
            if desk.chooses:
                self._enter_creatives(answer, own_cell, begin)

    def _enter_creatives(self, answer: Answer, own_cell: NDArray[np.int64], begin: int) -> None:
        """Write the creatives beside the bids that they are for."""
        n, stride = len(own_cell) or len(answer.bids), self.bids.stride
        places = self.bids.creative[begin : begin + stride * n : stride]
        if answer.creatives is None:
            places[:] = ROTATED
        else:
            places[:] = answer.creatives[own_cell] if len(own_cell) else answer.creatives

    def of(self, number: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """One bidder's bids on some rows of the chunk, in micros; shape as ``rows``."""
        column, offset = self.bids.column[number], self.bids.offset[number]
        at = self.bids.stride * self.cells[column, rows] if column >= 0 else rows
        return np.asarray(self.bids.numbers[offset + at])

    def _fill(self, part: slice, *, settled: bool) -> None:
        for row, facets in zip(self.cells, self.columns, strict=True):
            if all(self._world.is_settled(facet.column) for facet in facets) == settled:
                cell = row[part]
                cell[:] = 0
                for facet in facets:
                    cell *= np.int32(facet.codes)
                    cell += self._world.column(facet.owner, facet.column, part)


def _shortlist(cells: int, length: int) -> Shortlist:
    who, bid = np.zeros((cells, length), dtype=np.int16), np.zeros((cells, length), dtype=np.int64)
    return Shortlist(who, bid, np.zeros(cells, dtype=np.int16), np.full(cells, -1, dtype=np.int64))


def _projection(joint: Sequence[Facet], own: Sequence[Facet]) -> NDArray[np.int64]:
    """For each joint cell, the cell that a desk with the facets ``own`` sees, shape (joint cells,); empty: the same."""
    sizes = [facet.codes for facet in joint]
    if tuple(joint) == tuple(own):
        return _AS_ASKED
    cell = np.zeros(prod(sizes), dtype=np.int64)
    grid = np.unravel_index(np.arange(len(cell)), sizes) if sizes else ()
    for facet in own:
        cell = cell * facet.codes + grid[joint.index(facet)]
    return cell
