"""Writer of the auction log: one row a request and slot, to Parquet in row groups as the run goes (docs/auction-log.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.auction.arrays import NOBODY, OUTSIDE
from sim.auction.mechanisms import MECHANISMS
from sim.scenario import MICROS_PER_CPM, Auction

AUCTIONS = "auctions.parquet"
GROUP_ROWS = 131_072
"""Rows of a row group, and so the most that wait in memory."""
SOLD_TO = ("bidder", "outside", "nobody")
_NAME = pa.dictionary(pa.int32(), pa.string())
_MADE_BY = b"jointbid.code"

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("slot", pa.int16(), nullable=False),
        pa.field("time_us", pa.int64(), nullable=False),
        pa.field("at", _NAME, nullable=False),
        pa.field("bidfloor", pa.float64(), nullable=False),
        pa.field("sold_to", _NAME, nullable=False),
        pa.field("seat", _NAME),
        pa.field("bid", pa.float64()),
        pa.field("other_bid", pa.float64()),
        pa.field("price", pa.float64()),
        pa.field("paid_micros", pa.int64(), nullable=False),
        pa.field("fee_micros", pa.int64(), nullable=False),
        pa.field("clicked", pa.bool_()),
    ]
)

_SINK: dict[str, type[np.generic]] = {
    "position": np.int64,
    "slot": np.int16,
    "time_us": np.int64,
    "mechanism": np.int8,
    "floor_micros": np.int64,
    "winner": np.int32,
    "bid_micros": np.int64,
    "other_micros": np.int64,
    "paid_micros": np.int64,
    "clicked": np.bool_,
}
"""What the log takes from the sink."""


class AuctionLog:
    """A sink for ``simulate`` that writes ``path``: ``with AuctionLog(...) as log: simulate(..., sink=log)``.

    Rows wait in columns of ``GROUP_ROWS`` until a row group is full, so that neither memory nor the file depends on how
    many requests travel together. The file gets its name when the block ends well; else nothing is left of it, and a
    log that was there before goes at the start.
    """

    def __init__(self, path: Path, auction: Auction, seats: Sequence[str], code: str) -> None:
        """Take the bidders' names in the order of their numbers, and the version of the code for the file's metadata."""
        self.path, self.rows = path, 0
        self._fee = auction.fee
        self._seats, self._sold_to = pa.array(seats, pa.string()), pa.array(SOLD_TO)
        self._types, self._type_of = _types(auction)
        self._partial = path.with_name(f".{path.name}.{os.getpid()}")
        self._schema = SCHEMA.with_metadata({_MADE_BY: code.encode()})
        self._waiting = {name: np.empty(GROUP_ROWS, kind) for name, kind in _SINK.items()}
        self._filled = 0

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        self._writer = pq.ParquetWriter(self._partial, self._schema, compression="zstd")
        return self

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> None:
        """Take one block of auctions."""
        rows, first = len(batch["position"]), 0
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
        done = False
        try:
            if kind is None:
                self._write()
                self._writer.close()
                self._partial.replace(self.path)
                done = True
        finally:
            if not done:
                with suppress(OSError, pa.ArrowException):
                    self._writer.close()
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
        others = winner < 0
        sold_to = np.select([winner == OUTSIDE, winner == NOBODY], [1, 2], 0).astype(np.int32)
        return {
            "id": got["position"],
            "slot": got["slot"],
            "time_us": got["time_us"],
            "at": pa.DictionaryArray.from_arrays(self._type_of[got["mechanism"]], self._types),
            "bidfloor": got["floor_micros"] / MICROS_PER_CPM,
            "sold_to": pa.DictionaryArray.from_arrays(sold_to, self._sold_to),
            "seat": pa.DictionaryArray.from_arrays(pa.array(winner, mask=others), self._seats),
            "bid": pa.array(got["bid_micros"] / MICROS_PER_CPM, mask=winner == NOBODY),
            "other_bid": pa.array(got["other_micros"] / MICROS_PER_CPM, mask=got["other_micros"] < 0),
            "price": pa.array(paid / MICROS_PER_CPM, mask=others),
            "paid_micros": paid,
            "fee_micros": np.rint(self._fee * paid).astype(np.int64),  # as the kernel rounds it
            "clicked": pa.array(got["clicked"], mask=others),
        }


def drop_stale(path: Path, code: str) -> None:
    """Delete a log that other code wrote, or that cannot be read: the tables beside it are about to be of this code."""
    if not path.exists():
        return
    made_by = None
    with suppress(OSError, pa.ArrowException):
        made_by = (pq.read_metadata(path).metadata or {}).get(_MADE_BY)
    if made_by != code.encode():
        path.unlink()


def _types(auction: Auction) -> tuple[pa.Array, NDArray[np.int32]]:
    """Auction types of the market by name, and where each number's name is among them.

    GSP and second price have one number: where a market mixes both, the name is what the rule is called for its slots.
    """
    names = list(auction.shares)
    if {"gsp", "second_price"} <= set(names):
        names.remove("gsp" if len(auction.slots) == 1 else "second_price")
    place = np.zeros(max(MECHANISMS.values()) + 1, dtype=np.int32)
    for index, name in enumerate(names):
        place[MECHANISMS[name]] = index
    return pa.array(names, pa.string()), place
