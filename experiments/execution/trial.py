"""The trial of a study's strategies before its first cell: a few requests, run twice, and where needed in another process.

Results that depend on ``hash``, on the order of a set, or on the process itself differ between processes. Starting one takes
seconds, so only strategies whose source mentions one of these are tried that way.
"""

from __future__ import annotations

import inspect
import os
import pickle
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle

from jointbid.sim import BidError
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import UnknownStrategyError, find, make

from ..cells.cell import ROOT, Cell, CellResult, label
from ..errors import BadInput
from .tasks import Work
from .worker import starting, without_ctrl_c

TRIAL_REQUESTS = 64
REQUESTS_ELSEWHERE = 2_000
"""Requests that another process plays; starting it takes longer."""
SUSPECT = re.compile(r"\b(hash|set|frozenset|getpid|environ)\b|__hash__|\{\s*[^:{}]+,[^:{}]*\}")
PATIENCE_S = 600.0
STDOUT, STDERR = 1, 2
Rows = list[dict[str, Any]]


def is_plain(cell: Cell) -> bool:
    """Return whether a cell's kernel is that of the market which `preload` plays: one without people, and without bidders that learn."""
    scenario = cell.scenario
    if scenario.audience.people is not None or scenario.auction.rank.rule != "bid":
        return False
    with suppress(UnknownStrategyError):
        return not any(getattr(find(spec.name), "learns", False) for spec in cell.plays)
    return True


def trial(cells: Iterable[Cell], work: Work) -> None:
    """Run a few requests of the first cell of each strategy here, twice, before anything else.

    That compiles the kernels once for all workers, and finds what is no strategy.

    Raises:
        BadInput: a strategy that raises an error, answers no bids, does not return, or does not do the same twice.
    """
    tried: set[str] = set()
    for cell in cells:
        played = {label(spec) for spec in cell.plays}
        if not tried or not played <= tried:
            tried |= played
            _try_cell(cell, work)


def _try_cell(cell: Cell, work: Work) -> None:
    small = _shortened(cell, TRIAL_REQUESTS)
    place = "study.strategies" if cell.lineup else "bidders.strategy"
    try:
        if _probe(cell):
            return
        once, again = work(small), work(small)
    except BidError as error:
        raise BadInput(f"{place}: {error}") from None
    except Exception:  # noqa: BLE001 - the cell itself will say it, with the command that repeats it
        return
    difference = _difference(once.rows, again.rows)
    if not difference and any(SUSPECT.search(_source(spec)) for spec in cell.plays):
        small = _shortened(cell, REQUESTS_ELSEWHERE)
        try:
            difference = _difference(work(small).rows, _rows_elsewhere(work, small) or [])
        except Exception:  # noqa: BLE001 - an error so late fails the cell itself
            return
    if difference:
        names = ", ".join(_unlike(small, work) or dict.fromkeys(label(spec) for spec in cell.plays))
        raise BadInput(
            f"{place}: {names}: the same {small.scenario.supply.requests} requests, run twice, gave {difference}. A run must be repeatable: take "
            "chance from the column uniform, and not from random, numpy.random, the clock, hash() of a text, the order of a set or what "
            "another run has left behind, in the constructor, control() and observe() too"
        )


def _probe(cell: Cell) -> bool:
    """Return whether a bidder elsewhere plays, to whom a trial would be part of the run; see that it is there.

    Raises:
        BidError: it is not, and the run is not to go on without it.
    """
    market, limit_s = MarketFacts.of(cell.scenario), cell.scenario.engine.strategy_timeout_s
    remote = [make(spec, market, limit_s) for spec in cell.plays if _is_remote(spec.name)]
    for strategy in remote:
        strategy.probe()  # type: ignore[attr-defined] # of every strategy that is remote
    return bool(remote)


def _is_remote(name: str) -> bool:
    try:
        return bool(getattr(find(name), "is_remote", False))
    except UnknownStrategyError:  # a kind of bidder; its strategy is among those that play
        return False


def _shortened(cell: Cell, requests: int) -> Cell:
    supply = cell.scenario.supply
    few = supply.model_copy(update={"requests": min(supply.requests or requests, requests)})
    scenario = cell.scenario.model_copy(update={"supply": few})
    return replace(cell, scenario=scenario, valuation="bayes", replication=0, study_point="")


def _unlike(cell: Cell, work: Work) -> list[str]:
    """Return the strategies of a match that do not do the same twice where they play against themselves."""
    pairs = {label(spec): replace(cell, lineup=(spec, spec)) for spec in cell.lineup}
    return [name for name, alone in pairs.items() if _difference(work(alone).rows, work(alone).rows)]


def _difference(once: Sequence[dict[str, Any]], again: Sequence[dict[str, Any]]) -> str:
    """Return the first figure in which two results differ; empty where they are the same (nan is nan)."""
    for row, other in zip(once, again, strict=False):
        for name, value in row.items():
            if repr(value) != repr(other[name]):
                return f"{name} = {value}, then {other[name]} (bidder {row.get('bidder', '')!r})"
    return ""


def _rows_elsewhere(work: Callable[[Any], CellResult], cell: Cell) -> Rows | None:
    """Return the rows of the cell as another process computes them; None where it computes none."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(cloudpickle.dumps((work, cell)), theirs))
    other = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    with theirs, starting(PYTHONHASHSEED=other), without_ctrl_c():
        process.start()
    try:
        rows: Rows | None = ours.recv() if ours.poll(PATIENCE_S) else None
    except EOFError:
        return None
    else:
        return rows
    finally:
        process.kill()
        process.join()


def _run(message: bytes, driver: Connection) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (STDOUT, STDERR):  # the cell itself prints the same once more
        os.dup2(nowhere, stream)
    work, cell = pickle.loads(message)  # noqa: S301 - from our own driver
    try:
        driver.send(work(cell).rows)
    except Exception:  # noqa: BLE001 - the cell itself will report it
        os._exit(1)


def _source(spec: StrategySpec) -> str:
    """Return the source of a plugin; empty for a built-in strategy."""
    try:
        module = inspect.getmodule(find(spec.name))
        file = Path(getattr(module, "__file__", None) or "")
        return "" if module is None or file.is_relative_to(ROOT / "strategies") else inspect.getsource(module)
    except (UnknownStrategyError, OSError, TypeError):
        return ""
