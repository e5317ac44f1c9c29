"""`jointbid run`: one simulation, looked at closely."""

from __future__ import annotations

import sys
from typing import Any

from ..config.points import Point
from ..config.run_settings import RunSettings
from ..errors import BadInput
from .output import mute
from .parser import Options
from .study import points


def main(options: Options) -> int:
    """Run each point, and show its bidders and its calendar."""
    from ..execution.worker import compile_early

    if not options.cfg:
        compile_early(in_workers=False)
    todo = points(options)
    if todo is None:
        return 0
    if options.cell is not None:
        raise BadInput("--cell: run is one cell already; study.arm and study.replication say which")
    from ..report import tables

    for point in todo:
        is_log = point.settings.scenario.supply.kind == "log"
        shown = _log(point) if is_log else _simulation(point)
        try:
            tables.show(*shown[0])
            sys.stdout.write("".join(f"{line}\n" for line in shown[1]))
            sys.stdout.flush()
        except BrokenPipeError:  # the points after it are computed and written all the same
            mute()
    return 0


def _simulation(point: Point) -> tuple[list[Any], list[str]]:
    """Simulate one market, and return tables and lines that show it."""
    from ..logs.auction_log_writer import AUCTIONS
    from ..report.remote_bidders import remote_notes
    from ..report.run_tables import answer_tables, bidder_tables, calendar_table, pace, stock_tables
    from ..studies.run import run

    done, settings = run(point), point.settings.of(RunSettings)
    title = f"{settings.scenario.name}, arm {settings.study.arm}, money in {settings.scenario.currency}"
    shown = [
        *bidder_tables(done.bidders, settings.scenario, title),
        *answer_tables(done.bidders),
        *stock_tables(done.stock),
        calendar_table(done.calendar),
        pace(done.pace, done.market["requests"]),
        *remote_notes(settings, done.bidders),
        *done.notes,
    ]
    said = []
    if done.weekly:
        from ..report.wording.weekly import power_sentences, power_table, season_table

        weeks, power = done.weekly["weekly.csv"], done.weekly["holdout_power.csv"]
        shown = [season_table(weeks, settings.scenario.currency), power_table(power), *power_sentences(power)]
        said = [f"Weekly: {', '.join(str(done.folder / name) for name in done.weekly)}"]
    log = [f"Log: {done.logged:,} rows in {done.folder / AUCTIONS}"] if done.logged is not None else []
    return shown, [*said, *log, f"\nResults: {done.folder}"]


def _log(point: Point) -> tuple[list[Any], list[str]]:
    """Play a strategy against a log's prices, and return tables and lines that show it."""
    from ..report.run_tables import bidder_tables, calendar_table
    from ..studies.replay.run import run_log

    done, notes, scenario = run_log(point)
    title = f"{scenario.name}, money in {scenario.currency}"
    bidders = bidder_tables(done.bidders, scenario, title)
    return [*bidders, calendar_table(done.calendar), *notes], [f"\nResults: {done.folder}"]
