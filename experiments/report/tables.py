"""Tables for the terminal, and plain text where there is no terminal: how they look, and how estimates stand in them."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ..estimate.intervals import Estimate
from .numbers import estimate_of, interval, number
from .table_fit import INTERVAL_HEAD, parts_of

NOT_SHOWN = "~"
"""Stands before a comparison whose interval spans zero, or that has none."""

FOOTNOTE = f"{NOT_SHOWN} no difference shown: the paired interval spans zero, or there is none"
PLAIN_WIDTH = 80
"""Columns of tables that no terminal gets."""
DASH = "-"


def middle(estimate: Estimate | None) -> str:
    """Return the point estimate as text; a dash without one."""
    return DASH if estimate is None else number(estimate.estimate)


def between(estimate: Estimate | None) -> str:
    """Return the interval as text; a dash without one."""
    return interval(estimate) if estimate is not None and estimate.has_interval else DASH


def percent(estimate: Estimate | None) -> str:
    """Return a share as percent; a dash without one."""
    if estimate is None or math.isnan(estimate.estimate):
        return DASH
    return f"{number(100 * estimate.estimate)} %"


def signed(estimate: Estimate | None) -> str:
    """Return a signed number, marked where its interval shows no sign."""
    if estimate is None or math.isnan(estimate.estimate):
        return DASH
    sign = "+" if estimate.estimate > 0 else ""
    mark = "" if estimate.finding in {"positive", "negative"} else f"{NOT_SHOWN} "
    return f"{mark}{sign}{number(estimate.estimate)}"


def text_table(
    title: str,
    rows: Iterable[Sequence[Any]],
    *columns: tuple[str, Callable[[Any], str]] | tuple[str, Callable[[Any], str], Callable[[Any], str]],
    caption: str = FOOTNOTE,
    left: int = 1,
) -> Table:
    """Return a table for the terminal.

    Args:
        title: above it.
        rows: the values of each row, one for each column.
        columns: each with its head, and how it writes a value; where it also says how it writes the interval of the same value, that
            stands in a further column to its right.
        caption: below it.
        left: number of columns, from the first, that are aligned left.
    """
    table = blank_table(title, caption)
    heads = [head for name, *writers in columns for head in (name, INTERVAL_HEAD)[: len(writers)]]
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place < left else "right", no_wrap=left == 1 and place == 0)
    for row in rows:
        pairs = zip(columns, row, strict=True)
        table.add_row(*(write(value) for (_, *writers), value in pairs for write in writers))
    return table


def value_table(title: str, table: pd.DataFrame, head: str, name: Callable[[dict[Any, Any]], str]) -> Table:
    """Return a table with a row for each of these estimates of a log: its name, with its tags where there are several, and its value."""
    several = table["tags"].nunique() > 1
    rows = [
        (name(row) + (f" ({row['tags']})" if several else ""), estimate_of(row))
        for row in table.to_dict("records")
    ]
    return text_table(title, rows, (head, str), ("value", middle, between), caption="")


def linked(label: str, file: Path) -> Text:
    """Return a line with the path of a file, which terminals that know links open."""
    return Text(label, overflow="fold").append(str(file), Style(link=file.absolute().as_uri()))


def show(*parts: RenderableType, console: Console | None = None) -> None:
    """Print tables and sentences; on anything but a terminal as plain text whose sentences are lines."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.file.write(plain(*parts))
        return
    for part in parts:
        for piece in parts_of(part, console) if isinstance(part, Table) else [part]:
            console.print(piece, markup=False, emoji=False)


def plain(*parts: RenderableType) -> str:
    """Return tables and sentences as text without colour, in characters that every terminal has; tables fit 80 columns."""
    text = io.StringIO()
    console = Console(
        file=text,
        width=PLAIN_WIDTH,
        color_system=None,
        force_terminal=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        if isinstance(part, Table):
            table = copy.copy(part)  # the caller's own keeps its lines
            table.box = box.ASCII2
            for piece in parts_of(table, console):
                console.print(piece, markup=False, emoji=False)
        else:
            console.print(part, soft_wrap=isinstance(part, str | Text), markup=False, emoji=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def blank_table(title: str, caption: str = "") -> Table:
    """Return a table of the common look without columns yet."""
    return Table(
        title=Text(title),
        caption=Text(caption) if caption else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
