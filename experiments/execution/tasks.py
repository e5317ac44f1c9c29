"""Tasks, and their outcomes."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jointbid.sim.visible import StrategyTimeout

from ..cells.cell import CellResult

Work = Callable[[Any], CellResult]
"""A function of a cell alone; another process may call it."""


@dataclass(frozen=True)
class SideTask:
    """A function that writes files of the study's folder: a plot, a page. Calling it twice does no harm.

    Attributes:
        name: the plot or page.
    """

    do: Callable[[], object]
    name: str = ""


@dataclass(frozen=True)
class Task:
    """Cells or side tasks that run one after the other in one place, and the function that runs each.

    Attributes:
        items: the cells, or the side tasks; at least one.
        work: a function of an item alone; another process may call it.
        attempt: 2 for a cell whose worker was killed once.
        owner: number of the study that it belongs to; without meaning for a pool.
    """

    items: tuple[Any, ...]
    work: Callable[[Any], Any]
    attempt: int = 1
    owner: int = 0


@dataclass(frozen=True)
class TaskOutcome:
    """The result of one cell or side task, or its error with the traceback.

    Attributes:
        item: the cell or side task; set by the driver: it does not travel back from a worker.
        result: of a cell; None where it failed, and of a side task.
        error: what it failed with; empty where it did not.
        is_stuck: a strategy did not return in its time, and would not in other cells either.
    """

    item: Any = None
    result: CellResult | None = None
    error: str = ""
    trace: str = ""
    is_stuck: bool = False


@dataclass(frozen=True)
class Finished:
    """A task with an outcome for each of its items; or one that was lost with its worker, and the reason."""

    task: Task
    outcomes: tuple[TaskOutcome, ...] = ()
    lost: str = ""


def run_task(task: Task) -> list[TaskOutcome]:
    """Run the items of one task, one after the other; return their outcomes, without the items."""
    return [_run_item(item, task.work) for item in task.items]


def finished(task: Task, outcomes: Sequence[TaskOutcome]) -> Finished:
    """Return a task with the outcomes of its items."""
    pairs = zip(task.items, outcomes, strict=True)
    return Finished(task, tuple(replace(outcome, item=item) for item, outcome in pairs))


def failed(task: Task, error: str, trace: str = "", *, is_stuck: bool = False) -> list[TaskOutcome]:
    """Return the outcomes of a task of which every item failed in the same way."""
    return [TaskOutcome(error=error, trace=trace or error, is_stuck=is_stuck)] * len(task.items)


def run_side_task(side_task: SideTask) -> None:
    """Run a side task; the ``work`` of its task."""
    side_task.do()


def _run_item(item: Any, work: Callable[[Any], Any]) -> TaskOutcome:
    try:
        return TaskOutcome(result=work(item))
    except Exception as error:  # noqa: BLE001 - a strategy may raise anything; the other cells go on
        return TaskOutcome(
            error=f"{type(error).__name__}: {error}",
            trace=traceback.format_exc(),
            is_stuck=isinstance(error, StrategyTimeout),
        )
