"""How Python processes are started that run the driver's tasks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from types import ModuleType

PRELOAD = "jointbid.experiments.execution.preload"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Set to 1 for workers, where the user has not set them: there is a worker for each core."""


def worker_context() -> BaseContext:
    """Return the standard library's fork server, which imports ``PRELOAD`` before it forks; ``spawn`` where there is no fork.

    Workers that are forked off one process are all there as fast as one, and share the memory of what it has imported. The
    driver itself is not forked: it has threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    with starting(), without_ctrl_c():
        ensure_running()
    return context


@contextmanager
def starting(**variables: str) -> Iterator[None]:
    """Set the environment of processes that are started in the block: ``variables``, ``THREADS``, ``sys.path``.

    The driver's script is hidden meanwhile: the standard library would run it again in each worker. Functions of the script
    reach workers by value (cloudpickle).
    """
    path = os.pathsep.join(filter(None, sys.path))
    variables = {name: "1" for name in THREADS if name not in os.environ} | {"PYTHONPATH": path} | variables
    before = {name: os.environ.get(name) for name in variables}
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    os.environ.update(variables)
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Let processes that are started in the block, and all theirs, ignore Ctrl-C: the driver stops them itself."""
    if sys.platform == "win32":
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
