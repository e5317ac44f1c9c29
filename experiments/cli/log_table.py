"""`jointbid log table FILE`."""

from __future__ import annotations

import sys

import pandas as pd

from ..config.points import load
from ..logs.replay.outcomes import budget_label
from ..report import tables
from ..report.numbers import number
from ..studies.replay.strategy_table import table
from .log import Call, override


def main(call: Call) -> int:
    """Play, write and show the classic table: strategies down, budgets across."""
    (point,) = load("value", [override(call), *call.overrides])
    found, notes, folder = table(point)
    several = found["tags"].nunique() > 1
    for names, rows in found.groupby(["metric", "campaign", "tags"], sort=False):
        metric, campaign, tags = (str(name).replace("_", " ") for name in names)
        shown = f" ({tags})" if several else ""
        about = dict.fromkeys((metric, str(rows["unit"].iloc[0])))  # clicks are counted in clicks
        title = f"Campaign {campaign}{shown}: {', '.join(about)}, with 95 % interval"
        shares = sorted(rows["budget_share"].unique())
        lines = [
            (strategy, *(own.set_index("budget_share").loc[share] for share in shares))
            for strategy, own in rows.groupby("strategy", sort=False)
        ]
        columns = [(budget_label(share), _cell) for share in shares]
        tables.show(tables.text_table(title, lines, ("budget", str), *columns, caption=""))
    tables.show(*notes)
    sys.stdout.write(f"\nResults: {folder}\n")
    return 0


def _cell(row: pd.Series) -> str:
    """Return the estimate above its interval."""
    between = "-" if pd.isna(row["ci_low"]) else f"{number(row['ci_low'])}-{number(row['ci_high'])}"
    return f"{number(row['estimate'])}\n{between}"
