"""The trial of a study's strategies before its first cell: a few requests, run twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..cells.cell import Cell, label
from ..errors import BadInput
from .second_process import is_suspect, rows_elsewhere
from .tasks import Work

TRIAL_REQUESTS = 64
REQUESTS_ELSEWHERE = 2_000
"""Requests that another process plays; starting it takes longer."""


def trial(cells: Sequence[Cell], work: Work) -> None:
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
    from jointbid.sim import BidError

    small = _shortened(cell, TRIAL_REQUESTS)
    place = "study.strategies" if cell.lineup else "bidders.strategy"
    try:
        once, again = work(small), work(small)
    except BidError as error:
        raise BadInput(f"{place}: {error}") from None
    except Exception:  # noqa: BLE001 - the cell itself will say it, with the command that repeats it
        return
    difference = _difference(once.rows, again.rows)
    if not difference and is_suspect(cell.plays):
        small = _shortened(cell, REQUESTS_ELSEWHERE)
        try:
            difference = _difference(work(small).rows, rows_elsewhere(work, small) or [])
        except Exception:  # noqa: BLE001 - an error so late fails the cell itself
            return
    if difference:
        names = ", ".join(_unlike(small, work) or dict.fromkeys(label(spec) for spec in cell.plays))
        raise BadInput(
            f"{place}: {names}: the same {small.scenario.supply.requests} requests, run twice, gave {difference}. A run must be repeatable: take "
            "chance from the column u, and not from random, numpy.random, the clock, hash() of a text, the order of a set or what "
            "another run has left behind, in the constructor, control() and observe() too"
        )


def _shortened(cell: Cell, requests: int) -> Cell:
    supply = cell.scenario.supply
    few = supply.model_copy(update={"requests": min(supply.requests or requests, requests)})
    scenario = cell.scenario.model_copy(update={"supply": few})
    return replace(cell, scenario=scenario, valuation="bayes", replication=0, point="")


def _unlike(cell: Cell, work: Work) -> list[str]:
    """The strategies of a match that do not do the same twice where they play against themselves."""
    pairs = {label(spec): replace(cell, lineup=(spec, spec)) for spec in cell.lineup}
    return [name for name, alone in pairs.items() if _difference(work(alone).rows, work(alone).rows)]


def _difference(once: Sequence[dict[str, Any]], again: Sequence[dict[str, Any]]) -> str:
    """The first figure in which two results differ; empty where they are the same (nan is nan)."""
    for row, other in zip(once, again, strict=False):
        for name, value in row.items():
            if repr(value) != repr(other[name]):
                return f"{name} = {value}, then {other[name]} (bidder {row.get('bidder', '')!r})"
    return ""
