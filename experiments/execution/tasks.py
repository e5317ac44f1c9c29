"""What every executor has in common: tasks, outcomes, and the interface of a pool."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from jointbid.sim.visible import StrategyTimeout

from ..cells.cell import Cell, CellResult

Work = Callable[[Any], CellResult]


@dataclass(frozen=True)
class Chore:
    """What is to be done for the files that it leaves in the study's folder: a plot, a page. Doing it twice does no harm."""

    do: Callable[[], object]
    name: str = ""
    """The plot or page that it makes."""


@dataclass(frozen=True)
class Task:
    """Cells that run one after the other in one place, and the function that runs each; or chores.

    Attributes:
        cells: at least one.
        work: a function of the cell alone; another process may call it.
        attempt: 2 for a cell whose worker was killed once.
        owner: a number of whoever submitted it; means nothing here.
    """

    cells: tuple[Any, ...]
    work: Work
    attempt: int = 1
    owner: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one cell or chore: a result, or an error with its traceback.

    ``is_stuck``: a strategy did not return in its time, and would not in other cells either.
    """

    cell: Any
    result: CellResult | None = None
    error: str = ""
    trace: str = ""
    is_stuck: bool = False


@dataclass(frozen=True)
class Finished:
    """A task that came back, with an outcome for each of its cells; or one that was lost with its worker, and why."""

    task: Task
    outcomes: tuple[Outcome, ...] = ()
    lost: str = ""


class Pool(Protocol):
    """Somewhere that tasks run. It is made when the first task is there, and closed when the last has come back."""

    @property
    def width(self) -> int:
        """How many tasks should be handed in at once, so that nothing stands idle."""

    def submit(self, task: Task) -> None:
        """Take one more task."""

    def collect(self) -> list[Finished]:
        """What has come back since; waits a little where nothing has."""

    def close(self, *, now: bool) -> None:
        """Leave nothing behind; ``now``: also what is still running is stopped."""


def run_task(task: Task) -> tuple[Outcome, ...]:
    """Run the cells of one task, one after the other."""
    return tuple(_run_cell(cell, task.work) for cell in task.cells)


def packed(outcomes: Iterable[Outcome]) -> bytes:
    """Outcomes for the way back to the driver, which has the cells already."""
    return pickle.dumps([(o.result, o.error, o.trace, o.is_stuck) for o in outcomes], pickle.HIGHEST_PROTOCOL)


def unreadable(error: Exception) -> bytes:
    """The answer to a task that cannot be read where it is to run; to be called while the error is handled."""
    return pickle.dumps((None, f"{type(error).__name__}: {error}", traceback.format_exc()))


def unpacked(task: Task, message: bytes) -> Finished:
    """What ``packed`` has made of the task's outcomes, or ``unreadable`` of the task."""
    parts = pickle.loads(message)  # noqa: S301 - from our own workers
    parts = [parts] * len(task.cells) if isinstance(parts, tuple) else parts
    return Finished(task, tuple(Outcome(cell, *part) for cell, part in zip(task.cells, parts, strict=True)))


def cores() -> int:
    """Cores that this process may use, as limits of containers and schedulers have it."""
    from joblib import cpu_count

    return int(cpu_count())


def attend(chore: Chore) -> CellResult:
    """Do a chore; the work of tasks that are one."""
    chore.do()
    return CellResult([])


def _run_cell(cell: Cell | Chore, work: Work) -> Outcome:
    try:
        return Outcome(cell, result=work(cell))
    except Exception as error:  # noqa: BLE001 - whatever a strategy does, the other cells go on
        text = f"{type(error).__name__}: {error}"
        return Outcome(
            cell, error=text, trace=traceback.format_exc(), is_stuck=isinstance(error, StrategyTimeout)
        )
