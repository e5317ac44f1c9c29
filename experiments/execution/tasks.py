"""What every executor has in common: tasks, outcomes, and the interface of a pool."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from jointbid.sim.visible import StrategyTimeout

from ..cells.cell import Cell, CellResult
from ..config.settings import ExecutorSettings

Work = Callable[[Any], CellResult]


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
        cells: at least one.
        work: a function of the cell alone; another process may call it.
        attempt: 2 for a cell whose worker was killed once.
        owner: number of the study that it belongs to; without meaning for a pool.
    """

    cells: tuple[Any, ...]
    work: Work
    attempt: int = 1
    owner: int = 0


@dataclass(frozen=True)
class Outcome:
    """The result of one cell or side task, or its error with the traceback.

    Attributes:
        cell: set by the driver: it does not travel back from a worker.
        is_stuck: a strategy did not return in its time, and would not in other cells either.
    """

    cell: Any = None
    result: CellResult | None = None
    error: str = ""
    trace: str = ""
    is_stuck: bool = False


@dataclass(frozen=True)
class Finished:
    """A task with an outcome for each of its cells; or one that was lost with its worker, and the reason."""

    task: Task
    outcomes: tuple[Outcome, ...] = ()
    lost: str = ""


class Pool(Protocol):
    """A place where tasks run: opened for the first task, closed when the last has come back."""

    @property
    def width(self) -> int:
        """The number of tasks to submit at once, so that no worker is idle."""

    def submit(self, task: Task) -> None:
        """Take one more task."""

    def collect(self) -> list[Finished]:
        """Return what has come back since the last call; waits a little for the first one."""

    def close(self, *, now: bool) -> None:
        """End all workers; with ``now``, running tasks too."""


class Serial:
    """One cell after the other, in this process: for debuggers, profilers, and machines with one core."""

    width = 1

    def __init__(self, settings: ExecutorSettings | None = None) -> None:  # noqa: ARG002 - nothing to set
        self._tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        """Append the task to the queue."""
        self._tasks.append(task)

    def collect(self) -> list[Finished]:
        """Run the first task of the queue."""
        task = self._tasks.pop(0)
        return [finished(task, run_task(task))]

    def close(self, *, now: bool) -> None:
        """Do nothing: no task runs between two calls."""


def run_task(task: Task) -> list[Outcome]:
    """Run the cells of one task, one after the other; return their outcomes, without the cells."""
    return [_run_cell(cell, task.work) for cell in task.cells]


def finished(task: Task, outcomes: Sequence[Outcome]) -> Finished:
    """Return a task with the outcomes of its cells."""
    pairs = zip(task.cells, outcomes, strict=True)
    return Finished(task, tuple(replace(outcome, cell=cell) for cell, outcome in pairs))


def failed(task: Task, error: str, trace: str = "", *, is_stuck: bool = False) -> list[Outcome]:
    """Return the outcomes of a task of which every cell failed in the same way."""
    return [Outcome(error=error, trace=trace or error, is_stuck=is_stuck)] * len(task.cells)


def cores() -> int:
    """Return the number of cores that this process may use, within the limits of containers and schedulers."""
    from joblib import cpu_count

    return int(cpu_count())


def run_side_task(side_task: SideTask) -> CellResult:
    """Run a side task; the ``work`` of its task."""
    side_task.do()
    return CellResult([])


def _run_cell(cell: Cell | SideTask, work: Work) -> Outcome:
    try:
        return Outcome(result=work(cell))
    except Exception as error:  # noqa: BLE001 - a strategy may raise anything; the other cells go on
        return Outcome(
            error=f"{type(error).__name__}: {error}",
            trace=traceback.format_exc(),
            is_stuck=isinstance(error, StrategyTimeout),
        )
