"""What all strategies of a process share: read, compared, and put back."""

from __future__ import annotations

import decimal
import gc
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base import Policy, Priced


@dataclass(frozen=True)
class Shared:
    """One thing that a process has once. ``remedy`` says what a strategy does instead of changing it.

    ``of_imports`` says whether the import of a strategy's module changes it for no good reason.
    """

    read: Callable[[], Any]
    put: Callable[[Any], object]
    remedy: str
    of_imports: bool = False


def _read_numpy_generator() -> tuple[int, bytes]:
    numbers = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return numbers["pos"], numbers["key"].tobytes()


def _put_numpy_generator(saved: tuple[int, bytes]) -> None:
    place, key = saved
    state = np.random.get_state(legacy=False)  # noqa: NPY002
    np.random.set_state({**state, "state": {"key": np.frombuffer(key, np.uint32), "pos": place}})  # noqa: NPY002


def _put_environment(saved: dict[str, str]) -> None:
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    os.environ.update(saved)


def _read_logging() -> tuple[int, int, list[Any]]:
    return logging.root.manager.disable, logging.root.level, list(logging.root.handlers)


def _put_logging(saved: tuple[int, int, list[Any]]) -> None:
    disabled, level, logging.root.handlers[:] = saved
    logging.disable(disabled)
    logging.root.setLevel(level)


def _read_collector() -> tuple[bool, tuple[int, int, int]]:
    return gc.isenabled(), gc.get_threshold()


def _put_collector(saved: tuple[bool, tuple[int, int, int]]) -> None:
    (gc.enable if saved[0] else gc.disable)()
    gc.set_threshold(*saved[1])


SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name))


