"""A log that is longer than memory, to be read once more: each row with the time that it has in a replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .columns import DAY_US


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
