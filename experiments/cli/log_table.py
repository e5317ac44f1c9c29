"""`jointbid log table FILE`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from experiments.cli.log import Call, override
from experiments.verdict import number

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def main(call: Call) -> int:
    """Play, write and show the classic table."""
    from experiments import tables
    from experiments.config import load
    from experiments.log_table_session import table

    (point,) = load("value", [override(call), *call.overrides])
    found, notes, folder = table(point)
    for metric in ("clicks", "cost", "ecpc", "win_rate"):
        for campaign in found["campaign"].unique():
            rows = found[(found["campaign"] == campaign) & (found["metric"] == metric)]
            tables.show(
                _grid(
                    rows,
                    f"Campaign {campaign}: {metric.replace('_', ' ')}, {rows['unit'].iloc[0]}, with 95 % interval",
                )
            )
    tables.show(*notes)
    sys.stdout.write(f"\nResults: {folder}\n")
    return 0


def _grid(rows: pd.DataFrame, title: str) -> Table:
    """Strategies down, budgets across."""
    from rich import box
    from rich.table import Table

    from experiments.replay.outcomes import budget_label

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
