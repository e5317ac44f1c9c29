"""Keep a pool busy, and try again what was lost with a killed worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module

from ..config.settings import EXECUTORS, ExecutorSettings
from .tasks import Finished, Pool, Task, failed, finished

END = object()
ATTEMPTS = 2
"""Attempts after which a cell whose worker was killed is listed as failed."""


def run_tasks(tasks: Iterable[Task | None], settings: ExecutorSettings) -> Generator[Finished]:
    """Yield each task with its outcomes as it comes back; an error in a cell is an outcome, and the other cells go on.

    A task that is lost with its worker is tried once more, each of its cells alone, so that a cell that kills its worker costs
    no other cell.

    Args:
        tasks: read as workers become free; None means that there is none at present: one may come once a task has
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
                    again += _alone(back.task)
                elif back.lost:
                    yield finished(back.task, failed(back.task, f"killed: {back.lost}", back.lost))
                else:
                    yield back


@contextmanager
def open_pool(settings: ExecutorSettings) -> Iterator[Pool]:
    """Open the pool of the settings; when the block ends, also by an error, no worker is left running."""
    pool = _pool(settings)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close(now=False)


def _pool(settings: ExecutorSettings) -> Pool:
    module, _, name = EXECUTORS[settings.name].partition(":")
    pool: Pool = getattr(import_module(f"{__package__}.{module}"), name)(settings)
    return pool


def _alone(task: Task) -> list[Task]:
    return [replace(task, cells=(cell,), attempt=task.attempt + 1) for cell in task.cells]
