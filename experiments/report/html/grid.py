"""Tables of a page: what stands in a cell, and the exact value behind it, by which it is sorted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...estimate.intervals import Estimate
from ..numbers import number

FINDINGS = {"positive": "gain", "negative": "loss", "no difference shown": "open", "no interval": "open"}
"""Finding -> the class that colours it; the words stand in the cell, so that colour says nothing alone."""


@dataclass(frozen=True)
class GridCell:
    """What is read, the value behind it where it is a number, and how it is marked."""

    text: str
    value: float | None = None
    mark: str = ""

    @property
    def sort(self) -> str:
        """The exact value, as CSV has it; empty without one."""
        return "" if self.value is None or math.isnan(self.value) else repr(float(self.value))


def text(value: object, mark: str = "") -> GridCell:
    """Return a word."""
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    return GridCell("" if is_missing else str(value), mark=mark)


def unit(value: object) -> GridCell:
    """Return a unit, or words as small as one."""
    return text(value, "u")


def finding(words: str) -> GridCell:
    """Return what may be said of a comparison."""
    return GridCell(words, mark=FINDINGS.get(words, ""))


def amount(value: float | None) -> GridCell:
    """Return a number to three significant digits; a dash without one."""
    if value is None or math.isnan(value):
        return GridCell("–")
    return GridCell(number(float(value)), float(value))


def count(value: float) -> GridCell:
    """Return a whole number, in full."""
    return GridCell(f"{int(value):,}", float(value)) if math.isfinite(value) else amount(value)


def share(value: float | None) -> GridCell:
    """Return a share, as percent."""
    found = amount(None if value is None else 100 * value)
    return found if value is None or found.value is None else GridCell(f"{found.text} %", float(value))


def difference(estimate: Estimate | None) -> GridCell:
    """Return a point estimate, marked where no difference is shown."""
    cell = amount(estimate.estimate if estimate else None)
    if estimate is None or cell.value is None or estimate.finding in {"positive", "negative"}:
        return cell
    return GridCell(f"~ {cell.text}", cell.value, "open")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: what it is.
        write: how it writes a value.
        unit: stands below the head; empty where the unit is a column of its own, or absent.
        is_words: whether it holds words, with a function of its own to write them.
    """

    head: str
    write: Callable[[Any], GridCell] = text
    unit: str = ""
    is_words: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is aligned right and sorted by value."""
        return not self.is_words and self.write not in {text, unit, finding}


@dataclass(frozen=True)
class Grid:
    """A table with its title, its note, and the file that holds it; ``cut`` rows are in the file alone."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[GridCell]]
    note: str = ""
    csv: str = ""
    cut: int = 0


def grid(
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Iterable[Any]],
    note: str = "",
    csv: str = "",
    cut: int = 0,
) -> Grid:
    """Return a grid whose columns write the values of each row."""
    cells = [[column.write(value) for column, value in zip(columns, row, strict=True)] for row in rows]
    return Grid(name, title, columns, cells, note, csv, cut)


def grid_of(table: pd.DataFrame, *, name: str, title: str, csv: str = "", most: int = 500) -> Grid:
    """Return any tidy table as it is, its first ``most`` rows."""
    columns = [Column(str(head).replace("_", " "), writer_of(table[head])) for head in table]
    rows = table.head(most).itertuples(index=False, name=None)
    return grid(name, title, columns, rows, csv=csv, cut=max(0, len(table) - most))


def writer_of(column: pd.Series) -> Callable[[Any], GridCell]:
    """Return how the values of a column are written, by its type."""
    if pd.api.types.is_bool_dtype(column):
        return text
    if pd.api.types.is_integer_dtype(column):
        return count
    return amount if pd.api.types.is_float_dtype(column) else text
