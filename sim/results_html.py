"""A run's result as a table in HTML, for notebooks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from numpy.typing import NDArray

ALWAYS = ("bidder", "wins", "win_rate", "spend", "value", "profit")
WHERE_ANY = ("budget_left", "clicks", "conversions", "margin", "data_cost", "late")
"""Columns that are shown where one of their numbers is finite and not 0."""
MOST_ROWS = 60


def html_of(about: str, bidders: Mapping[str, NDArray[Any]]) -> str:
    """Return a heading and a row a bidder; columns without any content are left out."""
    table = {name: column.tolist() for name, column in bidders.items()}
    names = [
        *(name for name in ALWAYS if name in table),
        *(name for name in WHERE_ANY if any(map(_says_something, table.get(name, ())))),
    ]
    rows = len(table["bidder"])
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(_cell(table[name][row]) for name in names)}</tr>"
        for row in range(min(rows, MOST_ROWS))
    )
    more = f"<p>and {rows - MOST_ROWS:,} more bidders in <code>bidders</code></p>" if rows > MOST_ROWS else ""
    return (
        f"<div><p>{escape(about)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
        "<p>Further tables: <code>bidders</code>, <code>timeseries</code>, <code>market</code>, <code>calendar</code></p></div>"
    )


def _says_something(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value != 0


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"<td style='text-align:left'>{escape(value)}</td>"
    shown = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return f"<td style='text-align:right'>{shown}</td>"
