"""One process a core. A worker that is killed costs the task that it ran, and nothing else.

The processes are the standard library's. Its pool and joblib's are not used: they break as a whole when one of their processes is
killed, lose what the others had not yet handed back, and do not say how it ended. Here each worker has a pipe of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, ClassVar

import cloudpickle

from ..config.settings import ExecutorSettings
from .pool import cores
from .tasks import Finished, Task, failed, finished
from .worker import starting, work, worker_context

PATIENCE_S = 0.25
"""How long ``collect`` waits; a worker whose tasks take less is sent the next one ahead of time."""
SMALL_BYTES = 32_768
"""Only a task of this size is sent ahead of time: it fits into the pipe, so that sending does not wait."""
LEAVE_S = 1.0
"""How long a worker may take to leave."""
FAILED_STARTS = 3
"""Workers that end before they are ready, in a row and for each job, before the pool gives up."""


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    is_ready: bool = False
    tasks: deque[Task] = field(default_factory=deque)
    since: float = 0.0
    is_quick: bool = False
    """The last task took less than ``PATIENCE_S``."""


class Processes:
    """A worker process for each of ``executor.jobs``.

    The fork server gets ready from the start on; workers are forked off it for the first task.
    """

    forks_workers: ClassVar[bool] = True
    shares_disk: ClassVar[bool] = True

    def __init__(self, settings: ExecutorSettings) -> None:
        self._jobs = settings.jobs or cores()
        worker_context()
        self._workers: list[_Worker] = []
        self._queue: deque[Task] = deque()
        self._failed_starts = 0
        printed, self._prints = Pipe(duplex=False)
        self._relay = Thread(target=_relay, args=(printed,), daemon=True)
        self._relay.start()

    @property
    def width(self) -> int:
        """Two tasks a worker: one to run and one to follow."""
        return 2 * self._jobs

    def submit(self, task: Task) -> None:
        """Queue the task, and send out what workers can take."""
        self._queue.append(task)
        self._hand_out()

    def collect(self) -> list[Finished]:
        """Return tasks that have come back, and those of workers that are gone."""
        by_pipe: dict[Any, _Worker] = {worker.pipe: worker for worker in self._workers}
        back = []
        for pipe in wait(list(by_pipe), PATIENCE_S):
            worker = by_pipe[pipe]
            try:
                message = worker.pipe.recv()
            except (EOFError, ConnectionError):
                back += self._replace(worker)
                continue
            if worker.is_ready:
                task, now = worker.tasks.popleft(), time.monotonic()
                worker.is_quick, worker.since = now - worker.since < PATIENCE_S, now
                back.append(finished(task, failed(task, *message) if isinstance(message, tuple) else message))
            worker.is_ready = True
        self._hand_out()
        return back

    def close(self, *, now: bool) -> None:
        """Close the pipes, upon which workers leave; with ``now``, kill them."""
        for worker in self._workers:
            worker.pipe.close()
            if now or not worker.is_ready:
                worker.process.kill()
        for worker in self._workers:
            _exit_code(worker.process)
        self._workers.clear()
        self._prints.close()
        self._relay.join(LEAVE_S)

    def _hand_out(self) -> None:
        """Send tasks to workers that are idle, then one ahead to those that are quick."""
        while len(self._workers) < self._jobs:
            self._workers.append(self._start())
        for ahead in (0, 1):
            for worker in self._workers:
                if not self._queue:
                    return
                if len(worker.tasks) != ahead or (ahead and not worker.is_quick):
                    continue
                blob = cloudpickle.dumps(self._queue[0])  # functions of scripts and notebooks too
                if ahead and len(blob) > SMALL_BYTES:
                    continue
                if not worker.tasks:
                    worker.since = time.monotonic()
                worker.tasks.append(self._queue.popleft())
                try:
                    worker.pipe.send_bytes(blob)
                except OSError:  # it is gone: the next `collect` sees that, and returns its tasks
                    continue

    def _start(self) -> _Worker:
        ours, theirs = Pipe()
        context: Any = worker_context()  # again, as the fork server may have been killed
        process = context.Process(target=work, args=(theirs, self._prints, dict(os.environ)))
        with theirs, starting():
            try:
                process.start()
            except EOFError:
                raise _no_start("the fork server ended") from None
        return _Worker(process, ours)

    def _replace(self, worker: _Worker) -> list[Finished]:
        """Drop a dead worker: return the task that it ran as lost, queue again what it had not begun."""
        code = _exit_code(worker.process)
        worker.pipe.close()
        self._workers.remove(worker)
        self._failed_starts = 0 if worker.is_ready else self._failed_starts + 1
        if self._failed_starts == FAILED_STARTS * self._jobs:
            raise _no_start(f"exit code {code}")
        lost = [worker.tasks.popleft()] if worker.is_ready and worker.tasks else []
        self._queue.extendleft(reversed(worker.tasks))
        return [Finished(task, lost=_reason(code)) for task in lost]


def _no_start(reason: str) -> RuntimeError:
    return RuntimeError(f"worker processes do not start ({reason}); executor=serial does without")


def _exit_code(process: BaseProcess) -> int:
    """Return the exit code of a process that leaves, or is killed if it does not."""
    process.join(LEAVE_S)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode or 0


def _reason(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in {*signal.Signals} else str(-code)
        want = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"its worker process was ended by {name}{want}"
    return f"its worker process left with exit code {code}"


def _relay(printed: Connection) -> None:
    """Write what workers print to standard error, whole lines, so that it comes above the progress bars there."""
    if sys.platform == "win32":  # a pipe is no file there; workers print to the console
        return
    with printed, open(printed.fileno(), errors="replace", closefd=False) as lines:
        for line in lines:
            sys.stderr.write(line)
