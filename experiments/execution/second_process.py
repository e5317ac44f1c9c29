"""A cell run in a process of its own with other hashes of texts: ``python -m jointbid.experiments.execution.second_process``.

What depends on ``hash``, on the order of a set, or on the process itself differs there. Starting a process takes seconds, so only
strategies whose source mentions such a thing are tried that way.
"""

from __future__ import annotations

import inspect
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jointbid.sim.scenario import StrategySpec

from ..cells.cell import ROOT, Cell, CellResult

SUSPECT = re.compile(r"\b(hash|set|frozenset|getpid|environ)\b|__hash__|\{\s*[^:{}]+,[^:{}]*\}")
PATIENCE_S = 600.0
Rows = list[dict[str, Any]]


def is_suspect(strategies: Iterable[StrategySpec]) -> bool:
    """Whether the source of one that does not ship with this package mentions what differs between processes."""
    return any(SUSPECT.search(source) for spec in strategies if (source := _source(spec)))


def rows_elsewhere(work: Callable[[Any], CellResult], cell: Cell) -> Rows | None:
    """Return the rows of the cell as another process finds them; None where it does not find any."""
    import cloudpickle

    other = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    environment = {
        **os.environ,
        "PYTHONHASHSEED": other,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__],
            input=cloudpickle.dumps((work, cell)),
            capture_output=True,
            env=environment,
            timeout=PATIENCE_S,
            check=True,
        )
        rows: Rows = pickle.loads(done.stdout)  # noqa: S301 - from our own process
    except (subprocess.SubprocessError, OSError, pickle.UnpicklingError, EOFError):
        return None
    return rows


def _source(spec: StrategySpec) -> str:
    from jointbid.strategies.registry import UnknownStrategyError, find

    try:
        module = inspect.getmodule(find(spec.name))
        file = Path(getattr(module, "__file__", None) or "")
        return "" if module is None or file.is_relative_to(ROOT / "strategies") else inspect.getsource(module)
    except (UnknownStrategyError, OSError, TypeError):
        return ""


def main() -> None:
    """Read work and cell, write the rows; what a strategy prints goes to standard error."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work, cell = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
    with answer:
        pickle.dump(work(cell).rows, answer)


if __name__ == "__main__":
    main()
