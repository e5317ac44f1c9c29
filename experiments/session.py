"""From a validated point to a folder full of answers: run what is missing, estimate, write, and say where."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.config import Point, digest
from experiments.executor import Work, cores
from experiments.runner import Ledger, complete
from experiments.store import Folder
from experiments.studies import value as study
from experiments.versions import PACKAGES, version

FEW_SALES = 200
"""From fewer conversions a learned valuation has little but their chance to learn from."""

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario import Scenario, StrategySpec

SUMMARY, CELLS, SERIES = "summary.parquet", "cells.parquet", "timeseries.parquet"


@dataclass
class Answer:
    """What a study found, for people to be shown.

    Attributes:
        folder: where everything is.
        summary: the rows of ``summary.csv``; None where failed cells left too little.
        best_single: the better single source.
        verdict: the answer in sentences.
        failures: the lines of ``failures.jsonl``.
        ran: cells that this command ran; the others were there.
        shown: tables for the terminal, where they are not made of the summary.
        notes: what else to know.
    """

    folder: Path
    summary: pd.DataFrame | None = None
    best_single: str = ""
    verdict: tuple[str, ...] = ()
    failures: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0
    shown: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


def value(point: Point, work: Work) -> Answer:
    """Answer the study ``value`` at one point.

    Raises:
        BadInput: a market without sources, a strategy that does not bid, a folder that cannot be written to.
    """
    study.check(point.settings)
    folder, ledger, started = Folder(point.folder), Ledger(), time.time()
    with recorded(folder):
        plan, curves = study.Plan(point.settings), study.curves(point.settings)
        first = point.settings.study.replications
        if point.settings.study.half_width is not None:
            complete(plan.pilot() + plan.width_pilot(), ledger, folder, point, work)
            first = study.replications(point.settings, ledger)
        ladder, pilot = plan.ladder(range(first)), plan.pilot()
        complete(pilot + ladder + curves.cells(), ledger, folder, point, work)
        content = digest(
            [first, point.settings.plot.enabled, *sorted(cell.key for cell in ladder + curves.cells())]
        )
        answer = Answer(point.folder, failures=ledger.failures, ran=ledger.ran)
        answer.best_single = study.best_single(ledger.of(pilot))
        known = folder.read_json("manifest.json")
        if known.get("content") == content and folder.is_done() and _read(answer, point):
            return answer
        _write_tables(answer, point, folder, ledger, ladder + curves.cells())
        if answer.summary is not None and point.settings.plot.enabled:
            _plots(answer, point, curves, ledger)
        about = {"replications": first, "best_single": answer.best_single, "silo": point.settings.study.silo}
        folder.write_json("manifest.json", manifest(point, started, ledger) | about | {"content": content})
        folder.status("failed" if ledger.failures else "done")
    return answer


@contextmanager
def recorded(folder: Folder) -> Iterator[None]:
    """Open the folder, and leave no status that says ``running`` when the work ends by an error or Ctrl-C."""
    folder.open()
    try:
        yield
    except BaseException:
        if folder.read_json("status.json").get("status") == "running":
            folder.status("failed")
        raise


def manifest(point: Point, started: float, ledger: Ledger) -> dict[str, Any]:
    """Where the numbers come from: versions, seed, command, time and work."""
    wall = time.time() - started
    return {
        "command": point.command,
        "seed": point.settings.seed,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_seconds": round(wall, 3),
        "auctions": ledger.auctions,
        "auctions_per_second": round(ledger.auctions / max(wall, 1e-9)),
        "cells_run": ledger.ran,
        "cells_kept": ledger.kept,
        "cores": cores(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: version(name) for name in PACKAGES} | _plugin_version(point),
    }


def _plugin_version(point: Point) -> dict[str, str]:
    """Of the package that brings the strategy; nothing where it is built in."""
    from strategies.plugins import plugins

    entry = plugins().get(point.settings.scenario.bidders.strategy.name)
    return {entry.dist.name: entry.dist.version} if entry and entry.dist else {}


def _write_tables(answer: Answer, point: Point, folder: Folder, ledger: Ledger, cells: list[Any]) -> None:
    folder.write_text("config.yaml", point.yaml)
    found = ledger.of(cells)
    table = study.table(found)
    folder.write_table(CELLS, table)
    folder.write_table(SERIES, study.timeseries(found))
    folder.write_lines("failures.jsonl", ledger.failures)
    _estimate(answer, point, table)
    if answer.summary is not None:
        folder.write_table("summary.csv", answer.summary)
        folder.write_table(SUMMARY, answer.summary)


def _estimate(answer: Answer, point: Point, cells: pd.DataFrame) -> None:
    """Summary and verdict; none of them where failed cells left too little."""
    from experiments.estimate import ladder_summary

    scale, unit = study.unit(point.settings.scenario)
    ladder = cells[cells["study_point"] == ""]
    try:
        answer.summary = ladder_summary(
            ladder,
            best_single=answer.best_single,
            silo=point.settings.study.silo,
            unit_scale=scale,
            unit=unit,
            per_bidder=point.settings.scenario.bidders.count > 1,
        )
    except ValueError:
        if not answer.failures:
            raise
    else:
        _say(answer, point)


def _say(answer: Answer, point: Point) -> None:
    from experiments.verdict import holders, verdict

    assert answer.summary is not None  # noqa: S101 - both callers have one
    settings = point.settings
    about = {"best_single": answer.best_single, "silo": settings.study.silo}
    who = holders(settings.study.who, settings.scenario.bidders.count)
    answer.verdict = (verdict(answer.summary, holders=who, **about),)
    bidders = settings.scenario.bidders
    if bidders.budget is not None and not paces(bidders.strategy, settings.scenario):
        note = (
            f"bidders.budget with strategy {bidders.strategy.name}: it spends until the money is gone, and what data is "
            "worth hardly shows; strategy=adaptive_pacing spends evenly"
        )
        answer.notes += (note,)
    if settings.study.valuation == "learned":
        sales = _sales_to_learn_from(settings.scenario, settings.study.train_requests)
        if sales < FEW_SALES:
            note = (
                f"study.train_requests = {settings.study.train_requests}: such a log holds some {sales:.3g} conversions; what "
                f"is learned from fewer than {FEW_SALES} is mostly noise, and so is what joining is worth with it"
            )
            answer.notes += (note,)


def _sales_to_learn_from(scenario: Scenario, requests: int) -> float:
    """Conversions in a log of so many impressions; inf where values are learned from something else."""
    from sim.response import truth

    if scenario.response.conversion is None:
        return math.inf
    world = truth(scenario)
    return float((world.law * world.conversion).sum()) * requests


def _read(answer: Answer, point: Point) -> bool:
    """Take the tables that are there already; False where one is gone or damaged, and must be written again."""
    import pandas as pd

    try:
        for name in (CELLS, SERIES):
            pd.read_parquet(point.folder / name, columns=["arm"])
        pd.read_csv(point.folder / "summary.csv", usecols=["estimand"])
        answer.summary = pd.read_parquet(point.folder / SUMMARY)
    except (OSError, ValueError):  # pyarrow's and pandas' own errors are ValueErrors
        return False
    _say(answer, point)
    return True


def paces(spec: StrategySpec, scenario: Scenario) -> bool:
    """Whether a strategy minds its budget."""
    from strategies.market import Market
    from strategies.registry import make

    return bool(getattr(make(spec, Market.of(scenario)), "paces", False))


def _plots(answer: Answer, point: Point, curves: study.Curves, ledger: Ledger) -> None:
    from experiments import plots
    from experiments.estimate import curve_table, heat_table, silo_label

    assert answer.summary is not None  # noqa: S101 - the caller has asked
    settings, folder = point.settings, point.folder / "plots"
    scale, unit = study.unit(settings.scenario)
    silo = settings.study.silo
    points = plots.ladder_points(answer.summary)
    plots.save(plots.draw_ladder(points, best_single=answer.best_single, silo=silo), points, folder, "ladder")
    cells, single = study.at_points(curves.match, ledger)
    if cells:
        curve = curve_table(cells, best_single=single, silo=silo, unit_scale=scale)
        label = "better single source at each point" if silo == "best_single" else silo_label(silo, "")
        plots.save(plots.draw_curve(curve, unit=unit, silo=label), curve, folder, "match_rate")
    grid, singles = study.at_points(curves.heat, ledger)
    if grid:
        heat = heat_table(grid, best_single=singles, unit_scale=scale)
        plots.save(plots.draw_heat(heat, unit=unit), heat, folder, "redundancy_interaction")
