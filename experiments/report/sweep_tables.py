"""A sweep on the terminal: its table, abridged where it is long, and what it comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from .numbers import number
from .sweep import Headline, column
from .tables import DASH, text_table

WHOLE = 60
"""Up to this number of points all are shown; of more, the first and the last."""
EACH_END = 10


def sweep_table(rows: pd.DataFrame, swept: list[str], headline: Headline) -> Table:
    """One row a point: the swept values, then the study's headline figures, the first of them with its interval."""
    units = sorted({str(unit) for unit in rows["unit"].dropna()})
    first, *others = headline
    title = headline[first][0].replace("_", " ").capitalize() + (f", {units[0]}" if len(units) == 1 else "")
    names = [column(*figure, headline) for figure in headline.values()]
    cells = []
    for row in rows.to_dict("records"):
        figures = [_number(row.get(name)) for name in names]
        unit = [str(row["unit"])] if len(units) > 1 else []
        cells.append(
            [*(_swept(row[key]) for key in swept), figures[0], _interval(row, names[0]), *figures[1:], *unit]
        )
    heads = [
        *(key.removeprefix("source.").replace(".", ".\n") for key in swept),
        first,
        "95 % interval",
        *others,
    ]
    heads += ["unit"] if len(units) > 1 else []
    if len(rows) > WHOLE:
        gap = [f"... {len(rows) - 2 * EACH_END:,} more", *[""] * (len(heads) - 1)]
        cells = [*cells[:EACH_END], gap, *cells[-EACH_END:]]
    return text_table(title, cells, *((head, str) for head in heads), caption="", left=len(swept))


def findings(rows: pd.DataFrame, headline: Headline) -> str:
    """In how many points the leading figure is shown to be positive, negative, or neither."""
    name = column(*next(iter(headline.values())), headline)
    if f"{name}_low" not in rows:
        return f"{len(rows):,} points, none of them with a result"
    up, down = (rows[f"{name}_low"] > 0).sum(), (rows[f"{name}_high"] < 0).sum()
    known = rows[f"{name}_low"].notna().sum()
    missing = f", {len(rows) - known:,} without an interval" if known < len(rows) else ""
    what = name.replace("_", " ")
    return (
        f"{len(rows):,} points: {what} is positive in {up:,}, negative in {down:,}, no difference shown in "
        f"{known - up - down:,}{missing}; each by its own 95 % interval: simulation error only"
    )


def _swept(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _number(value: Any) -> str:
    return DASH if value is None or math.isnan(value) else number(float(value))


def _interval(row: Mapping[Any, Any], name: str) -> str:
    low, high = _number(row.get(f"{name}_low")), _number(row.get(f"{name}_high"))
    return DASH if DASH in {low, high} else f"{low} to {high}"
