"""Writer of the auction log: one row a request and slot, to Parquet in row groups as the run goes (docs/auction-log.md)."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jointbid.sim.auction.arrays import NOBODY, OUTSIDE
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.auction.rounding import fees_of
from jointbid.sim.responded import NEVER_US
from jointbid.sim.results import RunResult
from jointbid.sim.scenario import MICROS_PER_CPM, Scenario

from ..storage.ownership import contents

AUCTIONS = "auctions.parquet"
GROUP_ROWS = 131_072
"""Rows of a row group, and so the most that wait in memory."""
SOLD_TO = ("bidder", "outside", "nobody")
_NAME = pa.dictionary(pa.int32(), pa.string())
_MADE_BY = b"jointbid.code"
MARKET = b"jointbid.market"
"""In the file's metadata, as JSON: the scenario, and each bidder's advertiser and budget."""
TOTALS = b"jointbid.totals"
"""The run's table of bidders and its market totals, for what the rows do not give."""
_EXPECTED = ("value", "click_probability", "conversion_probability")

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("slot", pa.int16(), nullable=False),
        pa.field("time_us", pa.int64(), nullable=False),
        pa.field("user", pa.int64()),
        pa.field("at", _NAME, nullable=False),
        pa.field("bidfloor", pa.float64(), nullable=False),
        pa.field("sold_to", _NAME, nullable=False),
        pa.field("seat", _NAME),
        pa.field("bid", pa.float64()),
        pa.field("other_bid", pa.float64()),
        pa.field("price", pa.float64()),
        pa.field("paid_micros", pa.int64(), nullable=False),
        pa.field("fee_micros", pa.int64(), nullable=False),
        pa.field("creative", _NAME),
        pa.field("value", pa.float64()),
        pa.field("click_probability", pa.float64()),
        pa.field("conversion_probability", pa.float64()),
        pa.field("viewed", pa.bool_()),
        pa.field("clicked", pa.bool_()),
        pa.field("click_time_us", pa.int64()),
        pa.field("converted", pa.bool_()),
        pa.field("conversion_time_us", pa.int64()),
        pa.field("attributed", pa.bool_()),
    ]
)


