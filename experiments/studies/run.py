"""`jointbid run`: one simulation, its tables, its calendar, plots of pacing and journeys, and its log where one is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from jointbid.sim import BidError, Entrant, RunResult, simulate
from jointbid.sim.allowance import Allowance
from jointbid.sim.watch import ending_if_stuck
from jointbid.strategies.policies.steered import Interface

from ..cells.attribution_season import run_cell as season_cell
from ..cells.bidders import entrants, run_cell
from ..cells.cell import Cell, code_version
from ..config.points import Point
from ..config.run_settings import RunSettings
from ..errors import RunFailed
from ..execution.trial import trial
from ..logs.auction_log_writer import AUCTIONS, AuctionLog, drop_stale
from ..report.plots.auction_log import figures_of_log
from ..report.plots.figure import Figure
from ..report.plots.journey import draw_journey, journey_points
from ..report.plots.pacing import draw_pacing, pacing_points
from ..storage.ownership import record
from ..training.trajectories import Trajectories, has_conversions, recorded, trajectories_of
from .cell_plans import cell_of
from .inert import inert_in_run
from .run_folder import RunFiles, write_run
from .weekly import season_of, weekly_cell

AUCTIONNET_STATE = Interface("auctionnet")
"""What the states of trajectories are."""
BLOCK = "block"
"""The kind, in the calendar, of requests that travelled together; all other kinds are events."""


@dataclass(frozen=True)
class Run:
    """The tables of one simulation.

    Attributes:
        folder: where they are written.
        bidders: a row a bidder.
        timeseries: a row a bidder and hour.
        calendar: a row a kind of event.
        market: the totals of the market.
        journey: a row a step of the journeys.
        stock: a row a shelf.
        logged: rows of the auction log; None where no log was asked for.
        trajectories: a row a bidder and control step; none where they were not asked for.
        weekly: by file name, the tables of a run of channels by week.
        notes: what its command sets in vain.
    """

    folder: Path
    bidders: pd.DataFrame
    timeseries: pd.DataFrame
    calendar: pd.DataFrame
    market: dict[str, float]
    journey: pd.DataFrame
    stock: pd.DataFrame
    logged: int | None = None
    trajectories: pd.DataFrame = field(default_factory=pd.DataFrame)
    weekly: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def from_result(
        cls,
        folder: Path,
        result: RunResult,
        *,
        identified: bool,
        logged: int | None = None,
        trajectories: pd.DataFrame | None = None,
    ) -> Self:
        """Lay out a result as tables; `identified` says whether people are recognised."""
        return cls(
            folder,
            bidder_table(result, identified=identified),
            pd.DataFrame(dict(result.timeseries)),
            calendar_table(result),
            dict(result.market),
            pd.DataFrame(dict(result.journey)),
            pd.DataFrame(dict(result.stock)),
            logged,
            pd.DataFrame() if trajectories is None else trajectories,
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by file name; those of journeys and stock where they have rows."""
        optional = {"journey.csv": self.journey, "stock.csv": self.stock, "trajectories": self.trajectories}
        return {
            "bidders": self.bidders,
            "timeseries": self.timeseries,
            "calendar.csv": self.calendar,
            **{name: table for name, table in optional.items() if len(table)},
            **self.weekly,
        }

    @property
    def pace(self) -> dict[str, float]:
        """Numbers of events and of blocks of requests, and auctions per event and per block (nan without one)."""
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
    """Simulate one market, and write its tables.

    Raises:
        BadInput: a strategy that does not bid, or not twice alike; a folder that cannot be written to.
        RunFailed: a strategy that fails under way.
    """
    study = point.settings.of(RunSettings).study
    if study.weekly:
        return _run_weekly(point)
    cell = _cell(point)
    bidders = entrants(cell)
    if study.trajectories:
        bidders = recorded(cell.scenario, bidders, AUCTIONNET_STATE)

    def play() -> tuple[Run, RunFiles]:
        try:
            result, logged = _simulate(cell, point, bidders)
        except BidError as error:
            raise RunFailed(f"bidders.strategy: {error}") from None
        identified = cell.scenario.audience.people is not None
        steps = _trajectories(cell, result, bidders) if study.trajectories else None
        done = Run.from_result(point.folder, result, identified=identified, logged=logged, trajectories=steps)
        about = {"calendar": dict(result.calendar), **finite(done.pace), "market": finite(done.market)}
        if logged is not None:
            about["log_rows"] = logged
        auctions = int(result.market["requests"])
        notes = tuple(inert_in_run(point, _cell, run_cell))
        done = replace(done, notes=notes)
        return done, RunFiles(done.tables, auctions, about | {"notes": notes}, figures=_figures(point, done))

    with ending_if_stuck():
        trial([cell], run_cell)
        return write_run(point, play)


