"""Tables of a page: what stands in a cell, and the exact value behind it, by which it is sorted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..verdict import number

FINDINGS = {"positive": "gain", "negative": "loss", "no difference shown": "open", "no interval": "open"}
"""Finding -> the class that colours it; the words stand in the cell, so that colour says nothing alone."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: what it is.
        unit: stands below the head; empty where the unit is a column of its own, or there is none.
        numeric: aligned right, sorted by value.
    """

    head: str
    unit: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """What is read, the value behind it where it is a number, and how it is marked."""

    text: str
    value: float | None = None
    mark: str = ""

    @property
    def sort(self) -> str:
        """The exact value, as CSV has it; empty where there is none."""
        return "" if self.value is None or math.isnan(self.value) else repr(float(self.value))


@dataclass(frozen=True)
class Grid:
    """A table with its title, its note, and the file that holds it."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    csv: str = ""
    cut: int = 0  # rows that are only in the file
    extra: Mapping[str, Any] = field(default_factory=dict)


def text(value: object, mark: str = "") -> Cell:
    """A word."""
    return Cell(
        "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value), mark=mark
    )


def amount(value: float | None, mark: str = "") -> Cell:
    """A number to three significant digits; a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell("–", mark=mark)
    return Cell(number(float(value)), float(value), mark)


def count(value: float) -> Cell:
    """A whole number, in full."""
    return Cell(f"{int(value):,}", float(value)) if math.isfinite(value) else amount(value)


def share(value: float | None) -> Cell:
    """A share, as percent."""
    if value is None or math.isnan(value):
        return Cell("–")
    return Cell(f"{number(100 * value)} %", float(value))


def finding(words: str) -> Cell:
    """What may be said of a comparison."""
    return Cell(words, mark=FINDINGS.get(words, ""))


def grid_of(
    table: pd.DataFrame, *, name: str, title: str, csv: str = "", most: int = 500, note: str = ""
) -> Grid:
    """Any tidy table as it is, its first ``most`` rows."""
    kinds = {column: _kind(table[column]) for column in table}
    columns = [
        Column(str(column).replace("_", " "), numeric=kind is not text) for column, kind in kinds.items()
    ]
    rows = [
        [kind(value) for kind, value in zip(kinds.values(), values, strict=True)]
        for values in table.head(most).itertuples(index=False, name=None)
    ]
    return Grid(name, title, columns, rows, note, csv, max(0, len(table) - most))


def rows_of(items: Iterable[Iterable[Cell]]) -> list[list[Cell]]:
    """Rows as lists."""
    return [list(row) for row in items]


def _kind(column: pd.Series) -> Any:
    if pd.api.types.is_bool_dtype(column):
        return text
    if pd.api.types.is_integer_dtype(column):
        return count
    return amount if pd.api.types.is_float_dtype(column) else text
