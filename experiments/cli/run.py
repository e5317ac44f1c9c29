"""`jointbid run`: one simulation, looked at closely."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments.cli.options import points

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from experiments.single import Run

VERB = "run"
ABOUT = "one simulation: per-bidder and time-series tables, pacing plot, what the calendar did"
SHOWN = 12
"""Bidders shown; the tables on disk have all."""


def main(arguments: Sequence[str]) -> int:
    """Run each point, and show its bidders and its calendar."""
    for point in points(VERB, ABOUT, arguments):
        from experiments import tables
        from experiments.logs.auctions import AUCTIONS
        from experiments.single import run

        done = run(point)
        about = point.settings
        tables.show(
            bidder_table(
                done.bidders,
                f"{about.scenario.name}, arm {about.study.arm}, money in {about.scenario.currency}",
            ),
            calendar_table(done.calendar),
            pace(done),
        )
        if done.logged is not None:
            sys.stdout.write(f"Log: {done.logged:,} rows in {done.folder / AUCTIONS}\n")
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


def calendar_table(calendar: pd.DataFrame) -> Table:
    """One row a kind of event, and one for the blocks of requests between them."""
    from rich import box
    from rich.table import Table

    table = Table(title="Calendar", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("kind")
    for name in ("count", "first, h", "last, h"):
        table.add_column(name, justify="right")
    for row in calendar.to_dict("records"):
        table.add_row(row["kind"], f"{row['count']:,}", f"{row['first_h']:.2f}", f"{row['last_h']:.2f}")
    return table


def pace(done: Run) -> str:
    """How much the calendar had to do between auctions."""
    from experiments.verdict import number

    each = done.pace
    return (
        f"{done.market['requests']:,.0f} auctions, {each['events']:,} events, {each['blocks']:,} blocks: "
        f"{number(each['auctions_per_event'])} auctions an event, "
        f"{number(each['auctions_per_block'])} a block"
    )


def _cell(value: Any) -> str:
    from experiments.verdict import number

    if isinstance(value, int):
        return f"{value:,}"
    return number(value) if isinstance(value, float) else str(value)
