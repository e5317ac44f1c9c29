"""A log's replay through the engine: the log's market price is the highest rival bid, one ledger keeps the budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.logs import LogTable
from sim import AccountState, Entrant, Feedback, LogColumns, Scenario, VisibleRequests, simulate
from sim.scenario import MICROS, LogSupply


class ColumnBids:
    """Bids what the column `bid` says, in currency per impression."""

    reads = ("bid",)
    learns = False

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Answer the column."""
        return requests["bid"]

    def observe(self, feedback: Feedback) -> None:
        """Learn nothing."""

    def control(self, state: AccountState) -> None:
        """Leave the bids alone: their gain was tuned beforehand."""


def replay(
    log: LogTable, values: NDArray[np.float64], bids: NDArray[np.float64], budget: float | None, seed: int
) -> NDArray[np.bool_]:
    """Return which rows a bidder wins in a second-price auction against the log's prices; shape (rows,).

    A row that is won costs weight x price and is bought whole; a bid is capped at what the budget still allows for.

    Args:
        log: in order of time.
        values: worth of a click, micros, shape (rows,).
        bids: micros per impression, shape (rows,).
        budget: in currency; None for no limit.
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
        columns={"bid": np.rint(bids) / MICROS},
    )
    won = np.zeros(len(log), dtype=np.bool_)

    def note(block: Mapping[str, NDArray[Any]]) -> None:
        won[block["position"]] = block["winner"] == 0

    hours = float(frame["time_us"].max()) / 3.6e9 + 1
    scenario = Scenario(
        name="replay", currency=log.currency, supply=LogSupply(path=log.path, horizon_h=hours)
    )
    simulate(scenario, {"focal": Entrant(ColumnBids(), budget=budget)}, seed, log=columns, sink=note)
    return won
