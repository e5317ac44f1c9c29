"""Settings of a command that change nothing: said, so that nobody waits for their effect.

A setting is inert where the study without it has the same numbers. Where it changes no cell, the summaries are compared; where it
changes cells, one of them is simulated without it, first on few requests, then on all, and compared with the cell that is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import pandas as pd

from jointbid.sim.scenario import Scenario

from ..cells.cell import Cell, CellResult
from ..cells.lattice import JOINT
from ..config.bidder_checks import prices_itself
from ..config.points import Point, load
from ..errors import BadInput
from ..storage.cell_results import StudyState, table
from .base import Study

ELSEWHERE = ("scenario", "executor", "results_dir", "plot", "report", "sweep", "seed", "engine")
"""Choices of a market, and keys of where and how a study runs and looks; `engine.*` changes no number by promise."""
FEW = 2_000
"""Requests of the first comparison."""
MOST = 20
"""Overrides of a command that are looked at."""


def inert(point: Point, study: Study, cells: Sequence[Cell], summary: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each override of the point's command that changes no number of the study.

    Args:
        point: the point, with its command.
        study: the study, all of whose cells have a result.
        cells: these cells, each once.
        summary: what was estimated from them.
    """
    looked_at = [text for text in point.overrides[:MOST] if _key(text).partition(".")[0] not in ELSEWHERE]
    scenario = point.settings.scenario
    if point.swept or scenario.supply.kind == "log" or prices_itself(scenario):
        return
    finished = study.ledger.finished
    ours: Sequence[Cell] = ()
    for text in looked_at:
        others = [other for other in point.overrides if other is not text]
        again = [other for other in others if _key(other) == _key(text)]
        try:
            without = load(point.verb, others, config_dir=point.config_dir)[0]
            if without.settings == point.settings:
                if again and text != again[-1]:
                    yield f"{text} changes nothing here: {again[-1]} is given too, and holds."
                continue
            there = type(study)(without.settings, StudyState(finished=finished))
            there.check()
            ours = ours or next(type(study)(point.settings, StudyState(finished=finished)).stages(), [])
            if _is_same(ours, there, study, cells, summary):
                yield f"{text} changes no number of this study."
        except (BadInput, ValueError):  # the command needs it
            continue


def _is_same(
    ours: Sequence[Cell], there: Study, study: Study, cells: Sequence[Cell], summary: pd.DataFrame
) -> bool:
    """Whether the study without an override has the same numbers, as far as a cell, or the summary of the same cells, shows."""
    finished, stages = study.ledger.finished, there.stages()
    theirs = next(stages, [])
    if [cell.key for cell in ours] != [cell.key for cell in theirs]:
        return _is_same_cell(ours, theirs, study)
    kept: dict[str, Cell] = {}
    for cell in chain(theirs, chain.from_iterable(stages)):
        if finished is None or cell.key not in finished:
            return False
        if not cell.is_pilot:
            kept.setdefault(cell.key, cell)
    if kept.keys() != {cell.key for cell in cells}:
        return False
    return there.summary(table(study.ledger.of([kept[cell.key] for cell in cells]))).equals(summary)


def _is_same_cell(ours: Sequence[Cell], theirs: Sequence[Cell], study: Study) -> bool:
    """Whether one cell of a stage has the same numbers in both, on few requests and on all."""
    if not ours or [str(cell) for cell in ours] != [str(cell) for cell in theirs]:
        return False
    number = min(range(len(ours)), key=lambda number: _order(ours[number]))
    mine, its = ours[number], theirs[number]
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
