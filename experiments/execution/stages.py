"""What a study waits for: a stage of cells, whose results are stored as they come, or plots and pages."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from ..cells.cell import Cell
from ..config.points import Point
from ..errors import reported
from ..storage.cell_results import StudyState
from ..storage.names import FAILURES
from ..storage.study_folder import Folder
from .grouping import grouped
from .tasks import SideTask, Task, TaskOutcome, Work, run_side_task


@dataclass(frozen=True)
class Stage:
    """Cells that a study waits for, and the folder of their results."""

    cells: Collection[Cell]
    work: Work
    point: Point
    folder: Folder
    state: StudyState

    @property
    def count(self) -> int:
        """The number of cells."""
        return len(self.cells)

    @property
    def tasks(self) -> Iterator[Task]:
        """Tasks, one for the cells of each market."""
        return (Task(group, self.work) for group in grouped(self.cells))

    def keep(self, outcomes: Sequence[TaskOutcome]) -> int:
        """Store the results and failures of one task; return the number of auctions."""
        done = {o.item.key: o.result for o in outcomes if o.result is not None}
        if done:
            self.folder.cells.add(done)
        for outcome in outcomes:
            if outcome.result is None:
                line = failure(outcome, self.point)
                if not self.state.failures:
                    self.folder.drop(FAILURES)
                self.folder.add_line(FAILURES, {**line, "traceback": outcome.trace})
                self.state.failures.append(line)
        auctions = sum(result.auctions for result in done.values())
        self.state.ran += len(done)
        self.state.auctions += auctions
        return auctions


@dataclass(frozen=True)
class Finish:
    """Plots and pages as side tasks, which no count of cells includes.

    The study waits for all tasks that it has yielded so far; with ``ahead`` it goes on as soon as these are submitted.
    """

    cells: ClassVar[Collection[Cell]] = ()
    side_tasks: Sequence[SideTask] = ()
    ahead: bool = False

    @property
    def count(self) -> int:
        """The number of side tasks."""
        return len(self.side_tasks)

    @property
    def tasks(self) -> Iterator[Task]:
        """Tasks, one for each side task."""
        return (Task((side_task,), run_side_task) for side_task in self.side_tasks)

    def keep(self, outcomes: Sequence[TaskOutcome]) -> int:
        """Run here what failed in a worker; report what fails here too."""
        for outcome in outcomes:
            if outcome.error:
                finish(outcome.item)
        return 0


Answer = TypeVar("Answer")
StudyRun = Generator[Stage | Finish, None, Answer]
"""A study under way: it yields the stages that it waits for, and returns its answer."""


def finish(side_task: SideTask) -> None:
    """Do a side task here; its error is a line on stderr."""
    with reported(side_task.name):
        run_side_task(side_task)


def failure(outcome: TaskOutcome, point: Point) -> dict[str, Any]:
    """Return a line of ``failures.jsonl``, without the traceback."""
    cell = outcome.item
    about = {
        "point": cell.study_point,
        "arm": cell.treatment,
        "replication": cell.replication,
        "seed": cell.seed,
    }
    return {"cell": about, "error": outcome.error, "command": repeat(cell, point)}


def repeat(cell: Cell, point: Point) -> str:
    """Return the command that runs one cell of a study alone."""
    return f"{point.command} --cell {shlex.quote(str(cell))}"
