"""A worker process: ``python -m experiments.executors.worker PIPE DRIVER``. It runs tasks until its pipe is closed."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection

LOOK_EVERY_S = 1.0
"""How often a worker looks whether its driver is still there."""


def main(pipe_number: int, driver: int) -> None:
    """Answer each task with the outcomes of its cells.

    Ctrl-C is left to the driver, which stops its workers itself; a worker does not outlive a driver that is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(driver,), daemon=True).start()
    from experiments.executors.base import packed, run_task, unreadable

    with (
        Connection(pipe_number) as pipe,
        suppress(EOFError, ConnectionError),
    ):  # the driver has closed it, or is gone
        pipe.send_bytes(b"ready")
        while True:
            message = pipe.recv_bytes()
            try:
                task = pickle.loads(message)  # noqa: S301 - from our own driver
            except Exception as error:  # noqa: BLE001 - a module that is not there, for one
                pipe.send_bytes(unreadable(error))
            else:
                pipe.send_bytes(packed(run_task(task)))


def _follow(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
