"""Where worker processes come from: one process imports everything once, and workers are forked off it.

Sixty-four workers are then there as fast as one, and share the memory of what was imported. The driver itself is not forked:
it has threads, and by then whatever a user's script has done.

The driver has one line to the nursery. It sends an order of eight bytes: 0 with one end of a pipe for a new worker, which is
answered with its process number; or the number of a worker that is gone, which is answered with its exit code.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO

from .worker import ORDER

MODULE = "jointbid.experiments.execution.worker"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PATIENCE_S, SOON_S = 1.0, 0.02
"""How long anybody is waited for who should leave, or answer at once."""


class Nursery:
    """The driver's side of it; a nursery that is killed is followed by another one."""

    def __init__(self) -> None:
        self._born: deque[Connection] = deque()
        self._pids: dict[Connection, int] = {}
        self._code = 0
        self._begin()

    def worker(self) -> Connection:
        """A pipe to a new worker, which says on it when it is ready."""
        ours, theirs = Pipe()
        with theirs:
            try:
                socket.send_fds(self._line, [ORDER.pack(0)], [theirs.fileno()])
            except OSError:
                self._end()
                self._begin()
                socket.send_fds(self._line, [ORDER.pack(0)], [theirs.fileno()])
        self._born.append(ours)
        return ours

    def bury(self, pipe: Connection) -> int:
        """The exit code of the worker at the other end, which is gone; that of its nursery, where that has taken it along."""
        if pipe not in self._born and pipe not in self._pids:
            return self._code
        try:
            self._hear_births()
            self._line.sendall(ORDER.pack(self._pids.pop(pipe)))
            return self._answer()
        except OSError:
            return self._end()

    def close(self, pipes: list[Connection], *, now: bool) -> None:
        """Workers leave when their pipe is closed; ``now``, they are killed."""
        for pipe in pipes:
            pipe.close()
        with suppress(OSError):
            self._line.settimeout(SOON_S)
            self._hear_births()
            self._line.settimeout(PATIENCE_S)
        if self._born:  # it is not ready yet
            self._process.kill()
        for pipe in pipes:
            if now and pipe in self._pids:
                with suppress(ProcessLookupError):
                    os.kill(self._pids[pipe], signal.SIGKILL)
        for pipe in pipes:
            self.bury(pipe)
        self._end()

    def _begin(self) -> None:
        self._line, theirs = socket.socketpair()
        self._line.settimeout(PATIENCE_S)
        environment = {
            **dict.fromkeys(THREADS, "1"),
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        self._relay = threading.Thread(target=_relay, args=(self._process.stdout,), daemon=True)
        self._relay.start()

    def _hear_births(self) -> None:
        while self._born:
            pid = self._answer()
            self._pids[self._born.popleft()] = pid

    def _answer(self) -> int:
        answer = self._line.recv(ORDER.size, socket.MSG_WAITALL)
        if len(answer) < ORDER.size:
            raise ConnectionError("the nursery is gone")
        return int(ORDER.unpack(answer)[0])

    def _end(self) -> int:
        """No more workers from this one; those that it has leave with it."""
        self._line.close()
        self._born.clear()
        self._pids.clear()
        try:
            self._code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._code = self._process.wait()
        self._relay.join(PATIENCE_S)
        return self._code


def _relay(printed: IO[str]) -> None:
    """Write what workers print to standard error, whole lines, so that it comes above the progress bars there."""
    with printed:
        for line in printed:
            sys.stderr.write(line)
