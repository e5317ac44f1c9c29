"""Tasks, their outcomes, and the pools that run them; what is lost with a killed worker is tried again."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

from jointbid.sim.visible import StrategyTimeout

from ..cells.cell import Cell, CellResult
from ..config.settings import EXECUTORS, ExecutorSettings

Work = Callable[[Any], CellResult]
END = object()
ATTEMPTS = 2
"""Attempts after which a cell whose worker was killed is listed as failed."""


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


def run_tasks(tasks: Iterable[Task | None], settings: ExecutorSettings) -> Generator[Finished]:
    """Yield each task with its outcomes as it comes back; an error in a cell is an outcome, and the other cells go on.

    A task that is lost with its worker is tried once more, each of its cells alone, so that a cell that kills its worker costs
    no other cell.

    Args:
        tasks: read as workers become free; None means that no task is ready: one may come once a task has
            come back, or be made while the pool gets ready.
        settings: which executor, and how many jobs.
    """
    feed, again = iter(tasks), deque[Task]()
    first = next(feed, END)
    if first is END:  # nothing to do: no pool is opened
        return
    again.extend([first] if isinstance(first, Task) else [])
    with open_pool(settings) as pool:
        there, task = 0, first
        while True:
            while there < pool.width:
                task = again.popleft() if again else next(feed, END)
                if not isinstance(task, Task):
                    break
                pool.submit(task)
                there += 1
            if not there and task is END:
                return
            for back in pool.collect() if there else ():
                there -= 1
                if back.lost and back.task.attempt < ATTEMPTS:
                    alone = replace(back.task, attempt=back.task.attempt + 1)
                    again += [replace(alone, cells=(cell,)) for cell in alone.cells]
                elif back.lost:
                    yield finished(back.task, failed(back.task, f"killed: {back.lost}", back.lost))
                else:
                    yield back


@contextmanager
def open_pool(settings: ExecutorSettings) -> Iterator[Pool]:
    """Open the pool of the settings; when the block ends, also by an error, no worker is left running."""
    module, _, name = EXECUTORS[settings.name].partition(":")
    pool: Pool = getattr(import_module(f"{__package__}.{module}"), name)(settings)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close(now=False)


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
