"""`jointbid log table FILE`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..report.verdict import number
from .log import Call, override

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def main(call: Call) -> int:
    """Play, write and show the classic table."""
    from ..config.points import load
    from ..report import tables
    from ..studies.replay.strategy_table import table

    (point,) = load("value", [override(call), *call.overrides])
    found, notes, folder = table(point)
    several = found["tags"].nunique() > 1
    for names, rows in found.groupby(["metric", "campaign", "tags"], sort=False):
        metric, campaign, tags = (str(name).replace("_", " ") for name in names)
        shown = f" ({tags})" if several else ""
        about = dict.fromkeys((str(metric), str(rows["unit"].iloc[0])))  # clicks are counted in clicks
        title = f"Campaign {campaign}{shown}: {', '.join(about)}, with 95 % interval"
        tables.show(_grid(rows, title))
    tables.show(*notes)
    sys.stdout.write(f"\nResults: {folder}\n")
    return 0


def _grid(rows: pd.DataFrame, title: str) -> Table:
    """Strategies down, budgets across."""
    from rich import box
    from rich.table import Table

    from ..logs.replay.outcomes import budget_label

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("budget")
    shares = sorted(rows["budget_share"].unique())
    for share in shares:
        table.add_column(budget_label(share), justify="right", overflow="fold")
    for strategy in rows["strategy"].unique():
        own = rows[rows["strategy"] == strategy].set_index("budget_share")
        table.add_row(strategy, *(_cell(own.loc[share]) for share in shares))
    return table


def _cell(row: pd.Series) -> str:
    """The estimate above its interval."""
    if row["ci_low"] != row["ci_low"]:
        return f"{number(row['estimate'])}\n-"
    return f"{number(row['estimate'])}\n{number(row['ci_low'])}-{number(row['ci_high'])}"
