"""Replay of a log that this engine wrote: the same auctions, bid by bid, give back the same result.

Every bidder bids what the log says where it won, and nothing where it lost; the highest losing bid, or the winning bid of
the outside, is what it meets. So wins, charges and values come out of the engine anew. Clicks and conversions are those of
the log, as they were drawn once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jointbid.sim import Entrant, LogColumns, RunResult, Scenario, simulate
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.responded import NEVER_US
from jointbid.sim.scenario import HOUR_US, MICROS, MICROS_PER_CPM, LogSupply

from ...errors import BadInput
from ..auction_log_writer import MARKET, TOTALS
from ..formats.jointbid_log import read_own
from .engine import ColumnBids

OUTCOMES = ("value", "click_probability", "conversion_probability")
FROM_ROWS = frozenset(
    {
        "bidder", "advertiser", "requests", "wins", "win_rate", "spend", "value", "profit", "viewed", "reach",
        "clicks_expected", "conversions_expected", "clicks", "clicks_censored", "conversions", "conversions_censored",
        "conversions_unattributed", "budget_left",
    }
)  # fmt: skip
"""Columns of `bidders.csv` that the rows give back. Other columns are taken from the totals in the log's metadata."""
OF_JOURNEYS = frozenset({"value", "profit"})
"""Where accounts are on a journey these include purchases, which no row has."""


@dataclass(frozen=True)
class OwnRun:
    """A log of this engine: its rows, its market, each bidder's advertiser and budget, and the logged run's own totals."""

    path: Path
    rows: pa.Table
    scenario: Scenario
    seats: Mapping[str, tuple[str, float | None]]
    bidders: Mapping[str, list[Any]]
    market: Mapping[str, float]

    @property
    def whole(self) -> bool:
        """Whether all rows of the run are here: totals of the run are of no part of it."""
        return self.rows.num_rows == self.market["requests"]

    @property
    def quoted(self) -> tuple[str, ...]:
        """The columns of `bidders.csv` that rows do not give back."""
        journeys = OF_JOURNEYS if self.scenario.journey is not None else frozenset()
        return tuple(name for name in self.bidders if name not in FROM_ROWS - journeys)


def load_own(path: Path) -> OwnRun:
    """Read a log and the market in its metadata.

    Raises:
        BadInput: no log of this engine, or one of an older version without its market; several slots.
    """
    batches = list(read_own(path))
    metadata = pq.read_metadata(path).metadata or {}
    described, totals = metadata.get(MARKET), json.loads(metadata.get(TOTALS, b"{}"))
    absent = [name for name in OUTCOMES if batches and name not in batches[0].schema.names]
    if described is None or not totals or absent:
        raise BadInput(
            f"{path}: was written by an older version, without the scenario in its metadata; write the log anew with jointbid run"
        )
    if not batches:
        raise BadInput(f"{path}: has no rows")
    market = json.loads(described)
    scenario = Scenario.model_validate_json(json.dumps(market["scenario"]))
    if scenario.auction.slots != (1.0,):
        raise BadInput(
            f"{path}: its slot has the click rate {scenario.auction.slots[0]:g}; a replay knows slots of rate 1"
        )
    seats = {name: (advertiser, budget) for name, (advertiser, budget) in market["seats"].items()}
    return OwnRun(path, pa.Table.from_batches(batches), scenario, seats, totals["bidders"], totals["market"])


def replay_own(own: OwnRun, seed: int) -> RunResult:
    """Return the result of the run that was logged, with outcomes as they were logged.

    What rows do not give back is quoted from the log's totals; nan where some rows of the run are not in the log.
    """
    winner = own.rows["seat"].combine_chunks().cast(pa.string())
    columns = _columns(own, winner)
    scenario = Scenario(
        name=own.scenario.name,
        currency=own.scenario.currency,
        supply=LogSupply(path=str(own.path), format="jointbid", horizon_h=own.scenario.supply.horizon_h),
        auction=own.scenario.auction.model_copy(
            update={"tmax_ms": None, "throttle": None, "bidder_floor_cpm": {}, "floor_steps": ()}
        ),
        engine=own.scenario.engine,
    )
    entrants = {
        name: Entrant(ColumnBids(name), budget=budget, advertiser=advertiser)
        for name, (advertiser, budget) in own.seats.items()
    }
    result = simulate(scenario, entrants, seed, log=columns)
    outcomes = [_outcomes(own, winner, name) for name in own.seats]
    found = dict(result.bidders) | {name: np.array([one[name] for one in outcomes]) for name in outcomes[0]}
    found["reach"] = _reach(own, winner)
    for name in own.quoted:
        found[name] = np.array(own.bidders[name]) if own.whole else np.full(len(own.seats), np.nan)
    series = dict(result.timeseries)
    if own.scenario.journey is not None:
        series["value"] = np.full(len(series["value"]), np.nan)
    quoted = {name: total if own.whole else np.nan for name, total in own.market.items()}
    from_rows = {
        name: result.market[name] for name in ("requests", "revenue", "exchange_fee", "publisher_revenue")
    }
    bidders = {name: found[name] for name in own.bidders}
    return replace(result, bidders=bidders, timeseries=series, market=quoted | from_rows)


