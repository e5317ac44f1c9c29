"""A sweep on the terminal: its table, abridged where it is long, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .sweep import Headline, column

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

WHOLE = 60
"""So many points are shown all; of more, the first and the last."""
EACH_END = 10


def sweep_table(rows: pd.DataFrame, swept: list[str], headline: Headline) -> Table:
    """One row a point: the swept values, then the study's headline figures, the first of them with its interval."""
    from rich import box
    from rich.table import Table

    units = sorted({str(unit) for unit in rows["unit"].dropna()})
    first, *others = headline
    title = headline[first][0].replace("_", " ").capitalize() + (f", {units[0]}" if len(units) == 1 else "")
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for key in swept:
        table.add_column(key.removeprefix("source.").replace(".", ".\n"))
    for head in (first, "95 % interval", *others):
        table.add_column(head, justify="right")
    if len(units) > 1:
        table.add_column("unit")
    names = [column(*figure, headline) for figure in headline.values()]
    shown = rows if len(rows) <= WHOLE else rows.iloc[[*range(EACH_END), *range(-EACH_END, 0)]]
    for number, row in enumerate(shown.to_dict("records")):
        if len(rows) > WHOLE and number == EACH_END:
            table.add_row(f"... {len(rows) - 2 * EACH_END:,} more")
        figures = [_number(row.get(name)) for name in names]
        cells = [figures[0], _interval(row, names[0]), *figures[1:]]
        table.add_row(
            *(_swept(row[key]) for key in swept), *cells, *([str(row["unit"])] if len(units) > 1 else [])
        )
    return table


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
    from .verdict import number

    return "-" if value is None or value != value else number(float(value))  # noqa: PLR0124 - nan


def _interval(row: Mapping[Any, Any], name: str) -> str:
    low, high = _number(row.get(f"{name}_low")), _number(row.get(f"{name}_high"))
    return "-" if "-" in {low, high} else f"{low} to {high}"
