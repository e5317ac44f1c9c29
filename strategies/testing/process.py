"""A check of what a strategy changes for all others of its process, and outside it."""

from __future__ import annotations

import random
import threading
import warnings
from typing import Literal

import numpy as np

from .case import Case, Named, check
from .clean_process import NoCleanProcess, run_in_clean_process
from .failure import CheckFailed, expect
from .life import finish, live
from .process_state import SHARED, as_it_was, changes, listening, snapshot
from .state import is_own

AT_START = snapshot()
"""What is shared, before this process met a strategy."""


@check
def side_effects(case: Case) -> None:
    """It leaves the process as it is, and does nothing outside it: no files, programs, connections or threads."""
    handlings: tuple[Literal["ignore", "warn"], ...] = ("warn", "ignore")
    with as_it_was():
        live(case, case.new())  # a library that is imported meanwhile may change something once
    for number, handling in enumerate(handlings):
        with as_it_was():
            np.seterr(all=handling)
            np.random.seed(number)  # noqa: NPY002 - what strategies may wrongly use
            random.seed(number)
            before, threads = snapshot(), set(threading.enumerate())
            with listening() as heard:
                finish(case, live(case, case.new()))
            changed = changes(before, snapshot())
            started = [one.name for one in threading.enumerate() if one not in threads]
        expect(
            not changed,
            "after a life what it shares with all others is as it was",
            f"{' and '.join(changed)} changed",
            "; ".join(SHARED[name].remedy for name in changed),
        )
        expect(
            not started,
            "after a life no thread is left",
            f"{', '.join(started)}",
            "a thread goes on when the run is over, and has no copy: work in bid(), observe() and control()",
        )
        expect(
            not heard,
            "a life does nothing outside the process",
            "; ".join(f"it {what} ({where})" for what, where in heard.items()),
            "runs go side by side in many processes, and one must not tell the other: keep what is learned in attributes (keep_strategies=True "
            "hands the strategy back), read files in __init__, and write none",
        )
    if not is_own(type(case.new())):
        _import(case)


def _import(case: Case) -> None:
    """Look, in a clean process, at what the import of its module has changed."""
    try:
        changed = run_in_clean_process(__name__, "changed_by_import", case.named)
    except NoCleanProcess:
        return
    if changed:
        raise CheckFailed(
            "the import of its module leaves the process as it is",
            f"{' and '.join(changed)} changed",
            "; ".join(SHARED[name].remedy for name in changed),
        )


def changed_by_import(named: Named) -> list[str]:
    """Return what the import of a strategy has changed in this process, which was clean."""
    Case.from_named(named)
    changed = [name for name in changes(AT_START, snapshot()) if SHARED[name].of_imports]
    return changed + ["the filters of warnings"] * _hides_all()


def _hides_all() -> bool:
    """Whether a new filter ignores warnings of any text and module; libraries add filters for their own."""
    known = AT_START["the filters of warnings"]
    return any(
        action == "ignore" and text is None and module is None and issubclass(Warning, kind) | issubclass(RuntimeWarning, kind)
        for action, text, kind, module, _ in warnings.filters
        if (action, text, kind, module, _) not in known
    )  # fmt: skip
