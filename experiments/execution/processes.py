"""One process a core. A worker that is killed costs what it was doing, and nothing else.

Pools of the standard library and of joblib break as a whole when one of their processes is killed, and lose what the
others had not yet handed back. Here each worker has a pipe of its own, so that it is known what was lost with it.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait

from ..config.settings import ExecutorSettings
from .fork_server import Nursery
from .tasks import Finished, Task, cores, unpacked

PATIENCE_S = 0.25
"""How long ``collect`` waits; and a worker whose tasks take less is handed the next one ahead of time."""
SMALL_BYTES = 32_768
"""Only so small a task is handed ahead of time: it fits into the pipe, so that nobody waits for who waits for him."""
STILLBORN = 3
"""So many times as many workers as there should be that end before any is ready mean that none will ever be."""


@dataclass
class _Worker:
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
        self._nursery = Nursery()
        self._workers = [_Worker(self._nursery.worker()) for _ in range(self._jobs)]
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
        self._nursery.close([worker.pipe for worker in self._workers], now=now)
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
        code = self._nursery.bury(worker.pipe)
        worker.pipe.close()
        self._workers.remove(worker)
        self._stillborn = 0 if worker.ready else self._stillborn + 1
        if self._stillborn == STILLBORN * self._jobs:
            raise RuntimeError(
                f"worker processes do not start (exit code {code}); executor=serial does without"
            )
        lost, unbegun = (
            (list(worker.tasks)[:1], list(worker.tasks)[1:]) if worker.ready else ([], worker.tasks)
        )
        self._queue.extendleft(reversed(unbegun))
        self._workers.append(_Worker(self._nursery.worker()))
        return [Finished(task, lost=_reason(code)) for task in lost]


def _packed(task: Task) -> bytes:
    import cloudpickle  # functions of scripts and notebooks too

    return bytes(cloudpickle.dumps(task))


def _reason(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in {*signal.Signals} else str(-code)
        want = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"its worker process was ended by {name}{want}"
    return f"its worker process left with exit code {code}"
