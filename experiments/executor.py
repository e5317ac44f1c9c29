"""Where cells run: here, or in one process a core. The order in which results come back never matters."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from experiments.cells import Cell, CellResult
from experiments.settings import ExecutorSettings

Work = Callable[[Cell], CellResult]
Task = tuple[Cell, ...]

LOOK_EVERY_S = 1.0
"""How often a worker looks whether its driver is still there."""


@dataclass(frozen=True)
class Outcome:
    """What became of one cell: a result, or an error with its traceback."""

    cell: Cell
    result: CellResult | None = None
    error: str = ""
    trace: str = ""


def run_tasks(tasks: Sequence[Task], work: Work, settings: ExecutorSettings) -> Iterator[list[Outcome]]:
    """Yield the outcomes of each task as it is done; an error in a cell is an outcome, and stops nothing else."""
    jobs = min(settings.jobs or cores(), len(tasks))
    if settings.name == "serial" or jobs <= 1:
        yield from (run_task(task, work) for task in tasks)
    else:
        yield from _in_processes(tasks, work, jobs)


def run_task(task: Task, work: Work) -> list[Outcome]:
    """Run the cells of one task, one after the other."""
    return [_run_cell(cell, work) for cell in task]


def cores() -> int:
    """Cores that this process may use, as limits of containers and schedulers have it."""
    from joblib import cpu_count

    return int(cpu_count())


def _run_cell(cell: Cell, work: Work) -> Outcome:
    try:
        return Outcome(cell, result=work(cell))
    except Exception as error:  # noqa: BLE001 - whatever a strategy does, the other cells go on
        text = f"{type(error).__name__}: {error}"
        return Outcome(cell, error=text, trace=traceback.format_exc())


def _in_processes(tasks: Sequence[Task], work: Work, jobs: int) -> Iterator[list[Outcome]]:
    """Joblib's loky pool; tasks lost with a worker that was killed are tried once more, then listed."""
    left = dict(enumerate(tasks))
    for _attempt in (1, 2):
        try:
            for number, outcomes in _pool(left, work, jobs):
                del left[number]
                yield outcomes
        except _lost_worker() as error:
            reason = f"{type(error).__name__}: a worker process was killed, perhaps for want of memory"
        else:
            return
    for task in left.values():
        yield [Outcome(cell, error=reason, trace=reason) for cell in task]


def _pool(tasks: dict[int, Task], work: Work, jobs: int) -> Iterator[tuple[int, list[Outcome]]]:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(
            n_jobs=jobs,
            return_as="generator_unordered",
            batch_size=1,
            initializer=_in_worker,
            initargs=(os.getpid(),),
        )
    try:
        yield from pool(delayed(_numbered)(number, task, work) for number, task in list(tasks.items()))
    except (KeyboardInterrupt, GeneratorExit):
        _kill_workers()
        raise


def _numbered(number: int, task: Task, work: Work) -> tuple[int, list[Outcome]]:
    return number, run_task(task, work)


def _in_worker(driver: int) -> None:
    """Leave Ctrl-C to the driver, which stops its workers itself; and do not outlive it when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(driver,), daemon=True).start()


def _follow(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)


def _kill_workers() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _lost_worker() -> type[Exception]:
    from joblib.externals.loky.process_executor import BrokenProcessPool

    return BrokenProcessPool
