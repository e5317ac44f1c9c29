"""Tables that fit a width: names and heads break between words, then a table is laid in parts; no number is cut."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Column, Table

INTERVAL_HEAD = "95 % interval"
"""Heads of columns that stay beside the one on their left begin so."""


def parts_of(table: Table, console: Console) -> Iterator[Table]:
    """Yield a table; one that is too wide in parts below each other, each with the first column; no word or number is cut.

    An interval stays beside its estimate, and is broken only where the two alone are too wide.
    """
    if whole := _unbroken(table, table.columns, console):
        yield whole
        return
    first, *rest = table.columns
    groups: list[list[Column]] = []
    for column in rest:
        if groups and str(column.header).startswith(INTERVAL_HEAD):
            groups[-1].append(column)
        else:
            groups.append([column])
    parts = [[first]]
    for group in groups:
        fits = _unbroken(table, [first, *group], console, in_numbers=True)
        for columns in [group] if fits else [[column] for column in group]:
            if len(parts[-1]) > 1 and not _unbroken(table, [*parts[-1], *columns], console):
                parts.append([first])
            parts[-1] += columns
    for columns in parts:
        part = _unbroken(table, columns, console) or _unbroken(table, columns, console, in_numbers=True)
        part = part or _with(table, [replace(column, no_wrap=False, overflow="fold") for column in columns])
        part.title = table.title if columns is parts[0] else None
        part.caption = table.caption if columns is parts[-1] else None
        yield part


def _unbroken(
    table: Table, columns: Sequence[Column], console: Console, *, in_numbers: bool = False
) -> Table | None:
    """Return these columns of a table, as wide as the console at most, that break heads and names between words.

    Names in the first column are broken last; intervals only where ``in_numbers``. None where they do not fit.
    """
    edges = console.measure(Table(*[""] * len(columns), box=table.box, padding=table.padding)).maximum
    heads = [_lengths([column.header], words=True) for column in columns]
    for first_broken in (False, True):
        least = [
            _lengths(
                column.cells, words=in_numbers or (column.justify == "left" and (first_broken or place > 0))
            )
            for place, column in enumerate(columns)
        ]
        widths = [max(head + cells, default=0) for head, cells in zip(heads, least, strict=True)]
        if (spare := console.width - edges - sum(widths)) >= 0:
            break
    else:
        return None
    wishes = [_lengths([column.header, *column.cells], words=False) for column in columns]
    while steps := [step for step in _steps(widths, wishes) if step[1] <= spare]:
        _, more, place = max(steps)
        widths[place] += more
        spare -= more
    return _with(
        table,
        [replace(column, no_wrap=False, width=size) for column, size in zip(columns, widths, strict=True)],
    )


def _with(table: Table, columns: list[Column]) -> Table:
    part = copy.copy(table)  # the caller's own keeps its columns
    part.columns = columns
    return part


def _steps(widths: list[int], wishes: list[list[int]]) -> Iterator[tuple[float, int, int]]:
    """Yield each way to widen a column so that more of its lines fit: lines gained per width, the width, and its place."""
    for place, (size, lines) in enumerate(zip(widths, wishes, strict=True)):
        for wish in {line for line in lines if line > size}:
            yield sum(size < line <= wish for line in lines) / (wish - size), wish - size, place


def _lengths(cells: Iterable[RenderableType], *, words: bool) -> list[int]:
    """Return the width of each line of the cells, or of each of its words."""
    lines = [line for cell in cells for line in str(cell).splitlines()]
    return [cell_len(part) for line in lines for part in (line.split() if words else [line])]
