"""Where cells run: in this process, in one process a core, or on a Ray cluster. The numbers are the same to the last bit.

An executor is a ``Pool``: it takes tasks and gives back what became of them, in any order. Results come to the driver,
which alone writes, so that no shared disk is needed.
"""

from __future__ import annotations

from experiments.executors.base import Outcome, Pool, Task, Work, cores, run_task
from experiments.executors.feed import open_pool, run_tasks

__all__ = ["Outcome", "Pool", "Task", "Work", "cores", "open_pool", "run_task", "run_tasks"]
