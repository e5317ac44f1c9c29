"""A worker process: runs tasks until its pipe is closed, or its driver is gone."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from threading import Thread

from jointbid.sim.watch import WATCH, Call, ending_if_stuck

from .start import PRELOAD
from .tasks import Task, failed, run_task

FOR_PLOTS = (
    "matplotlib.backends.backend_svg", "pandas", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "jinja2", "hydra",
)  # fmt: skip
"""Packages that plots and pages need. An idle worker imports them, one at a time, after its first task."""
IDLE_S = 0.05
"""A wait of this length means that the cells are done, and plots come next."""


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
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a line is then written in one piece
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
