"""One game of the benchmark: a strategy in the first seat of a market, and what hindsight would have made of that seat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Entrant, Feedback, LogColumns, RunResult, Scenario, VisibleRequests, simulate
from jointbid.sim.scenario import MICROS, LogSupply
from jointbid.sim.worth import worth
from jointbid.strategies.base import SIGMA, VALUE, Policy, Priced
from jointbid.strategies.hindsight import hindsight, hindsight_cpa, hindsight_slots, penalised
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import make

from .bidders import entrants, information, valuation
from .cell import Cell, CellResult, MarketKey, cell_result, label

US_PER_H = 3.6e9
SEAT = "seat_1"


class SlotPrices:
    """A sink that keeps the least bid with which the first seat would have won each slot; currency per unit of click rate."""

    def __init__(self, slots: int) -> None:
        self._slots, self._parts = slots, [np.empty((0, slots))]

    def __call__(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Take one block."""
        shape = (-1, self._slots)
        own = rows["winner"].reshape(shape) == 0
        bids = np.where(own, -1, rows["bid_micros"].reshape(shape))
        other = np.where(own.any(axis=1), rows["other_micros"].reshape(shape)[:, 0], -1)
        ranked = -np.sort(-np.column_stack([bids, other]), axis=1)[:, : self._slots]
        floor = rows["floor_micros"].reshape(shape)
        self._parts.append(np.maximum(ranked, floor).clip(0) / MICROS)

    @property
    def prices(self) -> NDArray[np.float64]:
        """Shape (requests, slots)."""
        return np.concatenate(self._parts)


def run_game(cell: Cell) -> CellResult:
    """Simulate one game: a row for the first seat, with its ``utility`` and the ``bound`` that hindsight sets to it.

    Utility is the expected profit; with ``target_cpa`` it is expected conversions with the penalty of AuctionNet's score. The bound
    holds the other bids as they were in this very game.
    """
    scenario = cell.scenario
    if cell.replayed:
        result, value, prices = _replay(cell)
    else:
        sink = SlotPrices(len(scenario.auction.slots))
        result = simulate(scenario, entrants(cell), cell.seed, cell.replication, sink=sink)
        value, prices = worth(scenario, [SEAT], cell.seed, cell.replication)[0], sink.prices
    budget = math.inf if scenario.bidders.budget is None else scenario.bidders.budget
    row = result.of(SEAT)
    if cell.target_cpa is None:
        utility = row["profit"]
        rates = scenario.auction.slots
        bound = (
            hindsight(value, prices[:, 0], budget).gain
            if len(rates) == 1
            else hindsight_slots(value, prices, rates, budget)
        )
    else:
        utility = penalised(row["conversions_expected"], row["spend"], cell.target_cpa)
        a_sale = float(np.max(scenario.response.conversion.value)) if scenario.response.conversion else 1.0
        bound = hindsight_cpa(value / a_sale, prices[:, 0], cell.target_cpa, budget)
    strategy = label(cell.lineup[0])
    further = [{"strategy": strategy, "focal": True, "utility": utility, "bound": bound}]
    found = cell_result(cell, _first(result), further, ("revenue", "welfare"), hours=False)
    return CellResult(found.rows, [], found.auctions)


def _first(result: RunResult) -> RunResult:
    """Return the result with the row of the first seat alone."""
    return replace(result, bidders={name: column[:1] for name, column in result.bidders.items()})


class Recorder(Policy):
    """Never bids; keeps its requests with their values and prices in a list that its copies share."""

    reads = None
    may_read = (SIGMA,)
    learns = True

    def __init__(self, log: list[Feedback]) -> None:
        self.log = log

    def __deepcopy__(self, memo: dict[int, Any]) -> Recorder:
        return self

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """No bids."""
        return np.zeros(requests.n)

    def observe(self, feedback: Feedback) -> None:
        """Keep the feedback."""
        if feedback.requests.n:
            self.log.append(feedback)


def _replay(cell: Cell) -> tuple[RunResult, NDArray[np.float64], NDArray[np.float64]]:
    """Return the run of the cell's strategy on the log, and the values and prices of the log's rows."""
    market, log = _log_of(cell)
    spec, names = cell.lineup[0], tuple(name for name in log.names if name != SIGMA)
    policy = make(spec, MarketFacts.of(market), cell.scenario.engine.strategy_timeout_s)
    entrant = Entrant(policy, names, cell.scenario.bidders.budget, strategy_name=spec.name)
    result = simulate(market, {SEAT: entrant}, cell.seed, cell.replication, log=log)
    return result, log.value, (log.price_micros / MICROS)[:, None]


def _log_of(cell: Cell) -> tuple[Scenario, LogColumns]:
    """Return the log of a replication as the holder of an arm's data has it, and the market that policies know of it."""
    learned = cell.valuation, cell.train_requests, cell.learner
    return _written(MarketKey.of(cell.scenario), cell.arm, *learned, cell.seed, cell.replication)


@lru_cache(maxsize=4)
def _written(
    market: MarketKey, arm: str, valued: str, train_requests: int, learner: str, seed: int, replication: int
) -> tuple[Scenario, LogColumns]:
    """Write the log: one advertiser that never bids records time, price and its own data of each request."""
    scenario = market.scenario
    learned: dict[str, Any] = {"train_requests": train_requests, "learner": learner}
    cell = Cell(scenario, arm, valued, seed=seed, replication=replication, **learned)
    parts: list[Feedback] = []
    held = information(cell, arm)
    recorder = Entrant(Priced(valuation(cell, arm), Recorder(parts)), held)
    simulate(scenario, {SEAT: recorder}, seed, replication)
    position = np.concatenate([part.position for part in parts])
    columns = {
        name: np.concatenate([part.requests[name] for part in parts]).astype(np.float64)
        for name in ("hour", VALUE, SIGMA, *held)
    }
    time_us = np.rint(columns.pop("hour") * US_PER_H).astype(np.int64)
    price = np.concatenate([part.minimum_bid_to_win for part in parts])
    n = len(position)
    log = LogColumns(
        time_us=time_us,
        price_micros=np.rint(price * MICROS).astype(np.int64),
        floor_micros=np.zeros(n, np.int64),
        weight=np.ones(n),
        value=worth(scenario, [SEAT], seed, replication)[0][position],
        click=np.zeros(n),
        columns=columns,
    )
    supply = LogSupply(path="benchmark", horizon_h=scenario.supply.horizon_h)
    parts_of_market = {
        "rivals": scenario.rivals.model_copy(update={"context_slope": 0.0}),
        "bidders": scenario.bidders,
    }
    return Scenario(name=scenario.name, supply=supply, **parts_of_market), log
