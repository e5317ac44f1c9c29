"""Worker processes: how they are started, and how they run tasks until their pipe is closed, or their driver is gone."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from threading import Thread
from types import ModuleType
from typing import Any

from jointbid.sim.kernel_cache import cache_folder
from jointbid.sim.watch import WATCH, Call, ending_if_stuck

from .progress import say
from .tasks import Task, failed, run_task

PRELOAD = "jointbid.experiments.execution.preload"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Set to 1 for workers, where the user has not set them: there is a worker for each core."""
FOR_PLOTS = (
    "matplotlib.backends.backend_svg", "pandas", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "jinja2", "hydra",
)  # fmt: skip
"""Packages that plots and pages need. An idle worker imports them, one at a time, after its first task."""
IDLE_S = 0.05
"""A wait of this length means that the cells are done, and plots come next."""


def worker_context() -> BaseContext:
    """Return the standard library's fork server, which imports ``PRELOAD`` before it forks; ``spawn`` where there is no fork.

    Workers that are forked off one process are all there as fast as one, and share the memory of what it has imported. The
    driver itself is not forked: it has threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    with starting(), without_ctrl_c():
        ensure_running()
    return context


def is_compiled() -> bool:
    """Return whether the auction's kernel is in the cache: compiling it takes ten seconds or more, and the others far less."""
    folder = cache_folder()
    return folder is not None and any(folder.rglob("kernel.clear-*.nbi"))


def compile_early(*, in_workers: bool) -> None:
    """Say that kernels are missing; with ``in_workers`` the fork server compiles them while this process composes settings."""
    if is_compiled():
        return
    once = (
        "" if cache_folder() is None else ", once for this version of the code: some 10 s on an idle machine"
    )
    say(f"compiling kernels{once}")
    if in_workers:
        worker_context()


def await_kernels() -> None:
    """Wait until the fork server has compiled the kernels, or has ended: two processes would take no less time for the same."""
    context: Any = worker_context()
    if cache_folder() is None or context.get_start_method() != "forkserver":
        return  # each process compiles its own
    with starting(), suppress(EOFError, OSError):
        last_in_line = context.Process(target=int)  # it is forked after all that the server has to import
        last_in_line.start()
        last_in_line.join()


@contextmanager
def starting(**variables: str) -> Iterator[None]:
    """Set the environment of processes that are started in the block: ``variables``, ``THREADS``, ``sys.path``.

    The driver's script is hidden meanwhile: the standard library would run it again in each worker. Functions of the script
    reach workers by value (cloudpickle).
    """
    path = os.pathsep.join(filter(None, sys.path))
    variables = {name: "1" for name in THREADS if name not in os.environ} | {"PYTHONPATH": path} | variables
    before = {name: os.environ.get(name) for name in variables}
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    os.environ.update(variables)
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Let processes that are started in the block, and all theirs, ignore Ctrl-C: the driver stops them itself."""
    if sys.platform == "win32":
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def work(driver: Connection, prints: Connection, environment: dict[str, str]) -> None:
    """Answer each task with the outcomes of its cells, until the driver has closed the pipe, or is gone.

    Args:
        driver: where tasks come from; the first message says that this process is ready.
        prints: where lines go that are printed here.
        environment: the driver's variables; those of the fork server may be older.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver stops its workers itself
    os.environ.update(environment)
    Thread(target=_leave_with_driver, daemon=True).start()
    if sys.platform != "win32":
        for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
            os.dup2(prints.fileno(), number)
            # A line is then written in one piece, with PYTHONUNBUFFERED too.
            stream.reconfigure(line_buffering=True, write_through=False)  # type: ignore[union-attr]
    import_module(PRELOAD)
    with driver, ending_if_stuck(), suppress(EOFError, ConnectionError):
        driver.send(None)
        driver.poll(None)
        later = deque(FOR_PLOTS)
        while True:
            wait_s = IDLE_S
            while later and not driver.poll(wait_s):
                import_module(later.popleft())
                wait_s = 0.0
            _answer(driver, driver.recv_bytes())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # taking an interpreter down takes a third of a second


def _answer(driver: Connection, message: bytes) -> None:
    try:
        task: Task = pickle.loads(message)  # noqa: S301 - from our own driver
    except Exception as error:  # noqa: BLE001 - a module that is not there, for one
        driver.send((f"{type(error).__name__}: {error}", traceback.format_exc()))
        return
    WATCH.at_last = partial(_give_up, driver, task)
    driver.send(run_task(task))


def _give_up(driver: Connection, task: Task, _: int, call: Call) -> None:
    """Answer a task whose strategy waits outside Python, where it cannot be stopped, and leave; the driver starts another worker."""
    text = f"StrategyTimeout: {call.described}, and waits outside Python: its worker process was ended"
    driver.send(failed(task, text, is_stuck=True))
    os._exit(1)


def _leave_with_driver() -> None:
    if driver := multiprocessing.parent_process():
        driver.join()
    os._exit(1)
