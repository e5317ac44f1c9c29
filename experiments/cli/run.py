"""`jointbid run`: one simulation, looked at closely."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..config.points import Point
from ..errors import BadInput
from .study_arguments import points

VERB = "run"
ABOUT = "one simulation: per-bidder and time-series tables, pacing plot, what the calendar did"


def main(arguments: Sequence[str]) -> int:
    """Run each point, and show its bidders and its calendar."""
    todo = points(VERB, ABOUT, arguments)
    if todo is None:
        return 0
    if todo.cell is not None:
        raise BadInput("--cell: run is one cell already; study.arm and study.replication say which")
    for point in todo.points:
        if point.settings.scenario.supply.kind == "log":
            _show_log(point)
            continue
        from ..logs.auction_log_writer import AUCTIONS
        from ..report import tables
        from ..report.run_tables import bidder_tables, calendar_table, pace, stock_tables
        from ..studies.run import run

        done = run(point)
        about = point.settings
        tables.show(
            *bidder_tables(
                done.bidders,
                about.scenario,
                f"{about.scenario.name}, arm {about.study.arm}, money in {about.scenario.currency}",
            ),
            *stock_tables(done.stock),
            calendar_table(done.calendar),
            pace(done.pace, done.market["requests"]),
        )
        if done.logged is not None:
            sys.stdout.write(f"Log: {done.logged:,} rows in {done.folder / AUCTIONS}\n")
        sys.stdout.write(f"\nResults: {done.folder}\n")
    return 0


def _show_log(point: Point) -> None:
    """A strategy against a log's prices."""
    from ..report import tables
    from ..report.run_tables import bidder_tables, calendar_table
    from ..studies.replay.run import run_log

    done, notes, scenario = run_log(point)
    title = f"{scenario.name}, money in {scenario.currency}"
    tables.show(*bidder_tables(done.bidders, scenario, title), calendar_table(done.calendar), *notes)
    sys.stdout.write(f"\nResults: {done.folder}\n")
