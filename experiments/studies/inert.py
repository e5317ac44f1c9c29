"""Settings of a command that change nothing: said, so that nobody waits for their effect.

A setting is inert where the study without it has the same numbers. Where it changes no cell, the summaries are compared; where it
changes cells, one of them is simulated without it, first on few requests, then on all, and compared with the cell that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jointbid.sim.scenario import Scenario

from ..cells.cell import Cell, CellResult
from ..cells.lattice import JOINT
from ..config.bidder_checks import prices_itself
from ..config.points import Point, load
from ..errors import BadInput
from ..storage.cell_results import StudyState
from .base import Study

ELSEWHERE = ("scenario", "executor", "results_dir", "plot", "report", "sweep", "seed", "engine")
"""Choices of a market, and keys of where and how a study runs and looks; `engine.*` changes no number by promise."""
FEW = 2_000
"""Requests of the first comparison."""
MOST = 20
"""Overrides of a command that are looked at."""


def inert(point: Point, study: Study) -> Iterator[str]:
    """Yield a sentence for each override of the point's command that changes no number of the study."""
    looked_at = [text for text in point.overrides[:MOST] if _key(text).partition(".")[0] not in ELSEWHERE]
    scenario = point.settings.scenario
    if point.swept or scenario.supply.kind == "log" or prices_itself(scenario):
        return
    for text in looked_at:
        others = [other for other in point.overrides if other is not text]
        again = [other for other in others if _key(other) == _key(text)]
        try:
            without = load(point.verb, others, config_dir=point.config_dir)[0]
        except BadInput:  # the command needs it
            continue
        if without.settings == point.settings:
            if again and text != again[-1]:
                yield f"{text} changes nothing here: {again[-1]} is given too, and holds."
        elif _is_same(point, without, study):
            yield f"{text} changes no number of this study."


def _is_same(point: Point, without: Point, study: Study) -> bool:
    """Whether the study without an override has the same numbers, as far as its first cells and the summary show."""
    here, there = (
        type(study)(one.settings, StudyState(finished=study.ledger.finished)) for one in (point, without)
    )
    there.check()
    cells, theirs = (next(one.stages(), []) for one in (here, there))
    if [cell.key for cell in cells] == [cell.key for cell in theirs]:
        rows = study.ledger.complete(cells)
        return rows is not None and there.summary(rows).equals(here.summary(rows))
    if [str(cell) for cell in cells] != [str(cell) for cell in theirs]:
        return False
    number = min(range(len(cells)), key=lambda number: _order(cells[number]))
    mine, its = cells[number], theirs[number]
    few = [replace(cell, scenario=_with_few(cell)) for cell in (mine, its)]
    return all(_rows(study.work(one)) == _rows(study.work(other)) for one, other in (few, (mine, its)))


def _order(cell: Cell) -> tuple[bool, bool, bool, int]:
    """What comes first is compared: the market itself, all data, no pilot, the first replication."""
    return bool(cell.point), cell.arm != JOINT, cell.is_pilot, cell.replication


def _with_few(cell: Cell) -> Scenario:
    supply = cell.scenario.supply
    return cell.scenario.model_copy(
        update={"supply": supply.model_copy(update={"requests": min(supply.requests or FEW, FEW)})}
    )


def _rows(result: CellResult) -> str:
    """Return all numbers of a cell as text, in which a number that is none equals itself."""
    return repr((result.rows, result.timeseries, result.auctions))


def _key(text: str) -> str:
    return text.lstrip("+~").partition("=")[0]
