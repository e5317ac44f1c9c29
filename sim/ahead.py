"""Make the next item of an iterator on a second core while the current one is used."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
ONE_THREAD = "OMP_NUM_THREADS"
"""Where this is 1, as it is in workers on a Ray cluster, other processes use the other cores."""


def has_spare_core() -> bool:
    """Return whether this process may use a second core: there is one, and this is no worker of a pool, which uses all cores."""
    number = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return number > 1 and multiprocessing.parent_process() is None and os.environ.get(ONE_THREAD) != "1"


def made_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the same items; a thread makes each while the one before it is used, and ends with the iterator.

    An error is raised where its item is due.
    """
    context = copy_context()  # numpy's error settings, for one

    def following() -> Item | None:
        return next(items, None)

    def make() -> Item | None:
        return context.run(following)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:
        upcoming = thread.submit(make)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(make)
            yield item
