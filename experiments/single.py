"""``jointbid run``: one simulation, its tables and its pacing plot."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.cells import Cell
from experiments.config import Point
from experiments.errors import BadInput
from experiments.runner import Ledger
from experiments.session import manifest, recorded
from experiments.store import Folder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Run:
    """One simulation: a row a bidder, a row a bidder and hour, events on the calendar by kind."""

    folder: Path
    bidders: pd.DataFrame
    timeseries: pd.DataFrame
    calendar: dict[str, int]
    market: dict[str, float]


def run(point: Point) -> Run:
    """Simulate one market and write what came of it.

    Raises:
        BadInput: a log (which the study ``value`` replays), a strategy that does not bid, a folder that cannot be
            written to.
    """
    import pandas as pd

    from experiments.studies.arms import simulate_cell
    from sim import BidError

    cell = _cell(point)
    folder, started = Folder(point.folder), time.time()
    with recorded(folder):
        folder.status("running")
        try:
            result = simulate_cell(cell)
        except BidError as error:
            raise BadInput(f"bidders.strategy: {error}") from None
        done = Run(
            point.folder,
            pd.DataFrame(dict(result.bidders)),
            pd.DataFrame(dict(result.timeseries)),
            dict(result.calendar),
            dict(result.market),
        )
        _write(point, folder, done)
        ledger = Ledger(ran=1, auctions=int(result.market["requests"]))
        about = {
            "calendar": done.calendar,
            "market": {name: value for name, value in done.market.items() if math.isfinite(value)},
        }
        folder.write_json("manifest.json", manifest(point, started, ledger) | about)
        folder.status("done")
    return done


def _cell(point: Point) -> Cell:
    settings, study = point.settings, point.settings.study
    if settings.scenario.supply.kind == "log":
        raise BadInput("supply.kind = log: a log is replayed by jointbid value; run simulates one market")
    return Cell(
        scenario=settings.scenario,
        arm=study.arm,
        valuation=study.valuation,
        who=study.who,
        train_requests=study.train_requests,
        learner=study.learner,
        seed=settings.seed,
        replication=study.replication,
    )


def _write(point: Point, folder: Folder, done: Run) -> None:
    folder.write_text("config.yaml", point.yaml)
    for name, table in (("bidders", done.bidders), ("timeseries", done.timeseries)):
        folder.write_table(f"{name}.csv", table)
        folder.write_table(f"{name}.parquet", table)
    if point.settings.plot.enabled and len(done.timeseries):
        from experiments import plots

        budgets = dict(
            zip(done.bidders["bidder"], done.bidders["spend"] + done.bidders["budget_left"], strict=True)
        )
        points = plots.pacing_points(done.timeseries, budgets)
        plots.save(plots.draw_pacing(points), points, point.folder / "plots", "pacing")
