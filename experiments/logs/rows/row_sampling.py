"""The rows of a log that are kept in memory, all of them or a sample; and all rows of a longer log, read once more.

Where more than `most` rows have come, half of the larger class (rows with a click, rows without one) is dropped, by a draw
that belongs to the row's place in the log, and the weight of those that stay is doubled. So clicks, which are few and carry
most information, stay as long as they are not half of all rows, and memory does not grow with the log. Totals over the
sample are unbiased for totals over the log (Horvitz & Thompson 1952).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jointbid.sim.streams import Streams

from .log_columns import DAY_US

STREAM = "log/held"


class RowSampler:
    """Takes the rows of a log as they stream by."""

    def __init__(self, most: int, seed: int) -> None:
        """Keep at most `most` rows; `seed` is of the draws that choose them."""
        self.seen = 0
        self._most, self._seed, self._streams = most, seed, Streams(seed, 0)
        self._one_in = np.ones(2, dtype=np.int64)
        """Of how many rows without a click, and with one, one is kept."""
        self._tables: list[pa.Table] = []
        self._places: list[NDArray[np.int64]] = []
        self._counts = np.zeros(2, dtype=np.int64)

    def add(self, table: pa.Table) -> None:
        """Take a chunk."""
        places = np.arange(self.seen, self.seen + len(table))
        self.seen += len(table)
        self._take(table, places)
        while self.rows > self._most:
            self._one_in[np.argmax(self._counts)] *= 2
            together, places = pa.concat_tables(self._tables), self.places
            self._tables, self._places, self._counts = [], [], np.zeros(2, dtype=np.int64)
            self._take(together, places)

    def _take(self, table: pa.Table, places: NDArray[np.int64]) -> None:
        click = np.asarray(table["click"])
        kept = self._streams.at(STREAM, places) * self._one_in[click] < 1.0
        if not kept.all():
            table, places, click = compact(table.filter(pa.array(kept))), places[kept], click[kept]
        self._tables.append(table)
        self._places.append(places)
        self._counts += np.bincount(click, minlength=2)

    @property
    def rows(self) -> int:
        """The number of rows kept."""
        return int(self._counts.sum())

    @property
    def places(self) -> NDArray[np.int64]:
        """The place in the log of each row kept; shape (rows,)."""
        return np.concatenate(self._places)

    @property
    def is_sample(self) -> bool:
        """Whether rows were dropped."""
        return self.seen > self.rows

    def tables(self) -> list[pa.Table]:
        """Return the rows kept, in the order in which they came, with the weights of those that they stand for."""
        return [_weighed(table, self._one_in) for table in self._tables] if self.is_sample else self._tables

    @property
    def notes(self) -> tuple[str, ...]:
        """A note on the sample, where it is one."""
        if not self.is_sample:
            return ()
        without, with_click = (f"1 in {count:,}" if count > 1 else "all" for count in self._one_in)
        kept = f"of {self.seen:,} rows {self.rows:,} are kept (supply.most_rows = {self._most:,})"
        how = f"drawn with seed {self._seed}; their weights make up for the rest"
        return (f"{kept}: {with_click} of those with a click and {without} of the others, {how}",)


def first_rows(tables: Iterable[pa.Table], most: int) -> list[pa.Table]:
    """Return the first `most` rows in order of time of those that stream by, and all that share the last one's time."""
    kept: list[pa.Table] = []
    for table in tables:
        kept.append(table)
        if sum(map(len, kept)) > 2 * most:
            kept = [_earliest(kept, most)]
    return [_earliest(kept, most)] if sum(map(len, kept)) > most else kept


def _earliest(tables: list[pa.Table], most: int) -> pa.Table:
    together = pa.concat_tables(tables)
    time_us = np.asarray(together["time_us"])
    kept = time_us <= np.partition(time_us, most - 1)[most - 1]
    return together if kept.all() else compact(together.filter(pa.array(kept)))


