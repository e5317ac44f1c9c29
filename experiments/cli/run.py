"""`jointbid run`: one simulation, looked at closely."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments.cli.options import points

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

VERB = "run"
ABOUT = "one simulation: per-bidder and time-series tables, pacing plot, what the calendar did"
SHOWN = 12
"""Bidders shown; the tables on disk have all."""


def main(arguments: Sequence[str]) -> int:
    """Run each point, and show its bidders and its calendar."""
    for point in points(VERB, ABOUT, arguments):
        from experiments import tables
        from experiments.single import run

        done = run(point)
        about = point.settings
        tables.show(
            bidder_table(
                done.bidders,
                f"{about.scenario.name}, arm {about.study.arm}, money in {about.scenario.currency}",
            ),
            "Calendar: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(done.calendar.items())),
        )
        sys.stdout.write(f"\nResults: {done.folder}\n")
    return 0


def bidder_table(bidders: pd.DataFrame, title: str) -> Table:
    """One row a bidder, the first of them all."""
    from rich import box
    from rich.table import Table

    more = len(bidders) - SHOWN
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption=f"and {more} more" if more > 0 else None,
    )
    columns = [name for name in bidders if name != "advertiser"]
    for name in columns:
        table.add_column(str(name), justify="left" if name == "bidder" else "right")
    for row in bidders.head(SHOWN).to_dict("records"):
        table.add_row(*(_cell(row[name]) for name in columns))
    return table


def _cell(value: Any) -> str:
    from experiments.verdict import number

    if isinstance(value, int):
        return f"{value:,}"
    return number(value) if isinstance(value, float) else str(value)
