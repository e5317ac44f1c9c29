"""Pools run tasks; what is lost with a killed worker is tried again."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import ClassVar, Protocol

from ..config.settings import EXECUTORS, ExecutorSettings
from .tasks import Finished, Task, failed, finished

END = object()
ATTEMPTS = 2
"""Attempts after which a cell whose worker was killed is listed as failed."""


class Pool(Protocol):
    """A place where tasks run: opened for the first task, closed when the last has come back.

    Attributes:
        forks_workers: workers are forked off the fork server, which compiles kernels as it starts.
        shares_disk: workers see the driver's files, so that they can draw plots and write pages.
    """

    forks_workers: ClassVar[bool]
    shares_disk: ClassVar[bool]

    def __init__(self, settings: ExecutorSettings) -> None: ...

    @property
    def width(self) -> int:
        """The number of tasks to submit at once, so that no worker is idle."""

    def submit(self, task: Task) -> None:
        """Take one more task."""

    def collect(self) -> list[Finished]:
        """Return what has come back since the last call; waits a little for the first one."""

    def close(self, *, now: bool) -> None:
        """End all workers; with ``now``, running tasks too."""


def run_tasks(tasks: Iterable[Task | None], settings: ExecutorSettings) -> Generator[Finished]:
    """Yield each task with its outcomes as it comes back; an error in a cell is an outcome, and the other cells go on.

    A task that is lost with its worker is tried once more, each of its items alone, so that a cell that kills its worker costs
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
                    again += [replace(alone, items=(item,)) for item in alone.items]
                elif back.lost:
                    yield finished(back.task, failed(back.task, f"killed: {back.lost}", back.lost))
                else:
                    yield back


def pool_class(settings: ExecutorSettings) -> type[Pool]:
    """Return the class of an executor; its module is imported now."""
    module, _, name = EXECUTORS[settings.name].partition(":")
    found: type[Pool] = getattr(import_module(f"{__package__}.{module}"), name)
    return found


@contextmanager
def open_pool(settings: ExecutorSettings) -> Iterator[Pool]:
    """Open the pool of the settings; when the block ends, also by an error, no worker is left running."""
    pool = pool_class(settings)(settings)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close(now=False)


def cores() -> int:
    """Return the number of cores that this process may use, within the limits of containers and schedulers."""
    from joblib import cpu_count

    return int(cpu_count())
