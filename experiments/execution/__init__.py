"""Where cells run: in this process, in one process a core, or on a Ray cluster. The numbers are the same to the last bit.

An executor is a ``Pool``: it takes tasks and gives back what became of them, in any order. Results come to the driver,
which alone writes them, so that no shared disk is needed. Plots and pages are drawn by the pool where it is on the driver's
machine.
"""

from __future__ import annotations

from .pool_feed import open_pool, run_tasks
from .tasks import Chore, Outcome, Pool, Task, Work, attend, cores, run_task

__all__ = [
    "Chore",
    "Outcome",
    "Pool",
    "Task",
    "Work",
    "attend",
    "cores",
    "open_pool",
    "run_task",
    "run_tasks",
]
