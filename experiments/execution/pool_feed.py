"""Keep a pool busy, and bear with workers that are killed."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module

from ..config.settings import EXECUTORS, ExecutorSettings
from .tasks import Finished, Outcome, Pool, Task

END = object()
ATTEMPTS = 2
"""A cell whose worker is killed so often is listed as failed."""


def run_tasks(tasks: Iterable[Task | None], settings: ExecutorSettings) -> Generator[Finished]:
    """Yield each task with its outcomes as it comes back; an error in a cell is an outcome, and stops nothing else.

    A task that is lost with its worker is tried once more, each of its cells alone, so that one cell that takes its worker
    with it costs no other.

    Args:
        tasks: read as room for them becomes free; None says that there is none just now: one may come once something has
            come back, or be made while the pool gets ready.
        settings: which executor, and how wide.
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
            for finished in pool.collect() if there else ():
                there -= 1
                if finished.lost and finished.task.attempt < ATTEMPTS:
                    again += _alone(finished.task)
                else:
                    yield _listed(finished) if finished.lost else finished


@contextmanager
def open_pool(settings: ExecutorSettings) -> Iterator[Pool]:
    """The pool that the settings ask for; whatever happens, nothing of it is left running."""
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


def _listed(finished: Finished) -> Finished:
    lost = finished.lost
    return replace(
        finished,
        outcomes=tuple(Outcome(cell, error=f"killed: {lost}", trace=lost) for cell in finished.task.cells),
    )
