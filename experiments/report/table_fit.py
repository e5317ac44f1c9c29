"""Tables that fit a width: names and heads break between words, then a table is laid in parts; no number is cut."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table

UNLIMITED = 10_000


def parts_of(table: Table, console: Console) -> Iterator[Table]:
    """Yield a table that is too wide in parts below each other, each with the first column; no word or number is cut."""
    if whole := unbroken(table, console, console.width):
        yield whole
        return
    unlimited = console.options.update(max_width=UNLIMITED)

    def measure(*columns: Column) -> Measurement:
        one = copy.copy(table)
        one.columns, one.title, one.caption = list(columns), None, None
        return console.measure(one, options=unlimited)

    first, *rest = table.columns
    parts = [[first]]
    for column in rest:
        if len(parts[-1]) > 1 and measure(*parts[-1], column).minimum > console.width:
            parts.append([first])
        parts[-1].append(column)
    for columns in parts:
        spare = max(console.width - measure(*columns).minimum, 0)
        edges = measure(replace(first, width=1)).minimum - 1
        sizes = [measure(column) for column in columns]
        wish = max(sum(size.span for size in sizes), 1)
        part = copy.copy(table)  # the caller's own keeps its columns
        part.columns = [
            replace(
                c,
                no_wrap=False,
                overflow="fold",
                width=s.minimum - edges + min(s.span, s.span * spare // wish),
            )
            for c, s in zip(columns, sizes, strict=True)
        ]
        part.title = table.title if columns is parts[0] else None
        part.caption = table.caption if columns is parts[-1] else None
        yield part


def unbroken(table: Table, console: Console, width: int) -> Table | None:
    """Return a table of at most ``width`` columns that breaks heads and names between words, and no number or interval.

    Names in the first column are broken last. None where it does not fit.
    """
    edges = console.measure(Table(*[""] * len(table.columns), box=table.box, padding=table.padding)).maximum
    heads = [_lengths([column.header], words=True) for column in table.columns]
    for first_broken in (False, True):
        least = [
            _lengths(column.cells, words=column.justify == "left" and (first_broken or place > 0))
            for place, column in enumerate(table.columns)
        ]
        widths = [max(head + cells, default=0) for head, cells in zip(heads, least, strict=True)]
        if (spare := width - edges - sum(widths)) >= 0:
            break
    else:
        return None
    wishes = [_lengths([column.header, *column.cells], words=False) for column in table.columns]
    while steps := [step for step in _steps(widths, wishes) if step[1] <= spare]:
        _, more, place = max(steps)
        widths[place] += more
        spare -= more
    fitted = copy.copy(table)  # the caller's own keeps its columns
    fitted.columns = [
        replace(column, no_wrap=False, width=size) for column, size in zip(table.columns, widths, strict=True)
    ]
    return fitted


def _steps(widths: list[int], wishes: list[list[int]]) -> Iterator[tuple[float, int, int]]:
    """Yield each way to widen a column so that more of its lines fit: lines gained per width, the width, and its place."""
    for place, (size, lines) in enumerate(zip(widths, wishes, strict=True)):
        for wish in {line for line in lines if line > size}:
            yield sum(size < line <= wish for line in lines) / (wish - size), wish - size, place


def _lengths(cells: Iterable[RenderableType], *, words: bool) -> list[int]:
    """Return the width of each line of the cells, or of each of its words."""
    lines = [line for cell in cells for line in str(cell).splitlines()]
    return [cell_len(part) for line in lines for part in (line.split() if words else [line])]
