"""Finished cells of one study, read from the disk one at a time, and as tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any, Literal

from ..cells.cell import Cell, CellResult, Policies
from ..cells.cell_lists import chosen, keyed, keys_of
from .journal import Columns, Segments

if TYPE_CHECKING:
    import pandas as pd

STUDY_COLUMNS = ("study_point", "arm", "replication", "seed")
Kind = Literal["rows", "timeseries"]
PART_VALUES = 60_000
"""A part of a table has all rows of some cells, and ends with the cell that brings it to so many values."""


class CellResults(Iterable[tuple[Cell, CellResult]]):
    """Cells with their results, which are read from the disk during iteration."""

    def __init__(self, cells: Collection[Cell], finished: Segments) -> None:
        known = keyed(cells)
        self._cells, self._finished = chosen(known, finished.has(keys_of(known))), finished

    def __iter__(self) -> Iterator[tuple[Cell, CellResult]]:
        results = self._finished.read(keys_of(self._cells))
        for cell, (_, result) in zip(self._cells, results, strict=True):
            yield cell, result

    def columns(self, kind: Kind) -> Iterator[tuple[Cell, Columns]]:
        """Yield each cell with its rows of a kind, column by column."""
        contents = self._finished.contents(keys_of(self._cells))
        for cell, (_, (rows, timeseries, _)) in zip(self._cells, contents, strict=True):
            yield cell, rows if kind == "rows" else timeseries

    def __len__(self) -> int:
        return len(self._cells)


@dataclass
class StudyState:
    """The state of one study during a command: finished cells, failures, and counts of cells and auctions.

    ``failures`` are the lines of ``failures.jsonl`` without their tracebacks; ``policies`` are, by point and arm, what bidders play
    there once it has been tuned on pilots.
    """

    finished: Segments = field(default_factory=Segments)
    policies: dict[str, dict[str, Policies]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0
    kept: int = 0
    auctions: int = 0

    def of(self, cells: Collection[Cell]) -> CellResults:
        """Return the cells that have a result, in the given order."""
        return CellResults(cells, self.finished)

    def complete(self, cells: Collection[Cell]) -> pd.DataFrame | None:
        """Return the table of these cells; None unless each of them has a result."""
        found = self.of(cells)
        return table(found) if len(found) == len(cells) else None


def table(found: CellResults) -> pd.DataFrame:
    """Return a row for each cell and bidder, in the order of the cells."""
    import pandas as pd

    frames = list(Rows(found))
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


class Rows(Iterable["pd.DataFrame"]):
    """The rows of many cells as tables of some ``PART_VALUES`` values: at least one, which may be empty. May be iterated several times.

    Args:
        found: the cells.
        kind: ``rows``, one for each cell and bidder; ``timeseries``, one for each cell, bidder and hour.
    """

    def __init__(self, found: CellResults, kind: Kind = "rows") -> None:
        self._found, self._kind = found, kind

    def __iter__(self) -> Iterator[pd.DataFrame]:
        import pandas as pd

        columns: dict[str, list[Any]] = {}
        size, empty = 0, True
        for cell, own in self._found.columns(self._kind):
            if not (count := len(next(iter(own.values()), ()))):
                continue
            values = (cell.study_point, cell.treatment, cell.replication, cell.seed)
            about = {name: [value] * count for name, value in zip(STUDY_COLUMNS, values, strict=True)}
            new = {**about, **own, **about}  # another point may share the result
            for name in new if columns.keys() == new.keys() else dict.fromkeys((*columns, *new)):
                columns.setdefault(name, [nan] * size).extend(new.get(name) or [nan] * count)
            size += count
            if size * len(columns) >= PART_VALUES:
                yield pd.DataFrame(columns)
                columns, size, empty = {}, 0, False
        if columns or empty:
            yield pd.DataFrame(columns, columns=None if columns else list(STUDY_COLUMNS))
