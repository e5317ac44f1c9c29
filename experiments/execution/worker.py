"""The nursery and its workers: ``python -m jointbid.experiments.execution.worker LINE`` forks a worker whenever it is told to.

A worker runs tasks until its pipe is closed. The driver's side is in ``jointbid.experiments.execution.fork_server``.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection

from jointbid.sim.watch import WATCH, Call, ending_if_stuck

from .tasks import Outcome, Task, packed, run_task, unreadable

ORDER = struct.Struct("q")
"""A number that the driver sends, and that answers it; see ``jointbid.experiments.execution.fork_server``."""
LOOK_EVERY_S = 1.0
"""How often a worker looks whether its nursery is still there, which leaves when the driver does."""
FOR_PLOTS = (
    "matplotlib.backends.backend_svg", "pandas", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "jinja2", "hydra",
)  # fmt: skip
"""Packages that plots and pages need. A worker imports them, one at a time, once it has waited for a task after its first."""
PAUSE_S = 0.05
"""So long a wait says that the cells are done, and plots come next."""


def main(line_number: int) -> None:
    """Fork workers, and say how they have ended, until the driver closes the line or is gone.

    Ctrl-C is left to the driver, which stops its workers itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _get_ready()
    with socket.socket(fileno=line_number) as line, suppress(ConnectionError):
        while True:
            order, pipes, *_ = socket.recv_fds(line, ORDER.size, 1)
            if not order:
                return
            if pipes:
                line.sendall(ORDER.pack(_fork(pipes[0], line)))
            else:
                (pid,) = ORDER.unpack(order)
                _, status = os.waitpid(pid, 0)
                line.sendall(ORDER.pack(os.waitstatus_to_exitcode(status)))


def _get_ready() -> None:
    """Import what cells need, and load the kernels, or compile them: a small market does both."""
    from jointbid.sim.scenario import Scenario, SyntheticSupply

    from ..cells.bidders import run_cell
    from ..cells.cell import Cell

    run_cell(Cell(Scenario(name="", supply=SyntheticSupply(requests=64)), "none"))


def _fork(pipe_number: int, line: socket.socket) -> int:
    nursery = os.getpid()
    if pid := os.fork():
        os.close(pipe_number)
        return pid
    code = 1
    try:
        line.close()
        threading.Thread(target=_follow, args=(nursery,), daemon=True).start()
        work(Connection(pipe_number))
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(
            code
        )  # what is to be done at the end of a program is the nursery's, and takes a third of a second


def work(driver: Connection) -> None:
    """Answer each task with the outcomes of its cells, until the driver has closed the pipe, or is gone."""
    later = deque(FOR_PLOTS)
    with driver, ending_if_stuck(), suppress(EOFError, ConnectionError):
        driver.send_bytes(b"ready")
        driver.poll(None)
        while True:
            pause = PAUSE_S
            while later and not driver.poll(pause):
                import_module(later.popleft())
                pause = 0.0
            message = driver.recv_bytes()
            try:
                task = pickle.loads(message)  # noqa: S301 - from our own driver
            except Exception as error:  # noqa: BLE001 - a module that is not there, for one
                driver.send_bytes(unreadable(error))
            else:
                WATCH.at_last = partial(_give_up, driver, task)
                driver.send_bytes(packed(run_task(task)))


def _give_up(driver: Connection, task: Task, _: int, call: Call) -> None:
    """Answer a task whose strategy waits outside Python, where nothing can stop it; the driver starts another worker."""
    text = f"StrategyTimeout: {call.described}, and waits outside Python: its worker process was ended"
    driver.send_bytes(packed(Outcome(cell, error=text, trace=text, is_stuck=True) for cell in task.cells))
    os._exit(1)


def _follow(nursery: int) -> None:
    while os.getppid() == nursery:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # taking an interpreter down takes a third of a second, for which the driver would wait