class AuctionLog:
    """A sink for ``simulate`` that writes ``path``: ``with AuctionLog(...) as log: simulate(..., sink=log)``.

    Rows wait in columns of ``GROUP_ROWS`` until a row group is full, so that neither memory nor the file depends on how
    many requests travel together. The file gets its name when the block ends without an error; else it is
    deleted. An earlier log is deleted at the start, as is an unfinished one of a killed process.
    """

    def __init__(
        self,
        path: Path,
        scenario: Scenario,
        seats: Sequence[str],
        code: str,
        terms: Mapping[str, tuple[str, float | None]] | None = None,
    ) -> None:
        """Take the bidders' names in the order of their numbers, and what is written to the file's metadata.

        That is the version of the code, the scenario, and in `terms` the advertiser and the budget of each bidder.
        """
        self.path, self.rows = path, 0
        self._fee = scenario.auction.fee
        self._seats, self._sold_to = pa.array(seats, pa.string()), pa.array(SOLD_TO)
        self._creatives = pa.array(list(scenario.creative), pa.string())
        self._types = pa.array(list(scenario.auction.shares), pa.string())
        self._type_of = np.zeros(len(MECHANISMS), dtype=np.int32)
        self._type_of[[MECHANISMS[name] for name in scenario.auction.shares]] = np.arange(len(self._types))
        self._partial = path.with_name(f"{_partial(path)}{os.getpid()}")
        market = {
            "scenario": scenario.model_dump(mode="json", exclude={"engine": {"max_block"}}),
            "seats": {name: list((terms or {}).get(name, (name, None))) for name in seats},
        }
        self._schema = SCHEMA.with_metadata({_MADE_BY: code.encode(), MARKET: json.dumps(market).encode()})
        self._waiting: dict[str, NDArray[Any]] = {}
        self._filled = 0
        drop_abandoned(path)
        path.unlink(missing_ok=True)
        self._writer = pq.ParquetWriter(self._partial, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def add_totals(self, result: RunResult) -> None:
        """Note all columns of the run's table of bidders, and its market totals."""
        columns = {name: column.tolist() for name, column in result.bidders.items()}
        totals = json.dumps({"bidders": columns, "market": dict(result.market)})
        self._writer.add_key_value_metadata({TOTALS: totals.encode()})

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> None:
        """Take one block of auctions."""
        rows, first = len(batch["position"]), 0
        if not self._waiting:
            self._waiting = {name: np.empty(GROUP_ROWS, column.dtype) for name, column in batch.items()}
        while first < rows:
            n = min(rows - first, GROUP_ROWS - self._filled)
            for name, column in self._waiting.items():
                column[self._filled : self._filled + n] = batch[name][first : first + n]
            first += n
            self._filled += n
            if self._filled == GROUP_ROWS:
                self._write()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write()
                self._writer.close()
                self._partial.replace(self.path)
        finally:
            with suppress(OSError, pa.ArrowException):
                self._writer.close()  # does nothing the second time
            self._partial.unlink(missing_ok=True)

    def _write(self) -> None:
        """Write what waits as one row group."""
        if not self._filled:
            return
        table = pa.table(self._columns(), schema=self._schema)
        self._writer.write_table(table, row_group_size=GROUP_ROWS)
        self.rows += self._filled
        self._filled = 0

    def _columns(self) -> dict[str, Any]:
        got = {name: column[: self._filled] for name, column in self._waiting.items()}
        winner, paid = got["winner"], got["paid_micros"]
        others, unnamed = winner < 0, len(self._creatives) == 0
        unclicked, unconverted = got["click_us"] == NEVER_US, got["conversion_us"] == NEVER_US
        fees = np.empty_like(paid)
        fees_of(paid, self._fee, fees)
        sold_to = np.select([winner == OUTSIDE, winner == NOBODY], [1, 2], 0).astype(np.int32)
        return {
            "id": got["position"],
            "slot": got["slot"].astype(np.int16),
            "time_us": got["time_us"],
            "user": pa.array(got["person"], mask=got["person"] < 0),
            "at": pa.DictionaryArray.from_arrays(self._type_of[got["mechanism"]], self._types),
            "bidfloor": got["floor_micros"] / MICROS_PER_CPM,
            "sold_to": pa.DictionaryArray.from_arrays(sold_to, self._sold_to),
            "seat": pa.DictionaryArray.from_arrays(
                pa.array(winner.astype(np.int32), mask=others), self._seats
            ),
            "bid": pa.array(got["bid_micros"] / MICROS_PER_CPM, mask=winner == NOBODY),
            "other_bid": pa.array(got["other_micros"] / MICROS_PER_CPM, mask=got["other_micros"] < 0),
            "price": pa.array(paid / MICROS_PER_CPM, mask=others),
            "paid_micros": paid,
            "fee_micros": fees,
            "creative": pa.DictionaryArray.from_arrays(
                pa.array(got["creative"].astype(np.int32), mask=others | unnamed), self._creatives
            ),
            **{name: pa.array(got[name], mask=others) for name in _EXPECTED},
            "viewed": pa.array(got["viewed"], mask=others),
            "clicked": pa.array(~unclicked, mask=others),
            "click_time_us": pa.array(got["click_us"], mask=unclicked),
            "converted": pa.array(~unconverted, mask=others),
            "conversion_time_us": pa.array(got["conversion_us"], mask=unconverted),
            "attributed": pa.array(got["attributed"], mask=unconverted),
        }


def drop_stale(path: Path, code: str) -> None:
    """Delete a log that other code of this engine wrote, or that is damaged: the tables beside it will be of this code.

    A file that this engine did not write is kept.
    """
    drop_abandoned(path)
    made_by = None
    with suppress(OSError, pa.ArrowException):
        made_by = (pq.read_metadata(path).metadata or {}).get(_MADE_BY)
    is_ours = made_by is not None or path in contents(path.parent).own
    if path.is_file() and is_ours and made_by != code.encode():
        path.unlink()


def drop_abandoned(path: Path) -> None:
    """Delete unfinished logs of processes of this machine that have ended."""
    begin = _partial(path)
    for left in list(path.parent.glob(f"{begin}*")):
        process = left.name.removeprefix(begin)
        if process.isdecimal() and not _lives(int(process)):
            left.unlink(missing_ok=True)


def _partial(path: Path) -> str:
    """Return the beginning of an unfinished log's name; its writer's process number follows."""
    return f".{path.name}.{socket.gethostname()}."


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
