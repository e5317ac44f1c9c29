"""Finished cells of one study, read from the disk one at a time, and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..cells.cell import Cell, CellResult, Policies
from .journal import Segments

if TYPE_CHECKING:
    import pandas as pd

STUDY_COLUMNS = ("study_point", "arm", "replication", "seed")
PART_CELLS = 200
"""Cells whose rows become a part of a table at once."""


class CellResults(Iterable[tuple[Cell, CellResult]]):
    """Cells with their results, which are read from the disk during iteration."""

    def __init__(self, cells: Sequence[Cell], finished: Segments) -> None:
        self._cells, self._finished = [cell for cell in cells if cell.key in finished], finished

    def __iter__(self) -> Iterator[tuple[Cell, CellResult]]:
        results = self._finished.read(cell.key for cell in self._cells)
        for cell, (_, result) in zip(self._cells, results, strict=True):
            yield cell, result

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

    def of(self, cells: Sequence[Cell]) -> CellResults:
        """Return the cells that have a result, in the given order."""
        return CellResults(cells, self.finished)

    def complete(self, cells: Sequence[Cell]) -> pd.DataFrame | None:
        """Return the table of these cells; None unless each of them has a result."""
        found = self.of(cells)
        return table(found) if len(found) == len(cells) else None


def table(found: Iterable[tuple[Cell, CellResult]]) -> pd.DataFrame:
    """Return a row for each cell and bidder, in the order of the cells."""
    import pandas as pd

    frames = list(parts(found, lambda result: result.rows))
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


class TimeSeries(Iterable["pd.DataFrame"]):
    """A row for each cell, bidder and hour, in parts; may be iterated several times."""

    def __init__(self, found: Iterable[tuple[Cell, CellResult]]) -> None:
        self._found = found

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return parts(self._found, lambda result: result.timeseries)


def parts(
    found: Iterable[tuple[Cell, CellResult]], rows: Callable[[CellResult], list[dict[str, Any]]]
) -> Iterator[pd.DataFrame]:
    """Yield the rows of many cells as tables of ``PART_CELLS`` cells each; at least one table, which may be empty."""
    import pandas as pd

    records: list[dict[str, Any]] = []
    number, empty = 0, True
    for number, (cell, result) in enumerate(found, 1):
        values = (cell.study_point, cell.treatment, cell.replication, cell.seed)
        about = dict(zip(STUDY_COLUMNS, values, strict=True))
        records += [{**about, **row, **about} for row in rows(result)]  # another point may share the result
        if number % PART_CELLS == 0 and records:
            yield pd.DataFrame(records)
            records, empty = [], False
    if records or empty:
        yield pd.DataFrame(records, columns=None if records else list(STUDY_COLUMNS))
