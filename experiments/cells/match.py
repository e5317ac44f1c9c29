"""One match of a tournament: strategies in seats that differ in nothing else, and what hindsight would have made of each seat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Entrant, simulate
from jointbid.sim.opening_hours import DAY_H, changes
from jointbid.sim.scenario import HOUR_US, Terms
from jointbid.sim.worth import worth
from jointbid.strategies.hindsight import hindsight

from .bidders import drawn_by, entrants, seated
from .cell import Cell, CellResult, cell_result, label
from .met_prices import MetPrices


def run_match(cell: Cell) -> CellResult:
    """Simulate a match: a row a seat, with its strategy and the hindsight bound on its profit.

    The bound holds rivals' bids as they were in this very match, and knows the budgets, flights and day parts of the seat, but not its
    caps and holdout. It is nan with several slots, and where purchases follow
    months after an impression: none is known there.
    """
    bidders, strategies = entrants(cell), [label(spec) for _, spec in seated(cell)]
    bounded = len(cell.scenario.auction.slots) == 1 and cell.scenario.journey is None
    prices = MetPrices(list(bidders), list(bidders)) if bounded else None
    result = simulate(cell.scenario, bidders, cell.seed, cell.replication, sink=prices, drawn=drawn_by(cell))
    bounds = _bounds(cell, bidders, prices) if prices else [np.nan] * len(bidders)
    further = [
        {"strategy": strategy, "focal": False, "hindsight_profit": bound}
        for strategy, bound in zip(strategies, bounds, strict=True)
    ]
    hours = len(cell.lineup) > 2 and not cell.study_point
    return cell_result(cell, result, further, ("revenue", "welfare"), hours=hours)


def _bounds(cell: Cell, bidders: Mapping[str, Entrant], prices: MetPrices) -> list[float]:
    scenario, time_us = cell.scenario, prices.time_us
    values = worth(scenario, list(bidders), cell.seed, cell.replication)
    return [
        _bound(
            entrant.terms or scenario.bidders.terms,
            entrant.budget,
            scenario.supply.horizon_h,
            value,
            prices.prices(seat),
            time_us,
        )
        for (seat, entrant), value in zip(bidders.items(), values, strict=True)
    ]


def _bound(
    terms: Terms,
    budget: float | None,
    horizon_h: float,
    value: NDArray[np.float64],
    price: NDArray[np.float64],
    time_us: NDArray[np.int64],
) -> float:
    """The most that one seat could have gained on its terms."""
    since_us, may_bid = (np.array(column) for column in zip(*changes(terms, horizon_h), strict=True))
    here = may_bid[np.searchsorted(since_us, time_us, side="right") - 1]
    limits = [np.inf if limit is None else limit for limit in (budget, terms.daily_budget)]
    return hindsight(
        value[here], price[here], limits[0], day=time_us[here] // (DAY_H * HOUR_US), daily_budget=limits[1]
    ).gain