def notes_of(own: OwnRun) -> tuple[str, ...]:
    """Say what the replay works out from rows, what it quotes, and what it has no number for."""
    lacking = ["multiplier of timeseries.csv"]
    if own.scenario.journey is not None:
        lacking += ["value of timeseries.csv (with journeys)", "journey.csv"]
    if own.scenario.stock is not None:
        lacking.append("stock.csv")
    columns = ", ".join(own.quoted)
    requests = int(own.market["requests"])
    quoted = (
        f"no row of the log gives {columns}: they are the logged run's own totals, quoted from the log's metadata"
        if own.whole
        else f"the log has {own.rows.num_rows:,} of the run's {requests:,} rows; no row gives {columns}, and they stay empty"
    )
    return (
        quoted,
        f"not in a log, and so not in its replay: {', '.join(lacking)}; calendar.csv is the replay's own",
    )


def _columns(own: OwnRun, winner: pa.Array) -> LogColumns:
    """Return what the bidders met, and what they bid where they won."""
    rows = own.rows
    sold = np.asarray(pc.is_valid(winner))
    bid, other = (_micros(rows[name]) for name in ("bid", "other_bid"))
    floor = np.rint(np.asarray(rows["bidfloor"]) * MICROS_PER_CPM).astype(np.int64)
    paid = np.asarray(rows["paid_micros"])
    # A tie that was won, or a floor of the bidder's own: what was paid then is a floor that a rival's bid does not show.
    hidden = sold & ((other == bid) | ((paid != bid) & (paid > np.maximum(other, floor))))
    price = np.where(sold, np.where(hidden & (other == bid), other - 1, other), bid)
    at = rows["at"].combine_chunks()
    numbers = np.array([MECHANISMS[name] for name in at.dictionary.to_pylist()], dtype=np.int8)
    names = np.array(pc.fill_null(winner, "").to_pylist(), dtype=object)
    return LogColumns(
        time_us=np.asarray(rows["time_us"]),
        price_micros=price,
        floor_micros=np.where(hidden, np.maximum(floor, paid), floor),
        weight=np.ones(len(names)),
        value=np.asarray(pc.fill_null(rows["value"], 0.0)),
        click=np.zeros(len(names)),
        columns={name: np.where(names == name, bid, 0) / MICROS for name in own.seats},
        mechanism=numbers[np.asarray(at.indices)],
    )


def _micros(column: Any) -> NDArray[np.int64]:
    """Return prices in whole micros; -1 for no price."""
    cpm = np.asarray(pc.fill_null(column, -1.0 / MICROS_PER_CPM))
    return np.rint(cpm * MICROS_PER_CPM).astype(np.int64)


def _outcomes(own: OwnRun, winner: pa.Array, seat: str) -> dict[str, float]:
    """Return what one bidder's impressions led to, as `bidders.csv` counts it."""
    mine = own.rows.filter(pc.fill_null(pc.equal(winner, seat), fill_value=False))
    end_us = int(own.scenario.supply.horizon_h * HOUR_US)
    click_us, conversion_us = (
        np.asarray(pc.fill_null(mine[f"{what}_time_us"], NEVER_US)) for what in ("click", "conversion")
    )
    clicked, converted = click_us != NEVER_US, conversion_us != NEVER_US
    counts = np.asarray(pc.fill_null(mine["attributed"], fill_value=False)) & converted
    return {
        "viewed": float(np.asarray(pc.fill_null(mine["viewed"], fill_value=False)).sum()),
        "clicks_expected": _in_order(mine["click_probability"]),
        "conversions_expected": _in_order(mine["conversion_probability"]),
        "clicks": float((clicked & (click_us <= end_us)).sum()),
        "clicks_censored": float((clicked & (click_us > end_us)).sum()),
        "conversions": float((counts & (conversion_us <= end_us)).sum()),
        "conversions_censored": float((counts & (conversion_us > end_us)).sum()),
        "conversions_unattributed": float((converted & ~counts).sum()),
    }


def _in_order(column: Any) -> float:
    """Return the sum as the ledger adds it, one after the other."""
    values = np.asarray(pc.fill_null(column, 0.0), dtype=np.float64)
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def _reach(own: OwnRun, winner: pa.Array) -> NDArray[np.float64]:
    """Return, for each bidder, the people whose first impression of the advertiser it was; all of them where people are unknown."""
    seen = np.asarray(pc.fill_null(own.rows["viewed"], fill_value=False))
    names = np.array(pc.fill_null(winner, "").to_pylist(), dtype=object)
    person = np.asarray(pc.fill_null(own.rows["user"], -1))
    if own.scenario.audience.people is None:
        return np.array([float((seen & (names == name)).sum()) for name in own.seats])
    advertisers = list(dict.fromkeys(advertiser for advertiser, _ in own.seats.values()))
    number = {name: advertisers.index(advertiser) for name, (advertiser, _) in own.seats.items()}
    rows = np.flatnonzero(seen & (names != ""))
    key = np.array([number[name] for name in names[rows]], dtype=np.int64) * 2**40 + person[rows]
    _, first = np.unique(key, return_index=True)
    return np.array([float((names[rows[first]] == name).sum()) for name in own.seats])