def _run_weekly(point: Point) -> Run:
    """Play the channels by week, and write the tables of a run and those of the weeks."""

    def play() -> tuple[Run, RunFiles]:
        season, tables = season_of(point)
        done = replace(Run.from_result(point.folder, season.result, identified=True), weekly=tables)
        about = {"calendar": dict(season.result.calendar), "market": finite(done.market)}
        return done, RunFiles(done.tables, int(done.market["requests"]), about, figures=_figures(point, done))

    with ending_if_stuck():
        trial([weekly_cell(point)], season_cell)
        return write_run(point, play)


def bidder_table(result: RunResult, *, identified: bool) -> pd.DataFrame:
    """Return the table of bidders with `frequency`: impressions per person reached by the advertiser.

    It is nan where people are not `identified`, and where no person was reached.
    """
    table = pd.DataFrame(dict(result.bidders))
    seen = table.groupby("advertiser")[["viewed", "reach"]].transform("sum")
    return table.assign(frequency=(seen["viewed"] / seen["reach"]).where(identified & (seen["reach"] > 0)))


def calendar_table(result: RunResult) -> pd.DataFrame:
    """Return `kind`, `count`, `first_h` and `last_h` of each kind of event, in the order in which they began."""
    rows = [(kind, count, *result.calendar_h[kind]) for kind, count in result.calendar.items()]
    rows.sort(key=lambda row: (row[0] == BLOCK, row[2], row[0]))
    return pd.DataFrame(rows, columns=["kind", "count", "first_h", "last_h"])


def finite(numbers: dict[str, float]) -> dict[str, Any]:
    """Return the numbers without those that are nan or infinite, which JSON cannot hold."""
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _simulate(cell: Cell, point: Point, bidders: Mapping[str, Entrant]) -> tuple[RunResult, int | None]:
    """Return the result, and the number of rows of its log."""
    path, code, study = point.folder / AUCTIONS, code_version(), point.settings.of(RunSettings).study
    keep = study.trajectories
    if not study.log:
        drop_stale(path, code)
        return simulate(cell.scenario, bidders, cell.seed, cell.replication, keep_strategies=keep), None
    terms = {name: (entrant.advertiser or name, _budget(cell, entrant)) for name, entrant in bidders.items()}
    record(point.folder, AUCTIONS)
    with AuctionLog(path, cell.scenario, list(bidders), code, terms) as log:
        result = simulate(cell.scenario, bidders, cell.seed, cell.replication, sink=log, keep_strategies=keep)
        log.add_totals(result)
    return result, log.rows


def _trajectories(cell: Cell, result: RunResult, bidders: Mapping[str, Entrant]) -> pd.DataFrame:
    """Return the control steps of all bidders, as data for offline learners."""
    rows = tuple(trajectories_of(result, bidders))
    return Trajectories(
        rows, AUCTIONNET_STATE, has_conversions(cell.scenario), math.nan, cell.scenario.name
    ).frame()


def _budget(cell: Cell, entrant: Entrant) -> float | None:
    """Return what a bidder may spend in the whole run: its budget, or the sum of its daily budgets."""
    scenario = cell.scenario
    terms = entrant.terms or scenario.bidders.terms
    total = Allowance(scenario, terms, entrant.budget, scenario.supply.requests or 1).total
    return total if math.isfinite(total) else None


def _cell(point: Point) -> Cell:
    study = point.settings.of(RunSettings).study
    return cell_of(point.settings, study.arm, study.replication, lineup=study.strategies)


def _figures(point: Point, done: Run) -> Iterator[Figure]:
    """Yield the plots of pacing, of journeys where there are any, and of the log where there is one."""
    if len(done.timeseries):
        limits = done.bidders["spend"] + done.bidders["budget_left"]
        points = pacing_points(done.timeseries, dict(zip(done.bidders["bidder"], limits, strict=True)))
        yield Figure("pacing", points, draw_pacing)
    if len(done.journey):
        yield Figure("journey", journey_points(done.journey), draw_journey)
    if done.logged:
        settings = point.settings.of(RunSettings)
        yield from figures_of_log(
            point.folder / AUCTIONS, settings.scenario, settings.seed, settings.study.replication
        )
