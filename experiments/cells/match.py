"""One match of a tournament: strategies in seats that differ in nothing else, and what hindsight would have made of each seat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import simulate
from jointbid.sim.scenario import MICROS
from jointbid.sim.worth import worth
from jointbid.strategies.hindsight import hindsight

from .bidders import entrants, records, seated
from .cell import Cell, CellResult, label


class Prices:
    """A sink of auctions of one slot that keeps what each seat would have had to pay: the best other bid, or the floor."""

    def __init__(self, seats: int) -> None:
        self._seats, self._parts = seats, [np.empty((seats, 0))]

    def __call__(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Take one block."""
        own = rows["winner"] == np.arange(self._seats)[:, None]
        best_other = np.where(own, rows["other_micros"], rows["bid_micros"])
        self._parts.append(np.maximum(best_other, rows["floor_micros"]).clip(0) / MICROS)

    @property
    def prices(self) -> NDArray[np.float64]:
        """In currency per impression, shape (seats, requests)."""
        return np.concatenate(self._parts, axis=1)


def run_match(cell: Cell) -> CellResult:
    """Simulate a match: a row a seat, with its strategy and the hindsight bound on its profit.

    The bound holds rivals' bids as they were in this very match. It is nan with several slots, and where purchases follow
    months after an impression: none is known there.
    """
    market, strategies = entrants(cell), [label(spec) for _, spec in seated(cell)]
    bounded = len(cell.scenario.auction.slots) == 1 and cell.scenario.journey is None
    prices = Prices(len(market)) if bounded else None
    result = simulate(cell.scenario, market, cell.seed, cell.replication, sink=prices)
    bounds = _bounds(cell, list(market), prices.prices) if prices else [np.nan] * len(market)
    about = {"study_point": cell.point, "arm": cell.treatment, "replication": cell.replication}
    totals = {name: result.market[name] for name in ("revenue", "welfare")}
    rows = [
        {**about, **row, "strategy": strategy, "focal": False, "hindsight_profit": bound, **totals}
        for row, strategy, bound in zip(records(result.bidders), strategies, bounds, strict=True)
    ]
    shown = len(cell.lineup) > 2 and not cell.point
    hours = [{**about, **row} for row in records(result.timeseries)] if shown else []
    return CellResult(rows=rows, timeseries=hours, auctions=int(result.market["requests"]))


def _bounds(cell: Cell, seats: Sequence[str], prices: NDArray[np.float64]) -> list[float]:
    budget = cell.scenario.bidders.budget
    values = worth(cell.scenario, seats, cell.seed, cell.replication)
    return [
        hindsight(value, price, np.inf if budget is None else budget).gain
        for value, price in zip(values, prices, strict=True)
    ]
