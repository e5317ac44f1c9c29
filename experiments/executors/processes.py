"""One process a core. A worker that is killed costs what it was doing, and nothing else.

Pools of the standard library and of joblib break as a whole when one of their processes is killed, and lose what the
others had not yet handed back. Here each worker has a pipe of its own, so that it is known what was lost with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from experiments.executors.base import Finished, Task, cores, unpacked
from experiments.settings import ExecutorSettings

WORKER = "experiments.executors.worker"
PATIENCE_S = 0.25
"""How long ``collect`` waits; and a worker whose tasks take less is handed the next one ahead of time."""
SMALL_BYTES = 32_768
"""Only so small a task is handed ahead of time: it fits into the pipe, so that nobody waits for who waits for him."""
STILLBORN = 3
"""So many workers in a row that end before they are ready mean that none will ever be."""
STDERR = 2
"""Where a worker's standard output goes: what a strategy prints is none of the study's."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection
    ready: bool = False
    tasks: deque[Task] = field(default_factory=deque)
    since: float = 0.0
    quick: bool = False
    """The last task took less than the driver's patience."""


class Processes:
    """A worker process for each of ``executor.jobs``, all of them started at once."""

    def __init__(self, settings: ExecutorSettings) -> None:
        self._jobs = settings.jobs or cores()
        self._workers = [_start() for _ in range(self._jobs)]
        self._queue: deque[Task] = deque()
        self._stillborn = 0

    @property
    def width(self) -> int:
        """Two tasks a worker: one that it does, and one for when it has done it."""
        return 2 * self._jobs

    def submit(self, task: Task) -> None:
        """Queue it, and hand out what somebody can take."""
        self._queue.append(task)
        self._hand_out()

    def collect(self) -> list[Finished]:
        """Outcomes that have arrived, and tasks of workers that are gone."""
        by_pipe = {worker.pipe: worker for worker in self._workers}
        finished = []
        for pipe in wait(list(by_pipe), PATIENCE_S):
            worker = by_pipe[pipe]  # type: ignore[index] # wait's type allows for sockets and files too
            try:
                message = worker.pipe.recv_bytes()
            except (EOFError, ConnectionError):
                finished += self._bury(worker)
                continue
            if not worker.ready:
                worker.ready = True
                continue
            task, now = worker.tasks.popleft(), time.monotonic()
            worker.quick, worker.since = now - worker.since < PATIENCE_S, now
            finished.append(unpacked(task, message))
        self._hand_out()
        return finished

    def close(self, *, now: bool) -> None:
        """Workers leave when their pipe is closed; ``now``, they are killed."""
        for worker in self._workers:
            worker.pipe.close()
            if now:
                worker.process.kill()
        for worker in self._workers:
            try:
                worker.process.wait(1.0)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._workers.clear()

    def _hand_out(self) -> None:
        """Give tasks to who is idle, then one ahead to who is quick."""
        for ahead in (0, 1):
            for worker in self._workers:
                if not self._queue:
                    return
                if len(worker.tasks) != ahead or (ahead and not worker.quick):
                    continue
                blob = _packed(self._queue[0])
                if ahead and len(blob) > SMALL_BYTES:
                    continue
                if not worker.tasks:
                    worker.since = time.monotonic()
                worker.tasks.append(self._queue.popleft())
                try:
                    worker.pipe.send_bytes(blob)
                except OSError:  # it is gone: the next `collect` sees that, and what it was to do
                    continue

    def _bury(self, worker: _Worker) -> list[Finished]:
        """What a dead worker was doing is lost; what it had not begun is queued again."""
        worker.pipe.close()
        code = worker.process.wait()
        self._workers.remove(worker)
        self._stillborn = 0 if worker.ready else self._stillborn + 1
        if self._stillborn == STILLBORN:
            raise RuntimeError(
                f"worker processes do not start (exit code {code}); executor=serial does without"
            )
        lost, unbegun = (
            (list(worker.tasks)[:1], list(worker.tasks)[1:]) if worker.ready else ([], worker.tasks)
        )
        self._queue.extendleft(reversed(unbegun))
        self._workers.append(_start())
        return [Finished(task, lost=_reason(code)) for task in lost]


def _start() -> _Worker:
    ours, theirs = Pipe()
    environment = {
        **dict.fromkeys(THREADS, "1"),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", WORKER, str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
        )
    return _Worker(process, ours)


def _packed(task: Task) -> bytes:
    import cloudpickle  # functions of scripts and notebooks too

    return bytes(cloudpickle.dumps(task))


def _reason(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in {*signal.Signals} else str(-code)
        want = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"its worker process was ended by {name}{want}"
    return f"its worker process left with exit code {code}"
