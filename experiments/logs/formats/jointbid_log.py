"""The auction log that this engine writes (docs/auction-log.md), as the log of one of its bidders.

Of a request that the bidder won the price is the best other bid; of any other it is the winning bid, so that here losing
rows are known too. Multi-slot logs have no single price to beat, and are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jointbid.sim.scenario import MICROS_PER_CPM

from ...errors import BadInput, closest
from ..auction_log_writer import MARKET
from ..log_table import Reader, Roles
from ..rows import log_columns as make
from ..rows.compression import BROKEN, why
from ..rows.row_audit import RowAudit

SEAT = "focal"
NEEDED = (
    "id", "slot", "time_us", "user", "at", "bidfloor", "sold_to", "seat", "bid", "other_bid", "price", "paid_micros",
    "clicked", "converted",
)  # fmt: skip
ROLES = Roles(context=("hour",), ad=("at",))
FACT = "the log of a simulated run: one row a request, won or lost; a click is known of the seat's own impressions"


def jointbid_log(files: Sequence[Path], seat: str = SEAT) -> Reader:
    """Read `auctions.parquet`, as seen by one seat."""

    def chunks(audit: RowAudit) -> Iterator[pa.Table]:
        for place, file in enumerate(files):
            # People are numbered anew in each run.
            run = f"{place}/" if len(files) > 1 else ""
            for batch in read_own(file, audit):
                won = np.asarray(
                    pc.fill_null(pc.equal(batch["seat"].cast(pa.string()), seat), fill_value=False)
                )
                bid, other = (np.asarray(pc.fill_null(batch[name], 0.0)) for name in ("bid", "other_bid"))
                floor = make.micros(np.asarray(batch["bidfloor"]), MICROS_PER_CPM)
                time_us = np.asarray(batch["time_us"])
                seen = {
                    name: np.asarray(pc.fill_null(batch[name], fill_value=False)) & won
                    for name in ("clicked", "converted")
                }
                yield make.chunk(
                    {
                        "time_us": time_us,
                        "campaign": make.constant(seat, len(batch)),
                        "click": seen["clicked"].astype(np.int64),
                        "price_micros": np.maximum(
                            make.micros(np.where(won, other, bid), MICROS_PER_CPM), floor
                        ),
                        "floor_micros": floor,
                        "user": pc.fill_null(
                            pc.binary_join_element_wise(run, batch["user"].cast(pa.string()), ""), ""
                        ),
                        "conversion": seen["converted"].astype(np.int64),
                        "known": won,
                        "bid_micros": make.micros(np.where(won, bid, 0.0), MICROS_PER_CPM),
                        "hour": make.whole_numbers(time_us // make.HOUR_US % 24, 23),
                        "at": batch["at"],
                    }
                )

    return Reader(ROLES, (FACT,), full_information=True, chunks=chunks)


def read_own(path: Path, audit: RowAudit | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of an auction log; `audit`, where given, counts their rows.

    Raises:
        BadInput: no auction log of this engine, a damaged one, one of several slots, or one whose bids were not ranked by bid.
    """
    done = 0
    try:
        with pq.ParquetFile(path) as file:
            absent = [name for name in NEEDED if name not in file.schema_arrow.names]
            if absent:
                raise BadInput(
                    [f"{path}: column {name!r} is missing{closest(name, file.schema_arrow.names)}; this is no log of jointbid run"
                     for name in absent]
                )  # fmt: skip
            if (rule := _ranking_of(file)) != "bid":
                raise BadInput(
                    f"{path}: bids were ranked by auction.rank.rule = {rule}; a replay ranks by bid, as prices to beat are bids"
                )
            for batch in file.iter_batches(batch_size=131_072):
                slots = np.flatnonzero(np.asarray(batch["slot"]) > 0)
                if len(slots):
                    row = done + int(slots[0]) + 1
                    raise BadInput(
                        f"{path}, row {row}, column 'slot': {batch['slot'][int(slots[0])].as_py()} is not 0: the log is of "
                        "several slots, and a replay sells one"
                    )
                done += len(batch)
                if audit is not None:
                    audit.read += len(batch)
                yield batch
    except BROKEN as error:
        raise BadInput(f"{path}: cannot be read on after row {done}: {why(error)}") from error


def _ranking_of(file: pq.ParquetFile) -> str:
    """Return the rule that ranked the bids, by the market in the log's metadata."""
    market = json.loads((file.metadata.metadata or {}).get(MARKET, b"{}"))
    return str(market.get("scenario", {}).get("auction", {}).get("rank", {}).get("rule", "bid"))


def seats_of(path: Path) -> list[str]:
    """Return the bidders that won something in an auction log."""
    seen: dict[str, None] = {}
    for batch in read_own(path):
        seen |= dict.fromkeys(name for name in batch["seat"].cast(pa.string()).unique().to_pylist() if name)
    return list(seen)
