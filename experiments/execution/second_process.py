"""A cell run in a process of its own with other hashes of texts.

Results that depend on ``hash``, on the order of a set, or on the process itself differ there. Starting a process takes seconds, so
only strategies whose source mentions one of these are tried that way.
"""

from __future__ import annotations

import inspect
import os
import pickle
import re
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jointbid.sim.scenario import StrategySpec

from ..cells.cell import ROOT, Cell, CellResult
from .start import starting, without_ctrl_c

SUSPECT = re.compile(r"\b(hash|set|frozenset|getpid|environ)\b|__hash__|\{\s*[^:{}]+,[^:{}]*\}")
PATIENCE_S = 600.0
STDOUT, STDERR = 1, 2
Rows = list[dict[str, Any]]


def is_suspect(strategies: Iterable[StrategySpec]) -> bool:
    """Return whether the source of a plugin among the strategies mentions something that differs between processes."""
    return any(SUSPECT.search(source) for spec in strategies if (source := _source(spec)))


def rows_elsewhere(work: Callable[[Any], CellResult], cell: Cell) -> Rows | None:
    """Return the rows of the cell as another process computes them; None where it computes none."""
    import cloudpickle

    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(cloudpickle.dumps((work, cell)), theirs))
    other = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    with theirs, starting(PYTHONHASHSEED=other), without_ctrl_c():
        process.start()
    try:
        rows: Rows | None = ours.recv() if ours.poll(PATIENCE_S) else None
    except EOFError:
        return None
    else:
        return rows
    finally:
        process.kill()
        process.join()


def _run(message: bytes, driver: Connection) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (STDOUT, STDERR):  # the cell itself prints the same once more
        os.dup2(nowhere, stream)
    work, cell = pickle.loads(message)  # noqa: S301 - from our own driver
    try:
        driver.send(work(cell).rows)
    except Exception:  # noqa: BLE001 - the cell itself will report it
        os._exit(1)


def _source(spec: StrategySpec) -> str:
    from jointbid.strategies.registry import UnknownStrategyError, find

    try:
        module = inspect.getmodule(find(spec.name))
        file = Path(getattr(module, "__file__", None) or "")
        return "" if module is None or file.is_relative_to(ROOT / "strategies") else inspect.getsource(module)
    except (UnknownStrategyError, OSError, TypeError):
        return ""
