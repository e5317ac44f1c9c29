"""A limit on the time that one call of a strategy may take.

A thread looks a few times a second at the calls under way, and raises ``CallTimeout`` in the thread of one that takes too
long. Python code is stopped that way wherever it runs: in the main thread, in another, in a worker process, in a notebook. Code
that waits outside the interpreter (a lock, a socket, ``time.sleep``) does not notice: in the main thread SIGINT wakes
it up, and a worker process hands its answer in and leaves (``at_last``). Code that never gives up the interpreter's lock, such as
a loop compiled by numba, keeps this thread from looking: ``ending_if_stuck`` has the process end. A call costs some microseconds more.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident
from time import monotonic
from typing import Any

from .identity import place_of_frame

LOOKS_A_LIMIT = 20
"""How often a call is looked at before its limit is reached."""
LOOK_S = (0.01, 0.5)
LOCKED_S = 10.0
"""How much longer than a call's limit the interpreter's lock may be held."""
STDERR = 2
GRACE_S = 2.0
"""How long a call that was stopped may go on before stronger means are used."""


class CallTimeout(BaseException):
    """Raised in a call that takes too long; no ``except Exception`` of a strategy catches it."""


@dataclass(eq=False, slots=True)
class Call:
    """A call under way in one thread: a strategy's ``method`` at an hour of the run, and since when.

    ``stopped`` is when it was last stopped, and ``place`` where in the author's code it was the first time. ``is_suspected``: the
    watching thread is about to stop it, or has.
    """

    who: str
    method: str
    hour: float
    limit_s: float
    since: float = 0.0
    stopped: float = 0.0
    is_suspected: bool = False
    place: str = ""
    is_reported: bool = False

    @property
    def described(self) -> str:
        """Which strategy does not return, from which method, when, and where it was."""
        where = f" (it was at {self.place})" if self.place else ""
        return f"{self.who} at hour {self.hour:.6g}: {self.method}() did not return within {self.limit_s:g} s{where}"


class Watch:
    """The calls of this process, one a thread, and the thread that looks at them."""

    def __init__(self) -> None:
        self.at_last: Callable[[int, Call], None] = _wake_up
        """What is done about a call that does not end although it was stopped."""
        self._ends_process = False
        self._calls: dict[int, Call] = {}
        self._limit_s = 0.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._look_s = LOOK_S[1]

    def call(self, function: Callable[[Any], object], argument: object, call: Call) -> object:
        """Return ``function(argument)``.

        Raises:
            CallTimeout: it took longer than ``call.limit_s``.
        """
        me, calls = get_ident(), self._calls
        if me in calls:  # a call within a call has the limit of the outer one
            return function(argument)
        call.since = monotonic()
        if call.limit_s != self._limit_s or self._thread is None:
            self._look_after(call)
        try:
            try:
                calls[me] = call
                answer = function(argument)
                del calls[me]
            except BaseException:
                self._end(me, call)
                raise
            if (
                call.is_suspected
            ):  # whom the thread suspects after this line it no longer finds among the calls
                self._end(me, call)
        except BaseException:
            self._end(me, call)  # again, as the error may have come in the midst of it
            if not call.stopped:
                raise
        if call.stopped:  # it may have swallowed the error, or made another of it
            raise CallTimeout from None
        return answer

    def may_end_process(self, *, ends: bool) -> None:
        """Say whether the process is to end where this thread cannot look any more."""
        with self._lock:
            self._ends_process = ends
            if not ends:
                faulthandler.cancel_dump_traceback_later()

    def forget(self) -> None:
        """Begin anew in a forked process, which has none of the threads of the one before."""
        self._calls.clear()
        self._lock, self._thread, self._limit_s = threading.Lock(), None, 0.0

    def _end(self, thread: int, call: Call) -> None:
        """Leave the call alone from here on; an error that has not arrived in it arrives here."""
        while True:
            try:
                with self._lock:
                    self._calls.pop(thread, None)
                    call.is_suspected = False
            except (CallTimeout, KeyboardInterrupt):
                if not call.stopped:
                    raise
            else:
                break
        if call.stopped:
            _receive(thread)

    def _look_after(self, call: Call) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="strategy watch", daemon=True)
            self._thread.start()
        self._limit_s = min(call.limit_s, threading.TIMEOUT_MAX / 2)
        self._look_s = min(self._look_s, max(call.limit_s / LOOKS_A_LIMIT, LOOK_S[0]))

    def _look(self) -> None:
        while True:
            with self._lock:
                if self._ends_process:
                    faulthandler.dump_traceback_later(self._limit_s + LOCKED_S, exit=True, file=STDERR)
            time.sleep(self._look_s)
            now = monotonic()
            with self._lock:
                for thread, call in list(self._calls.items()):
                    if now - call.since > call.limit_s:
                        self._suspect(thread, call, now)

    def _suspect(self, thread: int, call: Call, now: float) -> None:
        """Stop a call, unless it has ended by now, or is another one that began in its place."""
        call.is_suspected = True
        if self._calls.get(thread) is call and now - call.since > call.limit_s:
            self._stop(thread, call, now)

    def _stop(self, thread: int, call: Call, now: float) -> None:
        """Raise the error in the call's thread, again at each look, for a strategy may swallow it."""
        if not call.stopped:
            call.place = place_of_frame(sys._current_frames().get(thread))  # noqa: SLF001 - the only way to it
            call.stopped = now
        if now - call.stopped > GRACE_S:
            call.stopped = now
            self.at_last(thread, call)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(CallTimeout))


def _receive(thread: int) -> None:
    """Let the error that was sent to this thread arrive, or one more.

    An error that is sent and taken back leaves the interpreter's flag of pending errors set (CPython 3.11): each later function call
    of the process would stop to look for it, and would never go on where it is traced.
    """
    while True:
        try:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(CallTimeout))
            while True:
                pass
        except CallTimeout:
            return
        except KeyboardInterrupt:
            continue


def _wake_up(thread: int, call: Call) -> None:
    """Interrupt a system call of the main thread, where SIGINT is not ignored; of another, say that it cannot be stopped."""
    is_listening = signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.SIG_DFL, None)
    if thread == threading.main_thread().ident and is_listening and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    elif not call.is_reported:
        call.is_reported = True
        sys.stderr.write(
            f"{call.described}, and waits outside Python, where it cannot be stopped: end the process\n"
        )


WATCH = Watch()


@contextmanager
def ending_if_stuck() -> Iterator[None]:
    """Meanwhile end this process (exit code 1, traceback on standard error) if a strategy holds the interpreter's lock for good."""
    WATCH.may_end_process(ends=True)
    try:
        yield
    finally:
        WATCH.may_end_process(ends=False)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=WATCH.forget)
