"""``jointbid run``: one simulation, its tables, its calendar, plots of pacing and journeys, and its log where that was asked for."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..cells.cell import Cell, code_version
from ..config.points import Point
from ..errors import RunFailed, reported
from ..storage.cell_results import StudyState
from ..storage.ownership import record
from ..storage.study_folder import Folder
from .session import manifest

if TYPE_CHECKING:
    import pandas as pd

    from jointbid.sim import Entrant, RunResult

    from ..report.plots.figure import Figure

BLOCK = "block"
"""The kind, in the calendar, that is no event: requests that travelled together."""


@dataclass(frozen=True)
class Run:
    """One simulation: a row a bidder, a row a bidder and hour, a row a kind of event, a row a step of the journeys, a row a shelf.

    ``logged`` counts the rows of the auction log; None where none was asked for.
    """

    folder: Path
    bidders: pd.DataFrame
    timeseries: pd.DataFrame
    calendar: pd.DataFrame
    market: dict[str, float]
    logged: int | None = None
    journey: pd.DataFrame | None = None
    stock: pd.DataFrame | None = None

    @property
    def pace(self) -> dict[str, float]:
        """Events, blocks of requests, and how many auctions came to one of each (nan where there was none)."""
        is_block = self.calendar["kind"] == BLOCK
        requests = self.market["requests"]
        events, blocks = (int(self.calendar.loc[rows, "count"].sum()) for rows in (~is_block, is_block))
        return {
            "events": events,
            "blocks": blocks,
            "auctions_per_event": requests / events if events else math.nan,
            "auctions_per_block": requests / blocks if blocks else math.nan,
        }


def run(point: Point) -> Run:
    """Simulate one market and write what came of it.

    Raises:
        BadInput: a strategy that does not bid, or not twice alike; a folder that cannot be written to.
        RunFailed: a strategy that fails under way.
    """
    import pandas as pd

    from jointbid.sim import BidError
    from jointbid.sim.watch import ending_if_stuck

    from ..cells.bidders import run_cell
    from ..execution.trial import trial

    cell = _cell(point)
    with ending_if_stuck():
        trial([cell], run_cell)
    folder, started = Folder(point.folder), time.time()
    with folder.locked(), ending_if_stuck():
        folder.status("running")
        try:
            result, logged = _simulate(cell, point)
        except BidError as error:
            raise RunFailed(f"bidders.strategy: {error}") from None
        done = Run(
            point.folder,
            bidder_table(result, identified=cell.scenario.audience.people is not None),
            pd.DataFrame(dict(result.timeseries)),
            calendar_table(result),
            dict(result.market),
            logged,
            pd.DataFrame(dict(result.journey)),
            pd.DataFrame(dict(result.stock)),
        )
        _write(point, folder, done)
        ledger = StudyState(ran=1, auctions=int(result.market["requests"]))
        about = {
            "calendar": dict(result.calendar),
            **_finite(done.pace),
            "market": _finite(done.market),
        }
        if logged is not None:
            about["log_rows"] = logged
        folder.write_json("manifest.json", manifest(point, started, ledger) | about)
        folder.status("done")
    return done


def bidder_table(result: RunResult, *, identified: bool) -> pd.DataFrame:
    """The table of bidders, and ``frequency``: impressions that a person saw of the advertiser who saw any.

    It is nan where nobody is ``identified``, or was reached.
    """
    import pandas as pd

    table = pd.DataFrame(dict(result.bidders))
    seen = table.groupby("advertiser")[["viewed", "reach"]].transform("sum")
    return table.assign(frequency=(seen["viewed"] / seen["reach"]).where(identified & (seen["reach"] > 0)))


def calendar_table(result: RunResult) -> pd.DataFrame:
    """What happened when: ``kind``, ``count``, ``first_h``, ``last_h``; events in the order in which they began."""
    import pandas as pd

    rows = [
        {
            "kind": kind,
            "count": count,
            "first_h": result.calendar_h[kind][0],
            "last_h": result.calendar_h[kind][1],
        }
        for kind, count in result.calendar.items()
    ]
    rows.sort(key=lambda row: (row["kind"] == BLOCK, row["first_h"], row["kind"]))
    return pd.DataFrame(rows, columns=["kind", "count", "first_h", "last_h"])


def _simulate(cell: Cell, point: Point) -> tuple[RunResult, int | None]:
    """The run, and how many rows its log has."""
    from jointbid.sim import simulate

    from ..cells.bidders import entrants
    from ..logs.auction_log_writer import AUCTIONS, AuctionLog, drop_stale, totals_of

    market, path, code = entrants(cell), point.folder / AUCTIONS, code_version()
    if not point.settings.study.log:
        drop_stale(path, code)
        return simulate(cell.scenario, market, cell.seed, cell.replication), None
    terms = {name: (entrant.advertiser or name, _budget(cell, entrant)) for name, entrant in market.items()}
    record(point.folder, AUCTIONS)
    with AuctionLog(path, cell.scenario, list(market), code, terms) as log:
        result = simulate(cell.scenario, market, cell.seed, cell.replication, sink=log)
        log.totals = totals_of(result)
    return result, log.rows


def _budget(cell: Cell, entrant: Entrant) -> float | None:
    """What a bidder may spend in the whole run: its budget, or the sum of its days'."""
    from jointbid.sim.allowance import Allowance

    scenario = cell.scenario
    total = Allowance(
        scenario, entrant.terms or scenario.bidders.terms, entrant.budget, scenario.supply.requests or 1
    ).total
    return total if math.isfinite(total) else None