def _put_signals(saved: list[Any]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in zip(SIGNALS, saved, strict=True):
            if signal.getsignal(number) is not handler and handler is not None:
                signal.signal(number, handler)


HOLDERS: tuple[Any, ...] = (np, np.random, np.ndarray, Policy, Priced)


def _read_code() -> list[dict[str, Any]]:
    return [dict(vars(holder)) for holder in HOLDERS]


def _put_code(saved: list[dict[str, Any]]) -> None:
    for holder, before in zip(HOLDERS, saved, strict=True):
        now = dict(vars(holder))
        for name, thing in before.items():
            if now.get(name) is not thing:
                setattr(holder, name, thing)
        if isinstance(holder, type):
            for name in set(now) - set(before):
                delattr(holder, name)


def _put_decimals(saved: tuple[int, str]) -> None:
    decimal.getcontext().prec, decimal.getcontext().rounding = saved


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _put_streams(saved: tuple[Any, Any, Any]) -> None:
    sys.stdin, sys.stdout, sys.stderr = saved


def _put_list(of: list[Any]) -> Callable[[list[Any]], None]:
    def put(saved: list[Any]) -> None:
        of[:] = saved

    return put


def _put_filters(saved: list[Any]) -> None:
    warnings.filters[:] = saved  # type: ignore[index]
    warnings.simplefilter("default", append=True)  # has Python look at the list again
    warnings.filters[:] = saved  # type: ignore[index]


SHARED = {
    "numpy's error handling": Shared(
        np.geterr, lambda saved: np.seterr(**saved), "np.seterr() holds for all: with np.errstate(divide='ignore'): around the line", of_imports=True
    ),
    "the shared generator of numpy": Shared(
        _read_numpy_generator, _put_numpy_generator, "np.random.seed() and np.random.rand() are shared: chance comes from requests['uniform']", of_imports=True
    ),
    "the shared generator of Python": Shared(
        random.getstate, random.setstate, "random.seed() and random.random() are shared: chance comes from requests['uniform']"
    ),
    "the environment": Shared(lambda: dict(os.environ), _put_environment, "os.environ is shared: use an attribute"),
    "the working directory": Shared(
        Path.cwd, os.chdir, "os.chdir() holds for all: Path(__file__).parent finds files beside the strategy"
    ),
    "the filters of warnings": Shared(
        lambda: list(warnings.filters), _put_filters, "a filter hides the warnings of all others: mend what warns, or with warnings.catch_warnings(): around the line"
    ),
    "logging": Shared(
        _read_logging, _put_logging, "logging.disable(), logging.basicConfig() and the root logger's level hold for all: set those of a logger of your own", of_imports=True
    ),
    "numpy's print options": Shared(
        np.get_printoptions, lambda saved: np.set_printoptions(**{**saved, "override_repr": None}), "np.set_printoptions() holds for all: with np.printoptions(...): around the line"
    ),
    "the garbage collector": Shared(
        _read_collector, _put_collector, "gc.disable() and gc.set_threshold() hold for all: leave the collector alone", of_imports=True
    ),
    "what signals do": Shared(
        lambda: list(map(signal.getsignal, SIGNALS)), _put_signals, "signal.signal() takes Ctrl-C away from who runs the study: leave signals alone"
    ),
    "the recursion limit": Shared(
        sys.getrecursionlimit, sys.setrecursionlimit, "sys.setrecursionlimit() holds for all: write a loop"
    ),
    "where modules are found": Shared(
        lambda: list(sys.path), _put_list(sys.path), "sys.path is shared: import modules at the top of the file, which finds those beside it"
    ),
    "the standard streams": Shared(
        lambda: (sys.stdin, sys.stdout, sys.stderr), _put_streams, "sys.stdout is shared: with contextlib.redirect_stdout(...): around the line"
    ),
    "decimal's context": Shared(
        lambda: (decimal.getcontext().prec, decimal.getcontext().rounding), _put_decimals, "decimal.getcontext() is shared: with decimal.localcontext(): around the line"
    ),
    "the umask": Shared(_read_umask, os.umask, "os.umask() holds for all files that a study writes: leave it alone"),
    "code of numpy or jointbid": Shared(
        _read_code, _put_code, "an attribute of numpy or of jointbid.Policy was set for all: derive a class, or wrap the function in your own"
    ),
}  # fmt: skip
"""What is shared, by name."""


def snapshot() -> dict[str, Any]:
    """Return what is shared as it is now, by name."""
    return {name: thing.read() for name, thing in SHARED.items()}


def put_back(saved: dict[str, Any]) -> None:
    """Set what is shared to what it was."""
    now = snapshot()
    for name in changes(saved, now):
        SHARED[name].put(saved[name])


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of what differs."""
    return [name for name in before if not _is_same(before[name], after[name])]


def _is_same(before: Any, after: Any) -> bool:
    if (
        isinstance(before, list) and before and isinstance(before[0], dict)
    ):  # code: what is new there does not count in a module
        return all(
            after_one.get(name) is thing for one, after_one in zip(before, after, strict=True) for name, thing in one.items()
        )  # fmt: skip
    return bool(before == after)


@contextmanager
def as_it_was() -> Iterator[None]:
    """Put what is shared back afterwards; meanwhile ``os._exit`` raises ``SystemExit``, as a check must not end without a word."""
    saved, leave = snapshot(), os._exit
    os._exit = _leave  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave
        put_back(saved)


def _leave(status: int = 0) -> None:
    raise SystemExit(status)


WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REACHES = {
    "open": "writes to a file",
    "os.remove": "removes a file",
    "os.rename": "renames a file",
    "os.mkdir": "makes a folder",
    "os.rmdir": "removes a folder",
    "subprocess.Popen": "starts a program",
    "os.system": "starts a program",
    "os.fork": "starts a process",
    "socket.connect": "opens a connection",
}
"""Events of Python's audit hooks, and what they say of a strategy."""
_HEARD: list[dict[str, str]] = []
"""The lists that receive what is heard; empty while no check runs."""
_IS_HOOKED = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _HEARD or event not in REACHES:
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITES):
        return
    _HEARD[-1].setdefault(
        REACHES[event], str(arguments[1] if event == "socket.connect" else arguments[0])[:120]
    )


@contextmanager
def listening() -> Iterator[dict[str, str]]:
    """Collect what is done outside the process meanwhile: what, and the first file, program or address."""
    global _IS_HOOKED  # noqa: PLW0603 - a hook cannot be taken off again
    if not _IS_HOOKED:
        sys.addaudithook(_hear)
        _IS_HOOKED = True
    heard: dict[str, str] = {}
    _HEARD.append(heard)
    try:
        yield heard
    finally:
        _HEARD.remove(heard)
