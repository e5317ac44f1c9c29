"""One cell after the other, in this process: for debuggers, profilers, and machines with one core."""

from __future__ import annotations

from ..config.settings import ExecutorSettings
from .tasks import Finished, Task, run_task


class Serial:
    """Runs a task when its outcome is asked for."""

    width = 1

    def __init__(self, settings: ExecutorSettings) -> None:  # noqa: ARG002 - nothing to set
        self._tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        """Put it at the end of the queue."""
        self._tasks.append(task)

    def collect(self) -> list[Finished]:
        """Run the first task of the queue."""
        task = self._tasks.pop(0)
        return [Finished(task, run_task(task))]

    def close(self, *, now: bool) -> None:
        """Nothing outlives a task here."""
