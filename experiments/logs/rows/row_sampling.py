"""The rows of a log that are held in memory: all of them, or of a longer log a sample that stands for it.

Where more than `most` rows have come, every second row of the larger class (rows with a click, rows without one) is let go,
by a draw that belongs to the row's place in the log, and those that stay stand for twice as much. So clicks, which are few
and tell most, stay as long as they are not the half of all, and memory does not grow with the log. Totals over the sample
are unbiased for totals over the log (Horvitz & Thompson 1952).
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
        """Hold at most so many rows; `seed` is of the draws that choose them."""
        self.seen = 0
        self._most, self._seed, self._streams = most, seed, Streams(seed, 0)
        self._every = np.ones(2, dtype=np.int64)
        """Of so many rows without a click, and with one, one is held."""
        self._tables: list[pa.Table] = []
        self._places: list[NDArray[np.int64]] = []
        self._counts = np.zeros(2, dtype=np.int64)

    def add(self, table: pa.Table) -> None:
        """Take a chunk."""
        places = np.arange(self.seen, self.seen + len(table))
        self.seen += len(table)
        self._take(table, places)
        while self.rows > self._most:
            self._every[np.argmax(self._counts)] *= 2
            together, places = pa.concat_tables(self._tables), self.places
            self._tables, self._places, self._counts = [], [], np.zeros(2, dtype=np.int64)
            self._take(together, places)

    def _take(self, table: pa.Table, places: NDArray[np.int64]) -> None:
        click = np.asarray(table["click"])
        kept = self._streams.at(STREAM, places) * self._every[click] < 1.0
        if not kept.all():
            table, places, click = compact(table.filter(pa.array(kept))), places[kept], click[kept]
        self._tables.append(table)
        self._places.append(places)
        self._counts += np.bincount(click, minlength=2)

    @property
    def rows(self) -> int:
        """So many are held."""
        return int(self._counts.sum())

    @property
    def places(self) -> NDArray[np.int64]:
        """The place of each row that is held in the log; shape (rows,)."""
        return np.concatenate(self._places)

    @property
    def left_out(self) -> int:
        """So many are not."""
        return self.seen - self.rows

    def tables(self) -> list[pa.Table]:
        """What is held, in the order in which it came, each row's weight times how many rows it stands for."""
        return [_weighed(table, self._every) for table in self._tables] if self.left_out else self._tables

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, in words."""
        if not self.left_out:
            return ()
        without, with_click = (f"1 in {every:,}" if every > 1 else "all" for every in self._every)
        said = f"of {self.seen:,} rows {self.rows:,} are held (supply.most_rows = {self._most:,}): {with_click} of those with a click"
        return (
            f"{said} and {without} of the others, drawn with seed {self._seed}; each stands for so many rows",
        )


class FirstRows:
    """Takes rows as they stream by and keeps the first so many in order of time, with all that share the last one's time."""

    def __init__(self, most: int) -> None:
        """Keep so many."""
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
        """What is kept, in the order in which it came."""
        if self._rows > self._most:
            self._cut()
        return self._tables

    def _cut(self) -> None:
        together = pa.concat_tables(self._tables)
        time_us = np.asarray(together["time_us"])
        last = np.partition(time_us, self._most - 1)[self._most - 1]
        kept = time_us <= last
        self._tables = [together if kept.all() else compact(together.filter(pa.array(kept)))]
        self._rows = len(self._tables[0])


def compact(table: pa.Table) -> pa.Table:
    """The table in one piece, its dictionaries without what no row has any more."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table.column(place).unify_dictionaries().combine_chunks()
            table = table.set_column(place, field.name, _used(column))
    return table.combine_chunks()


def _used(column: Any) -> pa.DictionaryArray:
    held, place = np.unique(np.asarray(column.indices), return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(place.astype(np.int32)), column.dictionary.take(pa.array(held))
    )


def _weighed(table: pa.Table, every: NDArray[np.int64]) -> pa.Table:
    weight = np.asarray(table["weight"]) * every[np.asarray(table["click"])]
    return table.set_column(table.schema.get_field_index("weight"), "weight", pa.array(weight))
