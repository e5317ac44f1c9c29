"""Run the missing cells of studies in one pool, and store each result as soon as it is there.

A study is opened when workers are free for its cells, and is written when its last cell is there, so that a sweep of thousands
has only a few of them in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Generic

from jointbid.sim.watch import ending_if_stuck

from ..config.points import Point
from ..config.settings import ExecutorSettings
from ..errors import BadInput
from ..storage.lock import FolderLocked
from .pool import pool_class, run_tasks
from .progress import StudyProgress
from .stages import Answer, Finish, Stage, StudyRun, finish
from .tasks import Task, TaskOutcome
from .trial import is_plain, trial
from .worker import await_kernels, is_compiled


class FailedFast(Exception):  # noqa: N818 - it names what happened
    """A failed cell stops the command: ``executor.fail_fast`` is set, or a strategy did not return in its time."""


@dataclass
class _Open(Generic[Answer]):
    """A study under way: its last stage, and the number of cells and side tasks that it still waits for."""

    point: Point
    study: StudyRun[Answer]
    stage: Stage | Finish = field(default_factory=Finish)
    left: int = 0
    tried: bool = False

    @property
    def ahead(self) -> bool:
        """Whether the study goes on without waiting."""
        return isinstance(self.stage, Finish) and self.stage.ahead

    @property
    def is_complete(self) -> bool:
        """Whether all that the study waits for is there."""
        return not self.left and not self.ahead


class Driver(Generic[Answer]):
    """Runs studies until each has its answer.

    Args:
        start: begins the study of a point; its second argument says whether to wait for another command in the same folder.
        deliver: receives each point with its answer, in order of completion. It must not print: the bars are live.
        settings: the executor.
        pool_first: open the pool before the first study shows that a cell is missing.
    """

    def __init__(
        self,
        start: Callable[[Point, bool], StudyRun[Answer]],
        deliver: Callable[[Point, Answer], None],
        settings: ExecutorSettings,
        *,
        pool_first: bool = False,
    ) -> None:
        self._start, self._deliver, self._settings = start, deliver, settings
        self._open: dict[int, _Open[Answer]] = {}
        self._tasks: deque[Task] = deque()
        self._further: deque[Iterator[Task]] = deque()
        self._locked: deque[Point] = deque()
        self._count = 0
        self._ran = False
        self._pool_first = pool_first

    def run(self, points: Collection[Point]) -> None:
        """Run the study of each point.

        Raises:
            BadInput: settings that make no study, a strategy that returns no bids, a folder that cannot be written to.
            FailedFast: a cell failed, and the settings or the failure stop the command.
        """
        try:
            with (
                ending_if_stuck(),
                StudyProgress(len(points)) as progress,
                closing(run_tasks(self._feed(iter(points), progress), self._settings)) as done,
            ):
                for finished in done:
                    self._take(finished.task.owner, finished.outcomes, progress)
        except BaseException as error:
            for waiting in self._open.values():  # each leaves its folder as the error asks for
                with suppress(type(error)):
                    waiting.study.throw(error)
            raise
        finally:
            self._open.clear()

    def _feed(self, points: Iterator[Point], progress: StudyProgress) -> Iterator[Task | None]:
        """Yield tasks as workers become free; None while the rest depends on cells that are running."""
        progress.doing("starting")
        if self._pool_first:
            yield None  # it gets ready while the first study is opened
        while True:
            if not self._tasks:
                self._look_for_tasks(points, progress)
            if not self._tasks and not self._open:
                return
            if self._tasks:
                first = self._open[self._tasks[0].owner]
                if isinstance(first.stage, Stage) and not first.tried:
                    yield None  # the pool gets ready meanwhile
                    self._try(first.stage, progress)
                    first.tried = True
            yield self._tasks.popleft() if self._tasks else None

    def _look_for_tasks(self, points: Iterator[Point], progress: StudyProgress) -> None:
        """Make a task of an open study, else advance one that need not wait, else open the next point, else wait for a folder that another command has."""
        while not self._tasks:
            if self._further:
                self._tasks += islice(self._further[0], 1)
                if not self._tasks:
                    self._further.popleft()
            elif ahead := [number for number, waiting in self._open.items() if waiting.ahead]:
                self._go_on(ahead[0], progress)
            elif point := next(points, None):
                self._begin(point, progress, wait=False)
            elif self._locked and not self._open:
                self._begin(self._locked.popleft(), progress, wait=True)
            else:
                return

    def _try(self, stage: Stage, progress: StudyProgress) -> None:
        """Try the first study's strategies before a cell runs; faults of a later study fail its own cells alone."""
        is_there = is_compiled()
        if not is_there:
            progress.doing("compiling kernels")
            if pool_class(self._settings).forks_workers and is_plain(next(iter(stage.cells))):
                await_kernels()  # those that the fork server compiles; of another market the trial compiles its own meanwhile
                is_there = True
        if is_there:
            progress.doing("trying the strategies")
        try:
            trial(stage.cells, stage.work)
        except BadInput:
            if not self._ran:
                raise
        progress.doing(
            "warming workers" if pool_class(self._settings).forks_workers else "running the first cells"
        )

    def _begin(self, point: Point, progress: StudyProgress, *, wait: bool) -> None:
        number = self._count
        self._count += 1
        self._open[number] = _Open(point, self._start(point, wait))
        try:
            self._go_on(number, progress)
        except FolderLocked:
            del self._open[number]
            self._locked.append(point)

    def _go_on(self, number: int, progress: StudyProgress) -> None:
        """Take the next stage of a study, or its answer."""
        waiting = self._open[number]
        try:
            waiting.stage = stage = next(waiting.study)
            while isinstance(stage, Finish) and not pool_class(self._settings).shares_disk:
                for side_task in stage.side_tasks:
                    finish(side_task)
                waiting.stage = stage = next(waiting.study)
        except StopIteration as end:
            del self._open[number]
            progress.finish_study(number)
            self._deliver(waiting.point, end.value)
            return
        tasks = (replace(task, owner=number) for task in stage.tasks)
        waiting.left += stage.count
        progress.add_cells(
            number, waiting.point.label or waiting.point.settings.scenario.name, len(stage.cells)
        )
        if stage.cells:
            self._further.append(tasks)
        else:  # side tasks end a study, and go first, so that few studies are open at a time
            self._tasks.extendleft(reversed(list(tasks)))
        if waiting.is_complete:
            self._go_on(number, progress)

    def _take(self, number: int, outcomes: Sequence[TaskOutcome], progress: StudyProgress) -> None:
        waiting, self._ran = self._open[number], True
        auctions = waiting.stage.keep(outcomes)
        failed = 0
        if isinstance(waiting.stage, Stage):
            failed = sum(outcome.result is None for outcome in outcomes)
            progress.finish_cells(number, len(outcomes), auctions, failed)
        if failed and self._settings.fail_fast:
            raise FailedFast("stopped at the first failure (executor.fail_fast)")
        if any(outcome.is_stuck for outcome in outcomes):
            raise FailedFast("stopped, as a strategy did not return in its time (engine.strategy_timeout_s)")
        waiting.left -= len(outcomes)
        if waiting.is_complete:
            self._go_on(number, progress)
