"""A log's replay through the engine: the log's market price is the highest rival bid, one ledger keeps the budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import AccountState, Entrant, Feedback, LogColumns, Scenario, VisibleRequests, simulate
from jointbid.sim.scenario import MICROS, LogSupply

from ..log_table import LogTable


class ColumnBids:
    """Bids what a column says, in currency per impression."""

    learns = False

    def __init__(self, column: str) -> None:
        self.reads = (column,)
        self._column = column

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Answer the column."""
        return requests[self._column]

    def observe(self, feedback: Feedback) -> None:
        """Learn nothing."""

    def control(self, state: AccountState) -> None:
        """Leave the bids alone: their gain was tuned beforehand."""


def replay(
    log: LogTable,
    values: NDArray[np.float64],
    bids: Mapping[str, NDArray[np.float64]],
    budget: float | None,
    seed: int,
) -> NDArray[np.bool_]:
    """Return which rows an advertiser wins in a second-price auction against the log's prices; shape (rows,).

    A row that is won costs weight x price and is bought whole; a bid is capped at what its budget still allows for. Of
    several departments the higher bid competes: they never bid against each other.

    Args:
        log: in order of time.
        values: worth of a click, micros, shape (rows,).
        bids: of each department, micros per impression, shape (rows,).
        budget: of each department, in currency; None for no limit.
        seed: breaks ties between a bid and a price.
    """
    frame = log.frame
    columns = LogColumns(
        time_us=frame["time_us"].to_numpy(),
        price_micros=frame["price_micros"].to_numpy(),
        floor_micros=frame["floor_micros"].to_numpy(),
        weight=frame["weight"].to_numpy(),
        value=frame["click"].to_numpy() * values / MICROS,
        click=frame["click"].to_numpy(dtype=np.float64),
        columns={name: np.rint(bid) / MICROS for name, bid in bids.items()},
    )
    hours = float(frame["time_us"].max()) / 3.6e9 + 1
    scenario = Scenario(
        name="replay", currency=log.currency, supply=LogSupply(path=log.path, horizon_h=hours)
    )
    entrants = {name: Entrant(ColumnBids(name), budget=budget, advertiser="focal") for name in bids}
    return rows_won(scenario, entrants, seed, columns)


def rows_won(
    scenario: Scenario, entrants: Mapping[str, Entrant], seed: int, columns: LogColumns
) -> NDArray[np.bool_]:
    """Return which rows of a log the entrants win; shape (rows,)."""
    won = np.zeros(len(columns), dtype=np.bool_)

    def note(block: Mapping[str, NDArray[Any]]) -> None:
        won[block["position"]] = block["winner"] >= 0

    simulate(scenario, entrants, seed, log=columns, sink=note)
    return won
