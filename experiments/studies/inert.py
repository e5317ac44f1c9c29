"""Settings of a command that change nothing: stated, so that no one waits for their effect.

A setting is inert where the study without it has the same numbers. Where it changes the address of no cell, the summaries are compared;
where it does, a cell whose address it changes is simulated without it, first on few requests, then on all, and compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

import numpy as np
import pandas as pd

from jointbid.sim.allowance import Allowance
from jointbid.sim.scenario import Engine, Scenario, StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import make

from ..cells.cell import Cell, CellResult
from ..cells.cell_lists import Cells, estimated_from, keyed, keys_of
from ..cells.lattice import JOINT
from ..config.bidder_checks import values_itself
from ..config.points import Point, load
from ..config.settings import Settings
from ..errors import BadInput
from ..storage.cell_results import StudyState, table
from .base import Study

ELSEWHERE = ("scenario", "executor", "results_dir", "plot", "report", "sweep", "seed", "engine")
"""Choices of a market, and keys of where and how a study runs and looks; `engine.*` changes no number by promise."""
FEW = 2_000
"""Requests of the first comparison."""
MOST, MOST_CELLS, MOST_REQUESTS = 20, 5, 1_000_000
"""Overrides of a command that are looked at, cells that are simulated in full for them, and the requests of such a cell."""

Work = Callable[[Cell], CellResult]


def inert(point: Point, study: Study, cells: Cells, summary: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each setting of the point's command that changes no number of the study.

    Args:
        point: the point, with its command.
        study: the study, all of whose cells have a result.
        cells: these cells, each once.
        summary: what was estimated from them.
    """
    compared = _Compared(study.work)

    @cache
    def ours() -> Collection[Cell]:
        return next(_again(study, point).stages(), ())

    def is_same(without: Point) -> bool:
        return _is_same(ours(), _again(study, without), study, cells, summary, compared)

    yield from paces_nothing(point.settings, cells)
    yield from _in_vain(point, is_same)


def inert_in_run(point: Point, cell_of: Callable[[Point], Cell], work: Work) -> Iterator[str]:
    """Yield the same of one simulation; keys of `study` say what it shows and writes, and are left out.

    Args:
        point: the point, with its command.
        cell_of: makes the cell of a point.
        work: simulates a cell.
    """
    compared, mine = _Compared(work), cell_of(point)

    def is_same(without: Point) -> bool:
        its = cell_of(without)
        return mine.key == its.key or compared(mine, its)

    yield from paces_nothing(point.settings, [mine])
    yield from _in_vain(point, is_same, ("study",))


def paces_nothing(settings: Settings, cells: Iterable[Cell]) -> Iterator[str]:
    """Yield a sentence that names the strategies in these cells that pace a budget, where there is none."""
    scenario = settings.scenario
    bidders, requests = scenario.bidders, scenario.supply.requests
    lineup = list({spec.name: spec for cell in cells for spec in cell.lineup}.values())
    key, specs = ("study.strategies", lineup) if lineup else ("bidders.strategy", [bidders.strategy])
    if not requests or Allowance(scenario, bidders.terms, bidders.budget, requests).total < math.inf:
        return
    if names := [spec.name for spec in specs if _paces(spec, scenario)]:
        verb = "paces" if len(names) == 1 else "pace"
        yield f"{key}={','.join(names)} {verb} a budget, and bidders.budget=null sets none to pace"


def _paces(spec: StrategySpec, scenario: Scenario) -> bool:
    try:
        return paces(spec, scenario)
    except (BadInput, ValueError):  # one that needs a budget says so itself
        return False


def paces(spec: StrategySpec, scenario: Scenario) -> bool:
    """Return whether a strategy minds its budget."""
    return bool(getattr(make(spec, MarketFacts.of(scenario)), "paces", False))