def compact(table: pa.Table) -> pa.Table:
    """Return the table in one piece, its dictionaries without values that no row has."""
    for place, (name, kind) in enumerate(zip(table.schema.names, table.schema.types, strict=True)):
        if pa.types.is_dictionary(kind):
            column: Any = table.column(place).unify_dictionaries().combine_chunks()
            used, at = np.unique(np.asarray(column.indices), return_inverse=True)
            values = column.dictionary.take(pa.array(used))
            column = pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32)), values)
            table = table.set_column(place, name, column)
    return table.combine_chunks()


def _weighed(table: pa.Table, one_in: NDArray[np.int64]) -> pa.Table:
    weight = np.asarray(table["weight"]) * one_in[np.asarray(table["click"])]
    return table.set_column(table.schema.get_field_index("weight"), "weight", pa.array(weight))


@dataclass
class TimeScan:
    """What must be known of the times of all rows before they can be read as a replay needs them.

    Attributes:
        tick_us: the resolution of the log's times, where rows of one moment are spread over it; else 0.
        rows: the number of rows.
        in_order: whether they came in order of time.
        first_us, last_us: the times of the first and the last.
        moments: rows of each moment, where rows are spread.
    """

    tick_us: int
    rows: int = 0
    in_order: bool = True
    first_us: int = 0
    last_us: int = 0
    moments: Counter[int] = field(default_factory=Counter)

    def add(self, table: pa.Table) -> None:
        """Take a chunk."""
        time_us = np.asarray(table["time_us"])
        if not self.rows:
            self.first_us = self.last_us = int(time_us[0])
        self.in_order = bool(self.in_order and time_us[0] >= self.last_us and (np.diff(time_us) >= 0).all())
        self.last_us = int(time_us[-1])
        self.rows += len(table)
        if self.tick_us:
            moments, counts = np.unique(time_us, return_counts=True)
            self.moments.update(dict(zip(moments.tolist(), counts.tolist(), strict=True)))

    @property
    def origin_us(self) -> int:
        """The start of the first row's day."""
        return self.first_us // DAY_US * DAY_US


@dataclass(frozen=True)
class RereadableLog:
    """All rows of a log in order of time, of which a sample is in memory.

    Attributes:
        read: reads the log from its beginning.
        scan: of all its rows.
        places: of the sampled rows among all; shape (sampled rows,).
    """

    read: Callable[[], Iterator[pa.Table]]
    scan: TimeScan
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return self.scan.rows

    @property
    def last_us(self) -> int:
        """The time of the last row, from the start of the first day."""
        scan = self.scan
        count = scan.moments.get(scan.last_us, 1)
        return scan.last_us - scan.origin_us + (count - 1) * scan.tick_us // count

    def tables(self, start: int) -> Iterator[pa.Table]:
        """Yield the rows from the `start`-th on in chunks, `time_us` from the start of the first day."""
        passed, seen = 0, Counter[int]()
        for table in self.read():
            time_us = self._spread(np.asarray(table["time_us"]), seen) - self.scan.origin_us
            timed = table.set_column(table.schema.get_field_index("time_us"), "time_us", pa.array(time_us))
            if passed + len(table) > start:
                yield timed.slice(max(start - passed, 0))
            passed += len(table)

    def _spread(self, time_us: NDArray[np.int64], seen: Counter[int]) -> NDArray[np.int64]:
        """Return times with the rows of a moment spread evenly over it; `seen` counts its earlier rows."""
        if not self.scan.tick_us:
            return time_us
        moments, first, counts = np.unique(time_us, return_index=True, return_counts=True)
        before = np.array([seen[moment] for moment in moments.tolist()])
        size = np.array([self.scan.moments[moment] for moment in moments.tolist()])
        place = np.repeat(before - first, counts) + np.arange(len(time_us))
        seen.update(dict(zip(moments.tolist(), counts.tolist(), strict=True)))
        return time_us + place * self.scan.tick_us // np.repeat(size, counts)
