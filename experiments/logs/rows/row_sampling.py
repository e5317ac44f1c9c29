"""The rows of a log that are kept in memory: all of them, or of a longer log a sample that stands for it.

Where more than `most` rows have come, half of the larger class (rows with a click, rows without one) is dropped, by a draw
that belongs to the row's place in the log, and the weight of those that stay is doubled. So clicks, which are few and carry
most information, stay as long as they are not half of all rows, and memory does not grow with the log. Totals over the
sample are unbiased for totals over the log (Horvitz & Thompson 1952).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jointbid.sim.streams import Streams

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


class FirstRows:
    """Keeps the first rows in order of time as they stream by, with all that share the last one's time."""

    def __init__(self, most: int) -> None:
        """Keep `most` rows."""
        self._most = most
        self._tables: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> None:
        """Take a chunk."""
        self._tables.append(table)
        self._rows += len(table)
        if self._rows > 2 * self._most:
            self._cut()

    def tables(self) -> list[pa.Table]:
        """Return the rows kept, in the order in which they came."""
        if self._rows > self._most:
            self._cut()
        return self._tables

    def _cut(self) -> None:
        together = pa.concat_tables(self._tables)
        time_us = np.asarray(together["time_us"])
        kept = time_us <= np.partition(time_us, self._most - 1)[self._most - 1]
        self._tables = [together if kept.all() else compact(together.filter(pa.array(kept)))]
        self._rows = len(self._tables[0])


def compact(table: pa.Table) -> pa.Table:
    """Return the table in one piece, its dictionaries without values that no row has."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table.column(place).unify_dictionaries().combine_chunks()
            table = table.set_column(place, field.name, _used(column))
    return table.combine_chunks()


def _used(column: Any) -> pa.DictionaryArray:
    used, place = np.unique(np.asarray(column.indices), return_inverse=True)
    values = column.dictionary.take(pa.array(used))
    return pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), values)


def _weighed(table: pa.Table, one_in: NDArray[np.int64]) -> pa.Table:
    weight = np.asarray(table["weight"]) * one_in[np.asarray(table["click"])]
    return table.set_column(table.schema.get_field_index("weight"), "weight", pa.array(weight))