def _in_vain(point: Point, is_same: Callable[[Point], bool], further: Sequence[str] = ()) -> Iterator[str]:
    """Yield a sentence for each override without which the numbers are the same."""
    left_out = (*ELSEWHERE, *further)
    looked_at = [text for text in point.overrides[:MOST] if _key(text).partition(".")[0] not in left_out]
    scenario = point.settings.scenario
    if point.swept or scenario.supply.kind == "log" or values_itself(scenario):
        return
    for text in looked_at:
        others = [other for other in point.overrides if other is not text]
        again = [other for other in others if _key(other) == _key(text)]
        try:
            without = load(point.verb, others, config_dir=point.config_dir)[0]
            if without.settings == point.settings:
                if again and text != again[-1]:
                    yield f"{text} changes nothing here: {again[-1]} is given too, and holds."
            elif is_same(without):
                yield f"{text} changes no number of this study."
        except (BadInput, ValueError):  # the command needs it
            continue


class _Compared:
    """Compares a cell with what it is without an override, by simulating both; in full only a few times."""

    def __init__(self, work: Work) -> None:
        self._work, self._left, self._own = work, MOST_CELLS, dict[str, str]()

    def __call__(self, mine: Cell, its: Cell, known: CellResult | None = None) -> bool:
        mine, its = _in_usual_blocks(mine), _in_usual_blocks(its)
        few = [replace(cell, scenario=_with_few(cell)) for cell in (mine, its)]
        if self._rows(few[0]) != _rows(self._work(few[1])):
            return False
        if few == [mine, its]:
            return True
        if not self._left or (mine.scenario.supply.requests or 0) > MOST_REQUESTS:
            return False
        self._left -= 1
        return (_rows(known) if known else self._rows(mine)) == _rows(self._work(its))

    def _rows(self, cell: Cell) -> str:
        if cell.key not in self._own:
            self._own[cell.key] = _rows(self._work(cell))
        return self._own[cell.key]


def _again(study: Study, point: Point) -> Study:
    """The same kind of study of another point, with the same finished cells."""
    return type(study)(point.settings, StudyState(study.state.finished))


def _is_same(
    ours: Collection[Cell],
    there: Study,
    study: Study,
    cells: Cells,
    summary: pd.DataFrame,
    compared: _Compared,
) -> bool:
    """Whether the study without an override has the same numbers, as far as a cell, or the summary of the same cells, shows."""
    there.check()
    finished, stages = study.state.finished, there.stages()
    theirs = next(stages, ())
    if len(ours) != len(theirs) or any(str(mine) != str(its) for mine, its in zip(ours, theirs, strict=True)):
        return False
    first: tuple[Cell, Cell] | None = None
    for mine, its in zip(ours, theirs, strict=True):  # an address takes long, and only few are needed
        if (first is None or _order(mine) < _order(first[0])) and mine.key != its.key:
            first = mine, its
    if first:
        known = next((result for _, result in study.state.of(first[:1])), None)
        return compared(*first, known)
    played: list[Cells] = []
    for stage in map(keyed, chain([theirs], stages)):
        if not finished.has(keys_of(stage)).all():
            return False
        played.append(stage)
    again = estimated_from(played)
    if not np.array_equal(keys_of(again), keys_of(cells)):
        return False
    return there.summary(table(study.state.of(again))).equals(summary)


def _order(cell: Cell) -> tuple[bool, bool, bool, int]:
    """What comes first is compared: the market itself, all data, no pilot, the first replication."""
    return bool(cell.study_point), cell.arm != JOINT, cell.is_pilot, cell.replication


def _with_few(cell: Cell) -> Scenario:
    supply = cell.scenario.supply
    few = supply.model_copy(update={"requests": min(supply.requests or FEW, FEW)})
    return cell.scenario.model_copy(update={"supply": few})


def _in_usual_blocks(cell: Cell) -> Cell:
    """Return the cell in blocks of the usual size, which change no number and are fast."""
    usual = cell.scenario.engine.model_copy(update={"max_block": Engine().max_block})
    return replace(cell, scenario=cell.scenario.model_copy(update={"engine": usual}))


def _rows(result: CellResult) -> str:
    """Return all numbers of a cell as text, in which nan equals itself, read from the disk or not."""
    return json.dumps([result.rows, result.timeseries, result.auctions], default=float)


def _key(text: str) -> str:
    return text.lstrip("+~").partition("=")[0]
