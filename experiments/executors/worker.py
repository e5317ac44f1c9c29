"""A worker process: ``python -m experiments.executors.worker PIPE DRIVER``. It runs tasks until its pipe is closed."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

LOOK_EVERY_S = 1.0
"""How often a worker looks whether its driver is still there."""
FOR_CELLS = "experiments.studies.arms"
FOR_PLOTS = (
    "matplotlib.backends.backend_svg", "pandas", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "experiments.report", "jinja2", "hydra",
)  # fmt: skip
"""What plots and pages need. A worker imports it, one at a time, once it has waited for a task after its first."""
PAUSE_S = 0.05
"""So long a wait says that the cells are done, and plots come next."""


def main(pipe_number: int, driver: int) -> None:
    """Answer each task with the outcomes of its cells.

    Ctrl-C is left to the driver, which stops its workers itself; a worker does not outlive a driver that is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(driver,), daemon=True).start()
    from experiments.executors.base import packed, run_task, unreadable

    later = deque(FOR_PLOTS)
    with (
        Connection(pipe_number) as pipe,
        suppress(EOFError, ConnectionError),
    ):  # the driver has closed it, or is gone
        pipe.send_bytes(b"ready")
        import_module(FOR_CELLS)
        pipe.poll(None)  # the first task
        while True:
            pause = PAUSE_S
            while later and not pipe.poll(pause):
                import_module(later.popleft())
                pause = 0.0
            message = pipe.recv_bytes()
            try:
                task = pickle.loads(message)  # noqa: S301 - from our own driver
            except Exception as error:  # noqa: BLE001 - a module that is not there, for one
                pipe.send_bytes(unreadable(error))
            else:
                pipe.send_bytes(packed(run_task(task)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # taking an interpreter down takes a third of a second, for which the driver would wait


def _follow(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
