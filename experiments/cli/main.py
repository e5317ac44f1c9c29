"""The console script `jointbid`. Nothing heavy is imported before the verb is known to need it."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
import threading
import time
from _thread import interrupt_main
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from ..errors import BadInput, RunFailed
from .output import mute, put, spelling
from .parser import OWN_HELP, STUDY, VERBS, parse

DEBUG = "JOINTBID_DEBUG"
DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
AGAIN_S = 0.05
"""After this time a dropped stop comes again, when the callback that dropped it has long returned."""
ONE_STOP_S = 0.5
"""Stops within this time of each other are one: ``timeout`` and terminals send theirs to the process and to its group."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 done, 1 a run or cell failed, 2 bad input, 130 stopped by Ctrl-C, 143 by SIGTERM.
    """
    arguments = [_decoded(text) for text in (sys.argv[1:] if argv is None else argv)]
    with spelling(), _listening() as stops:
        try:
            return _run(arguments, stops)
        except KeyboardInterrupt as stop:  # one more, while the first was answered
            return _stopped(arguments, stop)


def _decoded(text: str) -> str:
    """Return an argument as UTF-8 where Python, which uses another encoding, could not decode its bytes."""
    try:
        return os.fsencode(text).decode("utf-8") if not text.isprintable() else text
    except UnicodeError:
        return text


def _run(arguments: list[str], stops: Sequence[KeyboardInterrupt]) -> int:
    try:
        return _dispatch(arguments)
    except BadInput as error:
        several = len(error.problems) > 1
        text = "several things are wrong:" + "".join(f"\n  {line}" for line in error.problems)
        put(f"jointbid: {text if several else error}", sys.stderr)
        return BAD_INPUT
    except RunFailed as error:
        put(f"jointbid: {error}", sys.stderr)
        return FAILED
    except KeyboardInterrupt as stop:
        return _stopped(arguments, stop)
    except BrokenPipeError:
        mute()
        return FAILED
    except Exception as error:
        if stops:  # a library that was being imported has made another error of it
            return _stopped(arguments, stops[0])
        if _is_no_room(error):
            put(
                f"jointbid: no room left on the disk ({error}); what is done is kept, and what is half written does not "
                "count: once there is room, the same command again goes on from there",
                sys.stderr,
            )
            return FAILED
        if os.environ.get(DEBUG):
            raise
        put(f"jointbid failed: {type(error).__name__}: {error}\n({DEBUG}=1 shows where)", sys.stderr)
        return FAILED


class Terminated(KeyboardInterrupt):
    """SIGTERM, which stops a command just as Ctrl-C does."""


@contextmanager
def _listening() -> Iterator[list[KeyboardInterrupt]]:
    """Let SIGTERM stop a command as Ctrl-C does; yield the list of what has stopped it.

    Python drops an error that is raised within a callback of C, as LLVM has while a kernel is loaded. A stop that is dropped there comes once more.
    A stop that comes twice at once counts once, so that what the first has begun to tidy up is not interrupted.
    """
    stops: list[KeyboardInterrupt] = []
    usual = sys.unraisablehook
    last = -ONE_STOP_S

    def dropped(error: sys.UnraisableHookArgs) -> None:
        nonlocal last
        if any(error.exc_value is stop for stop in stops):
            last = -ONE_STOP_S
            number = signal.SIGTERM if isinstance(error.exc_value, Terminated) else signal.SIGINT
            threading.Timer(AGAIN_S, _interrupt, [number, before]).start()
        else:
            usual(error)

    def stop(number: int, _: object) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < ONE_STOP_S:
            return
        last = now
        stops.append(Terminated() if number == signal.SIGTERM else KeyboardInterrupt())
        raise stops[-1]

    before = {}
    if threading.current_thread() is threading.main_thread():
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, stop)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as in the background
            before[signal.SIGINT] = signal.signal(signal.SIGINT, stop)
    if before:
        sys.unraisablehook = dropped
    try:
        yield stops
    finally:
        sys.unraisablehook = usual
        while before:
            signal.signal(*before.popitem())


def _interrupt(number: signal.Signals, listening: Collection[signal.Signals]) -> None:
    """Send a signal to the main thread, if that still listens, and wake it up where the system can."""
    if number not in listening:
        return
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        interrupt_main(number)


def _stopped(arguments: Sequence[str], stop: KeyboardInterrupt) -> int:
    is_study = VERBS.get("".join(arguments[:1]), ("",))[0] == STUDY
    kept = (
        "what is done is kept: the same command again goes on from there"
        if is_study
        else "nothing of it is kept"
    )
    sys.stderr.write(f"stopped; {kept}\n")
    return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED


def _is_no_room(error: Exception) -> bool:
    """Return whether a disk or a quota is full; not every library keeps the number of the error."""
    return isinstance(error, OSError) and (error.errno in NO_ROOM or os.strerror(errno.ENOSPC) in str(error))


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["--version"]:
        from ..cells.versions import version

        sys.stdout.write(f"jointbid {version('jointbid') or 'not installed'}\n")
        return DONE
    options = parse(arguments)
    name = VERBS[options.verb][0] if options.verb else ""
    helper = OWN_HELP.get(name)
    if options.help and not helper:
        sys.stdout.write(options.help)
        return DONE
    module = importlib.import_module(f"{__package__}.{helper if options.help else name}")
    code: int = module.helped(options) if options.help else module.main(options)
    sys.stdout.flush()  # a reader that has left shows here, and not when Python ends
    return code
