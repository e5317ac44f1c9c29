"""The pool that is this process."""

from __future__ import annotations

from typing import ClassVar

from ..config.settings import ExecutorSettings
from .tasks import Finished, Task, finished, run_task


class Serial:
    """One cell after the other, in this process: for debuggers, profilers, and machines with one core."""

    width = 1
    forks_workers: ClassVar[bool] = False
    shares_disk: ClassVar[bool] = True

    def __init__(self, settings: ExecutorSettings) -> None:  # noqa: ARG002 - nothing to set
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