def _finite(numbers: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _cell(point: Point) -> Cell:
    settings, study = point.settings, point.settings.study
    return Cell(
        scenario=settings.market,
        arm=study.arm,
        valuation=study.valuation,
        who=study.who,
        others=study.others,
        train_requests=study.train_requests,
        learner=study.learner,
        seed=settings.seed,
        replication=study.replication,
        lineup=study.strategies,
    )


def _write(point: Point, folder: Folder, done: Run) -> None:
    folder.write_text("config.yaml", point.yaml)
    for name, table in (("bidders", done.bidders), ("timeseries", done.timeseries)):
        folder.write_table(f"{name}.csv", table)
        folder.write_table(f"{name}.parquet", table)
    folder.write_table("calendar.csv", done.calendar)
    if done.journey is not None and len(done.journey):
        folder.write_table("journey.csv", done.journey)
    if done.stock is not None and len(done.stock):
        folder.write_table("stock.csv", done.stock)
    if point.settings.plot.enabled:
        look = point.settings.plot
        from ..report.plots.letters import names_in, report_missing

        report_missing([point.settings.scenario.name, *names_in(done.bidders)])
        with reported("plots"):
            for figure in _figures(point, done):
                with reported(f"plots/{figure.name}"):
                    figure.write(point.folder / "plots", look.style, look.format)


def _figures(point: Point, done: Run) -> Iterator[Figure]:
    """Pacing; journeys where there are any; and, of a run that was logged, what the log shows."""
    from ..logs.auction_log_writer import AUCTIONS
    from ..report import plots
    from ..report.plots.auction_log import figures_of_log
    from ..report.plots.figure import Figure

    if len(done.timeseries):
        limits = done.bidders["spend"] + done.bidders["budget_left"]
        points = plots.pacing_points(done.timeseries, dict(zip(done.bidders["bidder"], limits, strict=True)))
        yield Figure("pacing", points, lambda: plots.draw_pacing(points))
    if done.journey is not None and len(done.journey):
        flows = plots.journey_points(done.journey)
        yield Figure("journey", flows, lambda: plots.draw_journey(flows))
    if done.logged:
        about = point.settings
        path = point.folder / AUCTIONS
        yield from figures_of_log(path, about.scenario, about.seed, about.study.replication)
